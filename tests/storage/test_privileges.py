"""The application's role and its privileges are there after every run of migrate, whoever owns the database."""

import os
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from threading import Thread
from urllib.parse import urlsplit, urlunsplit

import psycopg
import pytest

from creditd.cli.main import main
from creditd.development.postgres import embedded_postgres
from creditd.storage.connections import turns
from creditd.storage.database import Database, DatabaseSettings
from creditd.storage.migrations.privileges import APPLICATION_ROLE, AUDITOR_ROLE, NO_AUDITOR, NO_MEMBER, PRIVILEGES
from creditd.storage.schema import MIGRATION_LOCK, migrate, schema_head
from tests.support.patience import eventually
from tests.support.postgres import ROLES_VARIABLE, as_login, create_database

_GRANTED = """
SELECT table_name, string_agg(privilege_type, ', ' ORDER BY privilege_type) FROM information_schema.role_table_grants
WHERE grantee = %s AND table_schema = 'public' GROUP BY table_name
"""

_ASKING = """
SELECT count(*) FROM pg_stat_activity WHERE query LIKE 'SELECT pg_try_advisory%' AND datname = current_database()
"""

_ASKED_FOR_LONG = _ASKING + "AND xact_start < clock_timestamp() - interval '1 second'"


@pytest.fixture(scope="module")
def superuser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Return the URL of a cluster of these tests' own: a role belongs to the cluster."""
    given = os.environ.get(ROLES_VARIABLE)
    if given:
        yield given
        return
    with embedded_postgres(tmp_path_factory.mktemp("privileges") / "postgres", settings={"fsync": "off"}) as url:
        yield url


@pytest.fixture
def owner(superuser: str, request: pytest.FixtureRequest) -> Iterator[str]:
    """Return the URL of a new database, as its owner: no superuser, who may make roles."""
    name = request.node.name
    create_database(superuser, name)
    with psycopg.connect(superuser, autocommit=True) as connection:
        connection.execute(f"CREATE ROLE {name} LOGIN CREATEROLE")
        connection.execute(f"ALTER DATABASE {name} OWNER TO {name}")
    yield as_login(urlunsplit(urlsplit(superuser)._replace(path=f"/{name}")), name)
    with psycopg.connect(superuser, autocommit=True) as connection:
        connection.execute(f"DROP DATABASE {name} WITH (FORCE)")
        connection.execute(f"DROP ROLE {APPLICATION_ROLE}, {name}")
        connection.execute(f"DROP ROLE IF EXISTS {AUDITOR_ROLE}")


def granted(url: str) -> dict[str, set[str]]:
    with psycopg.connect(url) as connection:
        rows = connection.execute(_GRANTED, [APPLICATION_ROLE]).fetchall()
    return {table: set(privileges.split(", ")) for table, privileges in rows}


def listed() -> dict[str, set[str]]:
    return {table: set(privileges.split(", ")) for privileges, tables in PRIVILEGES.items() for table in tables}


def serves(url: str) -> bool:
    database = Database(DatabaseSettings(url))
    try:
        return bool(database.is_ready(schema_head()))
    finally:
        database.close()


def test_an_owner_who_is_no_superuser_can_migrate_and_serve(owner: str) -> None:
    migrate(owner)
    assert serves(owner)
    assert granted(owner) == listed()


def test_what_a_restored_database_lacks_is_made_again(owner: str) -> None:
    """A dump has the tables, and neither the role nor who belongs to it."""
    migrate(owner)
    with psycopg.connect(owner, autocommit=True) as connection:
        connection.execute(f"DROP OWNED BY {APPLICATION_ROLE}")
        connection.execute(f"DROP ROLE {APPLICATION_ROLE}")
    assert not serves(owner)
    migrate(owner)
    assert serves(owner)
    assert granted(owner) == listed()


def test_an_owner_may_migrate_for_another_login(
    superuser: str, owner: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    name = str(urlsplit(owner).username)
    monkeypatch.setenv("CREDITD_DATABASE_URL", owner)
    with psycopg.connect(superuser, autocommit=True) as connection:
        connection.execute(f"ALTER ROLE {name} NOCREATEROLE")
        refusal = main(["migrate"]), capsys.readouterr().err
        connection.execute(f"CREATE ROLE {APPLICATION_ROLE}")
        connection.execute(f"CREATE ROLE {name}_2 LOGIN IN ROLE {APPLICATION_ROLE}")
        try:
            assert refusal[0] == 1
            assert f"Have a superuser run: CREATE ROLE {APPLICATION_ROLE}" in refusal[1]
            for _ in range(2):
                assert main(["migrate"]) == 0
                assert capsys.readouterr().out == f"the schema is at {schema_head()}\n{NO_MEMBER}\n{NO_AUDITOR}\n"
            assert granted(owner) == listed()
            assert not serves(owner)
            assert serves(as_login(owner, f"{name}_2"))
        finally:
            connection.execute(f"DROP ROLE {name}_2")


def test_a_newer_schema_is_left_alone(owner: str) -> None:
    migrate(owner)
    with psycopg.connect(owner, autocommit=True) as connection:
        connection.execute("UPDATE alembic_version SET version_num = '9999'")
    assert migrate(owner) == ("9999", True, "")


def test_migrators_wait_for_each_other_and_leave_no_lock_behind(owner: str) -> None:
    with psycopg.connect(owner) as holder:
        holder.execute("SELECT pg_advisory_xact_lock(%s)", [MIGRATION_LOCK])
        waiting = [Thread(target=migrate, args=[owner], daemon=True) for _ in range(3)]
        for thread in waiting:
            thread.start()
        with psycopg.connect(owner, autocommit=True) as connection:
            eventually(lambda: connection.execute(_ASKING).fetchone() == (3,))
            assert connection.execute("SELECT to_regclass('entries')").fetchone() == (None,)
        holder.rollback()
        eventually(lambda: not any(thread.is_alive() for thread in waiting), 100)
    with psycopg.connect(owner) as connection:
        assert connection.execute("SELECT count(*) FROM pg_locks WHERE locktype = 'advisory'").fetchone() == (0,)
    assert serves(owner)


def test_a_migration_takes_as_long_as_it_takes(owner: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Building an index on a large table outlasts what the service's own work may take."""
    monkeypatch.setattr(turns, "LONGEST_SECONDS", 0.2)
    with psycopg.connect(owner) as holder, psycopg.connect(owner, autocommit=True) as connection:
        holder.execute("SELECT pg_advisory_xact_lock(%s)", [MIGRATION_LOCK])
        with ThreadPoolExecutor() as threads:
            migrated = threads.submit(migrate, owner)
            eventually(lambda: connection.execute(_ASKED_FOR_LONG).fetchone() == (1,))
            holder.rollback()
            assert migrated.result(30).revision == schema_head()
