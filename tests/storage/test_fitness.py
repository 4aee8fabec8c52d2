"""What a database must be is judged at the start; what a session must be, whenever one is made."""

from collections.abc import Iterator
from contextlib import contextmanager
from uuid import uuid4

import psycopg
import pytest
from psycopg import sql
from psycopg.conninfo import conninfo_to_dict, make_conninfo
from sqlalchemy import text

from creditd.storage.connections.fitness import wanting
from creditd.storage.connections.session import UnsuitableDatabase
from creditd.storage.database import Database, DatabaseSettings
from creditd.storage.schema import schema_head
from tests.support.databases import migrated_database
from tests.support.postgres import admin_url, create_database, drop_database

SHOWN = (
    "role",
    "statement_timeout",
    "lock_timeout",
    "idle_in_transaction_session_timeout",
    "plan_cache_mode",
    "synchronous_commit",
    "default_transaction_isolation",
)


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    """Provide a migrated database."""
    with migrated_database() as url:
        yield url


@contextmanager
def login(url: str) -> Iterator[str]:
    """Make a login that may do nothing; give its URL, and remove it."""
    name = sql.Identifier(role := f"login_{uuid4().hex}")
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(sql.SQL("CREATE ROLE {} LOGIN").format(name))
        try:
            yield make_conninfo(url, user=role)
        finally:
            connection.execute(sql.SQL("DROP OWNED BY {}").format(name))
            connection.execute(sql.SQL("DROP ROLE {}").format(name))


def unfit(url: str, role: str = "creditd_app") -> UnsuitableDatabase | None:
    """Judge a database."""
    database = Database(DatabaseSettings(url, role=role, pool_size=2))
    try:
        return wanting(database, schema_head())
    finally:
        database.close()


def shown(database: Database) -> list[str]:
    """Return what a session is, on its second transaction and from then on."""
    with database.connection() as connection:
        connection.rollback()
        return [connection.execute(text(f"SHOW {name}")).scalar_one() for name in SHOWN]


def test_a_migrated_database_is_fit(url: str) -> None:
    assert unfit(url) is None


def test_sessions_are_what_they_must_be_whatever_the_login_is_set_to(url: str) -> None:
    with login(url) as limited, psycopg.connect(url, autocommit=True) as connection:
        name = sql.Identifier(str(conninfo_to_dict(limited)["user"]))
        connection.execute(sql.SQL("GRANT creditd_app TO {}").format(name))
        for setting in ("synchronous_commit = off", "default_transaction_isolation = 'serializable'"):
            connection.execute(sql.SQL("ALTER ROLE {} SET {}").format(name, sql.SQL(setting)))
        database = Database(DatabaseSettings(limited))
        batches = database.for_batches()
        assert shown(database) == ["creditd_app", "30s", "5s", "30s", "auto", "on", "read committed"]
        assert shown(batches) == ["creditd_app", "30s", "100ms", "3s", "force_generic_plan", "on", "read committed"]
        batches.close()
        database.close()


def test_a_role_that_the_login_may_not_take_is_told_with_what_to_do(url: str) -> None:
    with login(url) as stranger:
        found = unfit(stranger)
    assert found
    assert found.is_lasting
    assert "GRANT creditd_app TO" in str(found)


def test_a_role_that_is_not_there_may_come(url: str) -> None:
    found = unfit(url, role="nobody_is_called_so")
    assert found
    assert not found.is_lasting
    assert "creditd migrate" in str(found)


def test_privileges_that_are_missing_are_named(url: str) -> None:
    with login(url) as weak, psycopg.connect(url, autocommit=True) as connection:
        role = str(conninfo_to_dict(weak)["user"])
        connection.execute(
            sql.SQL("GRANT SELECT ON alembic_version, schema_compatibility, entries TO {}").format(sql.Identifier(role))
        )
        found = unfit(weak, role="")
    assert found
    assert found.is_lasting
    assert f"{role} lacks" in str(found)
    assert "INSERT on entries" in str(found)
    assert "SELECT on entries" not in str(found)


def test_another_encoding_is_refused_for_good() -> None:
    name = f"latin_{uuid4().hex}"
    drop_database(admin_url(), name)
    with psycopg.connect(admin_url(), autocommit=True) as connection:
        connection.execute(
            f"CREATE DATABASE {name} ENCODING 'SQL_ASCII' TEMPLATE template0 LOCALE_PROVIDER libc LOCALE 'C'".encode()
        )
    found = unfit(make_conninfo(admin_url(), dbname=name))
    drop_database(admin_url(), name)
    assert found
    assert found.is_lasting
    assert "its encoding is SQL_ASCII" in str(found)


def test_a_database_without_the_schema_may_be_migrated_yet() -> None:
    name = f"empty_{uuid4().hex}"
    with login(admin_url()) as stranger:
        create_database(admin_url(), name)
        found = unfit(make_conninfo(stranger, dbname=name))
        drop_database(admin_url(), name)
    assert found
    assert not found.is_lasting
    assert "creditd migrate" in str(found)


def test_a_session_that_is_not_kept_is_not_ready(url: str) -> None:
    database = Database(DatabaseSettings(url, pool_size=1))
    assert database.is_ready(schema_head())
    for setting in ("role = none", "statement_timeout = 0", "synchronous_commit = off"):
        with database.autocommit() as connection:
            connection.execute(text(f"SET {setting}"))
        assert not database.is_ready(schema_head())
        database.forget_connections()
        assert database.is_ready(schema_head())
    database.close()
