"""Rows inserted for a great many accounts at once, each under ids of its own."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager

import psycopg
from psycopg import sql
from sqlalchemy import Column, Table
from sqlalchemy.dialects.postgresql import JSONB, UUID

from creditd.storage.rows import timestamp
from creditd.storage.types import InstantColumn
from tests.bench.life import SUFFIX
from tests.bench.messages import SUBJECT

_SEEDED = """
CREATE TEMPORARY TABLE seeded ON COMMIT DROP AS
    SELECT overlay(%(form)s placing lpad(n::text, 6, '0') from length(%(form)s) - 5) AS account_id,
           lpad(to_hex(n), 8, '0') AS suffix
    FROM generate_series(1, %(accounts)s::int) AS n
"""
_CONSTRAINTS = """
SELECT conname, pg_get_constraintdef(oid) FROM pg_constraint WHERE conrelid = %s::regclass AND contype IN ('p', 'u')
"""


def choose_accounts(connection: psycopg.Connection, accounts: int) -> None:
    """Says, for the rest of the transaction, that rows go to the accounts numbered from 1 to `accounts`."""
    connection.execute(_SEEDED, {"form": SUBJECT, "accounts": accounts})


def insert(connection: psycopg.Connection, table: Table, row: Mapping[str, object], **computed: str) -> None:
    """Inserts the row once for each chosen account, its id put into all ids of the row.

    The values are the domain's; `computed` are columns that an SQL expression gives. Columns not named stay empty.
    """
    expressions = {"account_id": "account_id", **{name: _expression(table.columns[name]) for name in row}, **computed}
    columns, values = ", ".join(expressions), ", ".join(expressions.values())
    statement = f"INSERT INTO {table.name} ({columns}) SELECT {values} FROM seeded"  # noqa: S608 - names of our own.
    connection.execute(statement.encode(), row)


def _expression(column: Column[object]) -> str:
    value = f"%({column.name})s"
    if isinstance(column.type, InstantColumn):
        return timestamp(f"{value}::bigint")
    if isinstance(column.type, UUID | JSONB):
        kind = "uuid" if isinstance(column.type, UUID) else "jsonb"
        return f"replace({value}, '{SUFFIX}', suffix)::{kind}"
    return value


@contextmanager
def without_indexes(connection: psycopg.Connection, table: Table) -> Iterator[None]:
    """Takes the table's keys and indexes away and makes them again at the end, as they were: sorted, not row by row."""
    name = table.name
    constraints = connection.execute(_CONSTRAINTS, (name,)).fetchall()
    for constraint, _ in constraints:
        connection.execute(
            sql.SQL("ALTER TABLE {} DROP CONSTRAINT {}").format(*map(sql.Identifier, (name, constraint)))
        )
    # What is left after the constraints are indexes by themselves.
    indexes = connection.execute("SELECT indexname, indexdef FROM pg_indexes WHERE tablename = %s", (name,)).fetchall()
    for index, _ in indexes:
        connection.execute(sql.SQL("DROP INDEX {}").format(sql.Identifier(index)))
    yield
    for constraint, definition in constraints:
        connection.execute(
            sql.SQL("ALTER TABLE {} ADD CONSTRAINT {} {}").format(
                sql.Identifier(name), sql.Identifier(constraint), sql.SQL(definition)
            )
        )
    for _, definition in indexes:
        connection.execute(definition)
