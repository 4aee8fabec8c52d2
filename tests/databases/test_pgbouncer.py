"""Behind PgBouncer: what it makes its connections is verified, and what it does not keep is not set."""

from collections.abc import Iterator

import psycopg
import pytest
from psycopg.conninfo import make_conninfo
from sqlalchemy import text

from creditd.storage.connections.fitness import wanting
from creditd.storage.connections.session import UnsuitableDatabase
from creditd.storage.database import Database, DatabaseSettings
from creditd.storage.schema import migrate, schema_head
from tests.databases.conftest import OWNER, SERVER
from tests.databases.pgbouncer import CONNECT_QUERY, pgbouncers, present, running_pgbouncer, version_of
from tests.databases.suite import CONTRACT, run_suite
from tests.support.postgres import OWNER_VARIABLE, SERVICE_VARIABLE, VARIABLE, as_login

pytestmark = [pytest.mark.databases, pytest.mark.timeout(600)]

TRACKS_PREPARED = (1, 21)
"""The first version that follows which statements are prepared on which connection."""

_SET = text("SELECT current_user::text, current_setting('statement_timeout'), current_setting('lock_timeout')")


@pytest.fixture(params=pgbouncers(), ids=lambda program: str(program).replace("/", "."), scope="module")
def program(request: pytest.FixtureRequest) -> str:
    """Return a PgBouncer."""
    return present(request.param)


@pytest.fixture(scope="module")
def url(old_postgres: str) -> Iterator[str]:
    """Provide a migrated database; give the URL of the login that serves, to PostgreSQL itself."""
    with psycopg.connect(old_postgres, autocommit=True) as connection:
        connection.execute("DROP DATABASE IF EXISTS pooled WITH (FORCE)")
        connection.execute(f"CREATE DATABASE pooled OWNER {OWNER}".encode())
    there = make_conninfo(old_postgres, dbname="pooled")
    migrate(make_conninfo(there, user=OWNER))
    yield make_conninfo(there, user=SERVER)
    with psycopg.connect(old_postgres, autocommit=True) as connection:
        connection.execute("DROP DATABASE pooled WITH (FORCE)")


def database_at(url: str, threshold: int | None = None) -> Database:
    """Return the database as the service uses it."""
    return Database(DatabaseSettings(url, prepare_threshold=threshold))


def unfit(url: str) -> UnsuitableDatabase | None:
    """Judge a database."""
    database = database_at(url)
    try:
        return wanting(database, schema_head())
    finally:
        database.close()


def roles_behind(url: str) -> set[object]:
    """Return whom the connections of a pooler act as, several of them at once."""
    held = [psycopg.connect(url, prepare_threshold=None) for _ in range(4)]
    found = {connection.execute("SELECT current_user::text").fetchone() for connection in held}
    for connection in held:
        connection.close()
    return {row[0] for row in found if row}


LONG_WAITS = tuple(
    f"--deselect=tests/contract/payments/test_bulkheads.py::{name}"
    for name in (
        "test_verifications_hold_up_nobody_else",
        "test_queries_of_staff_hold_up_nobody_else",
        "test_lookups_hold_up_neither_health_nor_webhooks",
    )
)
"""They lock a table for reads to wait for. By PgBouncer none waits longer than the 100 ms of ``connect_query``: it is
answered UNAVAILABLE, and what these tests look for cannot come about. They are among those that run without it."""


# It is a whole suite: the time is to end one that hangs, and not to judge a slow machine.
@pytest.mark.timeout(900)
@pytest.mark.requirement("I6", "I7")
def test_the_contract_holds_through_it(program: str, old_postgres: str) -> None:
    """On PostgreSQL 15, by a login that may only serve. With prepared statements only where it tracks them.

    And on the transport that `make test` does not serve on: who calls cannot tell, so that one run shows both.
    """
    threshold = "2" if version_of(program) >= TRACKS_PREPARED else "0"
    with running_pgbouncer(program, as_login(old_postgres, SERVER)) as through:
        environment = {VARIABLE: old_postgres, OWNER_VARIABLE: OWNER, SERVICE_VARIABLE: through}
        settings = {"CREDITD_TEST_PREPARE_THRESHOLD": threshold, "CREDITD_TEST_TRANSPORT": "aio"}
        run_suite(*CONTRACT, *LONG_WAITS, **environment, **settings)


def test_what_it_makes_of_its_connections_is_taken_and_nothing_is_set(program: str, url: str) -> None:
    with running_pgbouncer(program, url) as through:
        assert unfit(through) is None
        database = database_at(through)
        batches = database.for_batches()
        for lent, lock_timeout in ((database.transaction, "5s"), (batches.transaction, "100ms")):
            with lent() as connection:
                assert connection.execute(_SET).one() == ("creditd_app", "30s", lock_timeout)
        # Whoever is lent the same connection next finds what PgBouncer has made of it.
        with psycopg.connect(through, prepare_threshold=None) as other:
            assert other.execute("SHOW lock_timeout").fetchone() == ("100ms",)
        batches.close()
        database.close()


def test_where_it_says_nothing_of_locks_a_batch_waits_no_longer_for_one(program: str, url: str) -> None:
    with running_pgbouncer(program, url, connect_query=CONNECT_QUERY.partition("; SET lock")[0]) as through:
        assert unfit(through) is None
        batches = database_at(through).for_batches()
        for lent in (batches.transaction, batches.autocommit):
            with lent() as connection:
                assert connection.execute(_SET).one() == ("creditd_app", "30s", "100ms")
        batches.close()


@pytest.mark.parametrize("round_robin", [0, 1])
@pytest.mark.parametrize("query", ["", "SET role = creditd_app", "SET statement_timeout = 30000"])
def test_without_it_the_service_refuses_and_leaves_nothing_behind(
    program: str, url: str, query: str, round_robin: int
) -> None:
    with running_pgbouncer(program, url, connect_query=query, server_round_robin=round_robin) as through:
        before = roles_behind(through)
        found = unfit(through)
        assert found
        assert found.is_lasting
        assert "connect_query = 'SET role = ''creditd_app''; SET statement_timeout = ''30000ms'''" in str(found)
        assert "\n" not in str(found)
        assert roles_behind(through) == before


def test_a_pool_that_lends_by_session_is_set_like_postgresql_itself(program: str, url: str) -> None:
    with running_pgbouncer(program, url, connect_query="", pool_mode="session") as through:
        assert unfit(through) is None
        database = database_at(through)
        with database.autocommit() as connection:
            assert connection.execute(_SET).one() == ("creditd_app", "30s", "5s")
        database.close()


def test_a_login_that_is_set_so_by_postgresql_needs_no_connect_query(program: str, old_postgres: str, url: str) -> None:
    settings = ("role = creditd_app", "statement_timeout = '20s'")
    with psycopg.connect(old_postgres, autocommit=True) as administrator:
        try:
            for setting in settings:
                administrator.execute(f"ALTER ROLE {SERVER} SET {setting}".encode())
            with running_pgbouncer(program, url, connect_query="") as through:
                assert unfit(through) is None
        finally:
            administrator.execute(f"ALTER ROLE {SERVER} RESET ALL".encode())


def test_a_migrator_goes_through_it_as_the_owner_or_not_at_all(program: str, url: str) -> None:
    owner = make_conninfo(url, user=OWNER)
    with running_pgbouncer(program, owner, connect_query="") as through:
        for _ in range(2):
            assert migrate(through).revision == schema_head()
        # No lock, no limit and no role is left on its connections.
        assert roles_behind(through) == {OWNER}
        with psycopg.connect(through, prepare_threshold=None) as other:
            assert other.execute("SHOW lock_timeout").fetchone() == ("0",)
            held = other.execute("SELECT count(*) FROM pg_locks WHERE locktype = 'advisory'").fetchone()
            assert held == (0,)
    with (
        running_pgbouncer(program, owner) as through,
        pytest.raises(UnsuitableDatabase, match=f"run as creditd_app, not as {OWNER}"),
    ):
        migrate(through)
