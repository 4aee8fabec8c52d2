"""Servers show that they are live, and no migration takes away what one of them uses."""

from collections.abc import Iterator

import psycopg
import pytest
from psycopg import sql

from creditd.identity.storage.schema import IDENTITY
from creditd.storage.connections.presence import WITH_TRANSACTION_TIMEOUT, Presence
from creditd.storage.connections.session import UnsuitableDatabase
from creditd.storage.database import Database, DatabaseSettings
from creditd.storage.migrations.phases import only_servers_from
from creditd.storage.migrations.schema_rules import LEDGER
from creditd.storage.schema import migrate, schema_head
from tests.support.databases import migrated_database

Owner = psycopg.Connection[tuple[object, ...]]

HEAD = schema_head()
NEXT = f"{int(HEAD) + 1:04}"

_LEAST = "SELECT least_server FROM schema_compatibility"
_HOLDERS = """
SELECT pid FROM pg_locks WHERE locktype = 'advisory' AND classid = %s AND mode = 'ShareLock'
    AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
"""


@pytest.fixture
def url() -> Iterator[str]:
    """Provide a migrated database of the test's own."""
    with migrated_database() as url:
        yield url


@pytest.fixture
def database(url: str) -> Iterator[Database]:
    """Provide the database as a server has it."""
    database = Database(DatabaseSettings(url, pool_size=2))
    yield database
    database.close()


@pytest.fixture
def owner(url: str) -> Iterator[Owner]:
    """Provide a migrator's connection."""
    with psycopg.connect(url, autocommit=True) as connection:
        yield connection


def contract(owner: Owner, least: str) -> None:
    owner.execute(only_servers_from(LEDGER, least).encode())


def least(owner: Owner) -> object:
    return (owner.execute(_LEAST).fetchone() or ("",))[0]


@pytest.mark.requirement("I5")
def test_a_contracting_migration_refuses_while_a_server_of_an_older_release_is_live(
    database: Database, owner: Owner
) -> None:
    presence = Presence(database, HEAD)
    presence.show()
    with pytest.raises(psycopg.errors.ObjectInUse) as refusal:
        contract(owner, NEXT)
    assert str(refusal.value.diag.message_primary).startswith(
        "servers are still live that may not use the schema afterwards, which takes servers of schema "
        f"{NEXT} or newer: one of schema {HEAD} (creditd, process "
    )
    assert least(owner) == "0001"
    assert database.is_ready(HEAD)
    presence.close()
    contract(owner, NEXT)
    assert least(owner) == NEXT


@pytest.mark.requirement("I5")
def test_servers_that_fit_and_those_of_another_schema_or_database_keep_no_migration_waiting(
    url: str, database: Database, owner: Owner
) -> None:
    fitting = Presence(database, NEXT)
    fitting.show()
    with migrated_database() as other_url:
        identity = Database(DatabaseSettings(url), schema=IDENTITY)
        elsewhere = Database(DatabaseSettings(other_url))
        others = [Presence(identity, "0001"), Presence(elsewhere, HEAD)]
        for other in others:
            other.show()
        contract(owner, NEXT)
        assert least(owner) == NEXT
        for other in others:
            other.close()
        identity.close()
        elsewhere.close()
    fitting.close()


@pytest.mark.requirement("I5")
def test_no_server_of_an_older_release_begins_while_what_it_uses_is_taken_away_nor_afterwards(
    database: Database, owner: Owner, caplog: pytest.LogCaptureFixture
) -> None:
    presence = Presence(database, HEAD)
    with owner.transaction():
        contract(owner, NEXT)
        assert [presence.is_shown(), presence.is_shown()] == [False, False]
        assert [record.getMessage() for record in caplog.records] == [
            (
                "the database cannot be used: a migration is under way that takes away what servers of schema "
                f"{HEAD}, as this one is, use: run a newer release"
            )
        ]
    assert presence.is_shown()
    assert database.is_ready(HEAD) is False
    with database.transaction() as connection, pytest.raises(UnsuitableDatabase) as refusal:
        database.require_schema(connection, HEAD)
    assert refusal.value.is_lasting
    assert str(refusal.value) == (
        f"the database's schema is at {HEAD} and takes servers of schema {NEXT} or newer, and this release is of "
        f"schema {HEAD}: run a newer release"
    )
    presence.close()


def test_a_migration_that_is_undone_lets_them_begin(database: Database, owner: Owner) -> None:
    presence = Presence(database, HEAD)
    with owner.transaction(force_rollback=True):
        contract(owner, NEXT)
        assert presence.is_shown() is False
    assert presence.is_shown()
    assert database.is_ready(HEAD)
    presence.close()


def test_what_fits_is_never_lowered(database: Database, owner: Owner) -> None:
    contract(owner, "0039")
    contract(owner, "0007")
    assert least(owner) == "0039"
    assert database.is_ready(HEAD)


def test_a_lock_that_was_lost_is_taken_anew(database: Database, owner: Owner) -> None:
    presence = Presence(database, HEAD)
    assert presence.is_shown()
    (first,) = owner.execute(_HOLDERS, [LEDGER.lock_class]).fetchall()
    owner.execute("SELECT pg_terminate_backend(%s, 10000)", [first[0]])
    assert presence.is_shown() is None
    assert presence.is_shown()
    (second,) = owner.execute(_HOLDERS, [LEDGER.lock_class]).fetchall()
    assert first != second
    presence.close()


def test_the_open_transaction_keeps_neither_vacuum_nor_a_migration_waiting(
    url: str, database: Database, owner: Owner
) -> None:
    presence = Presence(database, HEAD)
    for _ in range(2):
        assert presence.is_shown()
    holding = owner.execute(
        "SELECT backend_xmin, backend_xid, state FROM pg_stat_activity WHERE pid = ANY (%s)",
        [[pid for (pid,) in owner.execute(_HOLDERS, [LEDGER.lock_class])]],
    ).fetchall()
    assert holding == [(None, None, "idle in transaction")]
    owner.execute("SET lock_timeout = '5s'")
    owner.execute("CREATE INDEX CONCURRENTLY beside ON accounts (account_id)")
    with owner.transaction():
        owner.execute("LOCK TABLE alembic_version, schema_compatibility, accounts IN ACCESS EXCLUSIVE MODE")
    assert migrate(url).revision == HEAD
    presence.close()


def test_no_limit_of_time_ends_the_transaction(url: str, owner: Owner) -> None:
    limits = ["idle_in_transaction_session_timeout"]
    if owner.info.server_version >= WITH_TRANSACTION_TIMEOUT:
        limits.append("transaction_timeout")
    name = sql.Identifier(owner.info.dbname)
    for limit in limits:
        owner.execute(sql.SQL("ALTER DATABASE {} SET {} = '200ms'").format(name, sql.Identifier(limit)))
    limited = Database(DatabaseSettings(url))
    presence = Presence(limited, HEAD)
    assert presence.is_shown()
    owner.execute("SELECT pg_sleep(0.6)")
    assert presence.is_shown()
    presence.close()
    limited.close()
