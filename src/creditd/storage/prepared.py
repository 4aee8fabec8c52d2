"""Statements with more parameters than the driver caches the translation of.

psycopg translates a statement's placeholders anew at each use if it is longer than 4,096 characters or has more than 50
parameters, which for the one statement of the write path took longer than PostgreSQL did. It is translated here once.
"""

import re
from collections.abc import Mapping
from typing import Any, NamedTuple

import psycopg
from sqlalchemy import Connection

_NAME = re.compile(r"(?<!:):([a-z_]+)")


class Prepared(NamedTuple):
    """A statement in the server's own notation, and the names of its parameters in order."""

    query: bytes
    names: tuple[str, ...]

    def scalar(self, connection: Connection, parameters: Mapping[str, Any]) -> Any:
        """Execute it within the connection's transaction; return the first column of its one row.

        Raises psycopg.Error as it comes from the driver.
        """
        driver = connection.connection.driver_connection
        if driver is None:
            raise psycopg.OperationalError
        with psycopg.RawCursor(driver) as cursor:
            row = cursor.execute(self.query, [parameters[name] for name in self.names]).fetchone()
        return row[0] if row else None


def prepared(statement: str) -> Prepared:
    """Translate ``:name`` placeholders, each used once, to ``$1``, ``$2`` and so on."""
    names = tuple(_NAME.findall(statement))
    numbers = iter(range(1, len(names) + 1))
    return Prepared(_NAME.sub(lambda _: f"${next(numbers)}", statement).encode(), names)
