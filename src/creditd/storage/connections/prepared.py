"""Statements with more parameters than the driver caches the translation of, and statements that travel together.

psycopg translates a statement's placeholders anew at each use if it is longer than 4,096 characters or has more than 50
parameters, which for the one statement of the write path took longer than PostgreSQL did. It is translated here once.
"""

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any, NamedTuple

import psycopg
from sqlalchemy import Connection

_NAME = re.compile(r"(?<!:):([a-z_]+)")


class Prepared(NamedTuple):
    """A statement in the server's own notation, and the names of its parameters in order."""

    query: bytes
    names: tuple[str, ...]

    def row(self, connection: Connection, parameters: Mapping[str, Any]) -> Any:
        """Execute it within the connection's transaction; return its one row, or None if it has none.

        Raises psycopg.Error as it comes from the driver.
        """
        return self.sent(connection, parameters).fetchone()

    def last_row(self, connection: Connection, parameters: Mapping[str, Any]) -> Any:
        """Execute it as ``row`` does, and commit the connection's transaction in the same round trip."""
        with round_trip(connection):
            cursor = self.sent(connection, parameters)
            psycopg.RawCursor(_driver(connection)).execute(b"COMMIT", prepare=False)
        return cursor.fetchone()

    def sent(self, connection: Connection, parameters: Mapping[str, Any]) -> "psycopg.RawCursor[Any]":
        """Execute it, and return the cursor with its rows; within a ``round_trip`` they are there once that has ended.

        Raises psycopg.Error as it comes from the driver, here or at the end of the round trip.
        """
        return psycopg.RawCursor(_driver(connection)).execute(self.query, [parameters[name] for name in self.names])


def _driver(connection: Connection) -> "psycopg.Connection[Any]":
    driver: psycopg.Connection[Any] | None = connection.connection.driver_connection
    if driver is None:
        raise psycopg.OperationalError
    return driver


@contextmanager
def round_trip(connection: Connection) -> Iterator[None]:
    """Have all prepared statements of the block travel at once, and wait for their rows when it ends.

    Each has a snapshot of its own, taken once those before it are done. One that fails has the others fail with it.
    """
    with _driver(connection).pipeline():
        yield


def prepared(statement: str) -> Prepared:
    """Translate ``:name`` placeholders to ``$1``, ``$2`` and so on; a name used again is the same parameter."""
    names = tuple(dict.fromkeys(_NAME.findall(statement)))
    return Prepared(_NAME.sub(lambda match: f"${names.index(match[1]) + 1}", statement).encode(), names)
