"""`creditd migrate`."""

import psycopg
import pytest

from creditd.cli.main import main
from creditd.storage.schema import schema_head
from tests.support.databases import migrate_to
from tests.support.ports import free_address


@pytest.mark.requirement("I5")
def test_it_brings_a_database_up_to_date_and_can_be_repeated(
    database: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("CREDITD_DATABASE_URL", database)
    for _ in range(2):
        assert main(["migrate"]) == 0
        assert capsys.readouterr().out == f"the schema is at {schema_head()}\n"


@pytest.mark.requirement("I5")
def test_what_was_done_before_a_migration_fails_is_not_done_again(
    database: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Each is a transaction: the next one does not run under the locks of those before it."""
    monkeypatch.setenv("CREDITD_DATABASE_URL", database)
    migrate_to(database, "0015")
    with psycopg.connect(database, autocommit=True) as connection:
        connection.execute("CREATE TABLE spending_counts ()")
        assert main(["migrate"]) != 0
        capsys.readouterr()
        done = "SELECT version_num, to_regclass('role_grants') IS NOT NULL FROM alembic_version"
        assert connection.execute(done).fetchone() == ("0018", True)
        connection.execute("DROP TABLE spending_counts")
    assert main(["migrate"]) == 0
    assert capsys.readouterr().out == f"the schema is at {schema_head()}\n"


@pytest.mark.requirement("I5")
@pytest.mark.parametrize("options", [[], ["--identity"]])
def test_its_sql_is_a_transaction_for_each_migration_with_time_limits(
    options: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["migrate", "--sql", *options]) == 0
    limits, *each = capsys.readouterr().out.split("-- Running upgrade ")
    assert "SET lock_timeout = '5s';" in limits
    assert "SET statement_timeout = '10min';" in limits
    assert len(each) > 1
    assert all(script.count("COMMIT;") >= 1 for script in each)


@pytest.mark.requirement("I5")
def test_a_schema_of_a_newer_version_is_left_alone(
    database: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("CREDITD_DATABASE_URL", database)
    assert main(["migrate"]) == 0
    with psycopg.connect(database, autocommit=True) as connection:
        connection.execute("UPDATE alembic_version SET version_num = '9999'")
    capsys.readouterr()
    assert main(["migrate"]) == 0
    out = capsys.readouterr().out
    assert out == f"the schema is at 9999, newer than this version's {schema_head()}: nothing to do\n"


@pytest.mark.parametrize(
    "found", [["abc123"], ["12"], ["00012"], ["0012b"], ["0000"], ["1975ea83b712", "0012"], ["a\nb"]]
)
def test_a_schema_of_another_program_is_left_alone_in_one_line(
    database: str, found: list[str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("CREDITD_DATABASE_URL", database)
    with psycopg.connect(database, autocommit=True) as connection:
        connection.execute("CREATE TABLE alembic_version (version_num varchar(32) PRIMARY KEY)")
        for name in found:
            connection.execute("INSERT INTO alembic_version VALUES (%s)", [name])
        assert main(["migrate"]) == 2
        assert connection.execute("SELECT to_regclass('entries')").fetchone() == (None,)
    said = capsys.readouterr()
    assert said.out == ""
    assert said.err.count("\n") == 1
    assert repr(", ".join(found)) in said.err
    assert "no revision of creditd's" in said.err


def test_its_sql_can_be_had_without_a_database(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.delenv("CREDITD_DATABASE_URL", raising=False)
    assert main(["migrate", "--sql"]) == 0
    assert "CREATE TABLE entries" in capsys.readouterr().out


def test_a_database_that_is_not_there_is_one_line(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    address = free_address()
    monkeypatch.setenv("CREDITD_DATABASE_URL", f"postgresql://someone:secret@{address}/nothing")
    assert main(["migrate"]) == 1
    err = capsys.readouterr().err
    assert "Connection refused" in err
    assert "secret" not in err
