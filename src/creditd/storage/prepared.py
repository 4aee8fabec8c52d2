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

    def row(self, connection: Connection, parameters: Mapping[str, Any]) -> Any:
        """Execute it within the connection's transaction; return its one row, or None if it has none.

        Raises psycopg.Error as it comes from the driver.
        """
        driver = connection.connection.driver_connection
        if driver is None:
            raise psycopg.OperationalError
        with psycopg.RawCursor(driver) as cursor:
            return cursor.execute(self.query, [parameters[name] for name in self.names]).fetchone()


def prepared(statement: str) -> Prepared:
    """Translate ``:name`` placeholders to ``$1``, ``$2`` and so on; a name used again is the same parameter."""
    names = tuple(dict.fromkeys(_NAME.findall(statement)))
    return Prepared(_NAME.sub(lambda match: f"${names.index(match[1]) + 1}", statement).encode(), names)
