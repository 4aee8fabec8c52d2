"""Connections that are cut while they idle: what notices it spares the others."""

from collections.abc import Iterator
from contextlib import AbstractContextManager

import psycopg
import pytest
from sqlalchemy import Connection, text
from sqlalchemy.exc import DBAPIError

from creditd.storage.connections.prepared import prepared
from creditd.storage.database import Database, DatabaseSettings
from creditd.storage.schema import schema_head
from tests.support.databases import migrated_database
from tests.support.postgres import admin_url

_CUT = """
SELECT count(pg_terminate_backend(pid, 10000)) FROM pg_stat_activity
WHERE datname = %s AND application_name = 'creditd' AND state = 'idle'
"""


@pytest.fixture
def database() -> Iterator[Database]:
    """Provide a migrated database of the test's own."""
    with migrated_database() as url:
        database = Database(DatabaseSettings(url))
        yield database
        database.close()


def cut(database: Database) -> None:
    """End every connection that idles, and wait until it has gone."""
    name = psycopg.conninfo.conninfo_to_dict(database._settings.url)["dbname"]
    with psycopg.connect(admin_url(), autocommit=True) as connection:
        assert connection.execute(_CUT, [name]).fetchone() != (0,)


def one(database: Database) -> int:
    """Ask for something."""
    with database.autocommit() as connection:
        answer: int = connection.execute(text("SELECT 1")).scalar_one()
    return answer


def test_a_database_is_ready_although_an_idle_connection_was_cut(database: Database) -> None:
    assert database.is_ready(schema_head())
    cut(database)
    assert database.is_ready(schema_head())


def test_what_forgets_its_connections_forgets_those_of_the_other_pools(database: Database) -> None:
    batches = database.for_batches()
    assert one(database) == one(batches) == 1
    cut(database)
    batches.forget_connections()
    assert one(database) == one(batches) == 1
    cut(database)
    database.forget_connections()
    assert one(database) == one(batches) == 1
    batches.close()


@pytest.mark.parametrize("lend", ["autocommit", "transaction", "connection", "snapshot"])
def test_one_that_is_lost_under_a_prepared_statement_is_given_up_in_silence(
    database: Database, caplog: pytest.LogCaptureFixture, lend: str
) -> None:
    with pytest.raises((psycopg.OperationalError, DBAPIError)):
        _lose(getattr(database, lend)())
    assert [record.getMessage() for record in caplog.records] == []
    assert one(database) == 1


def _lose(lent: AbstractContextManager[Connection]) -> None:
    statement = prepared("SELECT :one::int")
    with lent as connection:
        (backend,) = prepared("SELECT pg_backend_pid() + 0 * :one::int").row(connection, {"one": 1})
        _end(backend)
        statement.row(connection, {"one": 1})


def _end(backend: int) -> None:
    with psycopg.connect(admin_url(), autocommit=True) as connection:
        assert connection.execute("SELECT pg_terminate_backend(%s, 10000)", [backend]).fetchone() == (True,)
