"""`creditd migrate`."""

import uuid
from urllib.parse import urlsplit, urlunsplit

import psycopg
import pytest

from creditd.cli.main import main
from creditd.storage.schema import schema_head
from tests.cli.programs import free_address


def test_it_brings_a_database_up_to_date_and_can_be_repeated(
    database: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("CREDITD_DATABASE_URL", database)
    for _ in range(2):
        assert main(["migrate"]) == 0
        assert capsys.readouterr().out == f"the schema is at {schema_head()}\n"


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


def test_a_user_who_may_not_make_the_role_is_told_who_may(
    database: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    name = f"weak_{uuid.uuid4().hex}"
    parts = urlsplit(database)
    with psycopg.connect(database, autocommit=True) as connection:
        connection.execute(f"CREATE ROLE {name} LOGIN")
        connection.execute(f"ALTER DATABASE {parts.path[1:]} OWNER TO {name}")
        try:
            weak = parts._replace(netloc=parts.netloc.replace(parts.username or "", name, 1))
            monkeypatch.setenv("CREDITD_DATABASE_URL", urlunsplit(weak))
            assert main(["migrate"]) == 1
        finally:
            connection.execute(f"ALTER DATABASE {parts.path[1:]} OWNER TO {parts.username}")
            connection.execute(f"DROP OWNED BY {name}")
            connection.execute(f"DROP ROLE {name}")
    assert "Have a superuser run: CREATE ROLE creditd_app" in capsys.readouterr().err


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
