"""`creditd migrate`."""

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
