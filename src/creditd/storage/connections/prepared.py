"""Statements with more parameters than the driver caches the translation of, and statements that travel together.

psycopg translates a statement's placeholders anew at each use if it is longer than 4,096 characters or has more than 50
parameters, which for the one statement of the write path took longer than PostgreSQL did. It is translated here once.
"""

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any, NamedTuple, Protocol

import psycopg
from sqlalchemy import Connection

from creditd.storage.connections.session import Session

_NAME = re.compile(r"(?<!:):([a-z_]+)")


class Rows(Protocol):
    """What a statement has returned."""

    def fetchone(self) -> Any:
        """Return the next row, or None after the last."""

    def __iter__(self) -> Iterator[Any]:
        """Return the rows that are left."""


class Prepared(NamedTuple):
    """A statement in the server's own notation, and the names of its parameters in order.

    One ``by_heart`` takes nothing but texts, and goes past psycopg where each statement is a transaction of its own.
    """

    query: bytes
    names: tuple[str, ...]
    by_heart: bool = False

    def row(self, connection: Connection, parameters: Mapping[str, Any]) -> Any:
        """Execute it within the connection's transaction; return its one row, or None if it has none.

        Raises psycopg.Error as it comes from the driver.
        """
        return self.sent(connection, parameters).fetchone()

    def last_row(self, connection: Connection, parameters: Mapping[str, Any]) -> Any:
        """Execute it as ``row`` does, and commit the connection's transaction in the same round trip."""
        with round_trip(connection):
            cursor = self.sent(connection, parameters)
            psycopg.RawCursor(driver_of(connection)).execute(b"COMMIT", prepare=False)
        return cursor.fetchone()

    def sent(self, connection: Connection, parameters: Mapping[str, Any]) -> Rows:
        """Execute it, and return its rows; within a ``round_trip`` they are there once that has ended.

        Raises psycopg.Error as it comes from the driver, here or at the end of the round trip.
        """
        driver = driver_of(connection)
        values = [parameters[name] for name in self.names]
        if self.by_heart and isinstance(driver, Session) and driver.knows(self.query):
            return driver.recited(self.query, values)
        return psycopg.RawCursor(driver).execute(self.query, values)


def driver_of(connection: Connection) -> "psycopg.Connection[Any]":
    """Return psycopg's connection beneath SQLAlchemy's. Raises psycopg.OperationalError if there is none."""
    driver: psycopg.Connection[Any] | None = connection.connection.driver_connection
    if driver is None:
        raise psycopg.OperationalError
    return driver


@contextmanager
def round_trip(connection: Connection) -> Iterator[None]:
    """Have all prepared statements of the block travel at once, and wait for their rows when it ends.

    Each has a snapshot of its own, taken once those before it are done. One that fails has the others fail with it.
    """
    with driver_of(connection).pipeline():
        yield


def prepared(statement: str, *, by_heart: bool = False) -> Prepared:
    """Translate ``:name`` placeholders to ``$1``, ``$2`` and so on; a name used again is the same parameter.

    One ``by_heart`` is given nothing but texts.
    """
    names = tuple(dict.fromkeys(_NAME.findall(statement)))
    query = _NAME.sub(lambda match: f"${names.index(match[1]) + 1}", statement).encode()
    return Prepared(query, names, by_heart)
