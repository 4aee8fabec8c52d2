"""`creditd distribute`, on a PostgreSQL without Citus, and on one with a stand-in for it."""

import tempfile
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from creditd.cli.distribute import NOTHING_LEFT
from creditd.cli.main import main
from creditd.development.postgres.programs import program
from creditd.storage.connections.fitness import wanting
from creditd.storage.database import Database, DatabaseSettings
from creditd.storage.layout import Layout
from creditd.storage.placement import PLACES, Place
from creditd.storage.schema import migrate, schema_head
from tests.layouts.citus_stand_in import write_extension
from tests.support.cluster import running_postgres
from tests.support.databases import migrated_database

Output = pytest.CaptureFixture[str]


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    """Run a PostgreSQL of this file's own: what is done to roles concerns no other test."""
    with running_postgres(program("postgres").parent, "--locale=C.UTF-8") as url:
        yield url


@pytest.fixture
def cluster(server: str, account: str) -> Iterator[str]:
    """Return the URL of a migrated database on a server with the stand-in for Citus, as a superuser."""
    name = account[:60].lower()
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute(f'CREATE DATABASE "{name}"'.encode())
    url = psycopg.conninfo.make_conninfo(server, dbname=name)
    with tempfile.TemporaryDirectory(prefix="creditd-citus-") as folder:
        path = write_extension(Path(folder))
        with psycopg.connect(url, autocommit=True) as connection:
            connection.execute(f"SET extension_control_path = '{path}:$system'".encode())
            connection.execute("CREATE EXTENSION citus")
        migrate(url)
        yield url


def placed(url: str) -> dict[str, str]:
    """Return how each table was distributed."""
    with psycopg.connect(url) as connection:
        return dict(connection.execute("SELECT logicalrelid::text, partmethod::text FROM pg_dist_partition").fetchall())


@pytest.mark.requirement("I6")
@pytest.mark.parametrize("options", [[], ["--apply"]])
def test_a_postgresql_without_citus_is_refused_by_name(
    options: list[str], monkeypatch: pytest.MonkeyPatch, capsys: Output
) -> None:
    with migrated_database() as url:
        monkeypatch.setenv("CREDITD_DATABASE_URL", url)
        assert main(["distribute", *options]) == 2
    assert "without the extension citus" in capsys.readouterr().err


def test_a_worker_is_refused(cluster: str, monkeypatch: pytest.MonkeyPatch, capsys: Output) -> None:
    monkeypatch.setenv("CREDITD_DATABASE_URL", cluster)
    with psycopg.connect(cluster) as connection:
        connection.execute("UPDATE pg_dist_local_group SET groupid = 1")
    assert main(["distribute", "--apply"]) == 2
    assert "is a worker of Citus" in capsys.readouterr().err
    assert placed(cluster) == {}


def test_a_schema_of_another_version_is_refused(cluster: str, monkeypatch: pytest.MonkeyPatch, capsys: Output) -> None:
    monkeypatch.setenv("CREDITD_DATABASE_URL", cluster)
    with psycopg.connect(cluster) as connection:
        connection.execute("UPDATE alembic_version SET version_num = '0001'")
    assert main(["distribute", "--apply"]) == 2
    assert f"is at 0001 and has to be at {schema_head()}" in capsys.readouterr().err
    assert placed(cluster) == {}


@pytest.mark.requirement("I6")
def test_the_plan_changes_nothing_and_says_what_is_to_be_done(
    cluster: str, monkeypatch: pytest.MonkeyPatch, capsys: Output
) -> None:
    monkeypatch.setenv("CREDITD_DATABASE_URL", cluster)
    assert main(["distribute"]) == 0
    said = capsys.readouterr().out
    assert "SELECT create_distributed_table('accounts', 'account_id', shard_count => 32)" in said
    assert "SELECT create_reference_table('credit_types')" in said
    assert 'DROP TRIGGER "entries_append_only" ON entries' in said
    assert "ALTER TABLE approvals DROP CONSTRAINT approvals_account" in said
    assert placed(cluster) == {}


@pytest.mark.requirement("I6")
def test_each_table_is_put_where_it_belongs_and_a_repeat_finds_nothing_left(
    cluster: str, monkeypatch: pytest.MonkeyPatch, capsys: Output
) -> None:
    monkeypatch.setenv("CREDITD_DATABASE_URL", cluster)
    assert main(["distribute", "--apply"]) == 0
    assert capsys.readouterr().out.endswith(f"{NOTHING_LEFT}\n")
    methods = {Place.BY_ACCOUNT: "h", Place.EVERYWHERE: "n"}
    assert placed(cluster) == {table: methods[place] for place in methods for table in PLACES[place]}
    with psycopg.connect(cluster) as connection:
        row = connection.execute(
            "SELECT rolcanlogin, (SELECT setconfig FROM pg_db_role_setting WHERE setrole = pg_roles.oid) FROM pg_roles "
            "WHERE rolname = 'creditd_app'"
        ).fetchone()
        assert row == (True, ["lock_timeout=250ms"])
    for _ in range(2):
        assert main(["distribute", "--apply"]) == 0
        assert capsys.readouterr().out == f"{NOTHING_LEFT}\n"


@pytest.mark.requirement("I6")
def test_one_that_was_interrupted_goes_on_where_it_was(
    cluster: str, monkeypatch: pytest.MonkeyPatch, capsys: Output
) -> None:
    """A trigger that came in between, as somebody's own may, stops it; what was done until then stays."""
    monkeypatch.setenv("CREDITD_DATABASE_URL", cluster)
    with psycopg.connect(cluster) as connection:
        connection.execute("ALTER TABLE grants RENAME TO grants_away")
    assert main(["distribute", "--apply"]) == 1
    assert "cannot be distributed" in capsys.readouterr().err
    before = placed(cluster)
    assert "wallets" in before
    assert "entries" not in before
    with psycopg.connect(cluster) as connection:
        connection.execute("ALTER TABLE grants_away RENAME TO grants")
    assert main(["distribute", "--apply"]) == 0
    assert set(placed(cluster)) > set(before)
    assert set(placed(cluster)) == {*PLACES[Place.BY_ACCOUNT], *PLACES[Place.EVERYWHERE]}


@pytest.mark.requirement("I6")
def test_what_the_coordinator_kept_is_emptied_from_the_last_table_to_the_first(
    cluster: str, monkeypatch: pytest.MonkeyPatch, capsys: Output
) -> None:
    with psycopg.connect(cluster) as connection:
        connection.execute(
            "INSERT INTO accounts (account_id, version, status, unlimited, create_time, update_time) "
            "VALUES ('ann', 1, 1, false, now(), now())"
        )
    monkeypatch.setenv("CREDITD_DATABASE_URL", cluster)
    assert main(["distribute", "--apply"]) == 0
    capsys.readouterr()
    with psycopg.connect(cluster) as connection:
        emptied = [name for (name,) in connection.execute("SELECT name FROM emptied ORDER BY number").fetchall()]
    assert emptied == [*reversed(PLACES[Place.BY_ACCOUNT])]
    assert main(["distribute"]) == 0
    assert "1 of " in capsys.readouterr().out.splitlines()[-1]


@pytest.mark.requirement("I6")
def test_a_distributed_database_is_served_with_the_layout_alone(
    cluster: str, monkeypatch: pytest.MonkeyPatch, capsys: Output
) -> None:
    """One statement of the plain layout would be refused by Citus; it is said at the start, rather than to callers."""
    monkeypatch.setenv("CREDITD_DATABASE_URL", cluster)
    assert main(["distribute", "--apply"]) == 0
    capsys.readouterr()
    found = {}
    for layout in Layout:
        database = Database(DatabaseSettings(cluster, pool_size=2, layout=layout))
        found[layout] = wanting(database, schema_head())
        database.close()
    assert found[Layout.CITUS] is None
    assert "CREDITD_DATABASE_LAYOUT has to be citus" in str(found[Layout.PLAIN])
