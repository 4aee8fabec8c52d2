"""`creditd rollup rebuild`."""

import psycopg
import pytest

from creditd.cli import rollup
from creditd.cli.main import main
from creditd.service.usage.usage_rebuild import UsageRebuild
from creditd.storage.usage.usage_rollups import RETIRED, SERVED
from tests.support.databases import migrated_database
from tests.support.desk import desk_at
from tests.support.usage_rolling import LABEL, positions, roll_all, roller_at
from tests.support.works import add, deduct

pytestmark = pytest.mark.requirement("C4", "C5")


def test_it_adds_all_up_anew_and_says_how_much_it_was(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("creditd.cli.rollup.TOLD_EVERY_SECONDS", 0.0)
    with migrated_database() as url, desk_at(url) as desk:
        monkeypatch.setenv("CREDITD_DATABASE_URL", url)
        desk.do(add("ann", 10))
        desk.do(deduct("ann", 1))
        roll_all(roller_at(desk))
        assert main(["rollup", "rebuild"]) == 0
        told = capsys.readouterr()
        assert told.out.startswith("2 entries added up in ")
        assert told.err.startswith("2 of about ")
        assert positions(desk) == {("ann", "chat"): 2}


def test_one_that_was_killed_while_it_deleted_is_ended_by_the_next(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Nothing is added up a second time, until one is begun after it."""
    editions = "SELECT edition, state FROM usage_editions"
    with migrated_database() as url, desk_at(url) as desk, psycopg.connect(url, autocommit=True) as connection:
        monkeypatch.setenv("CREDITD_DATABASE_URL", url)
        monkeypatch.setenv("CREDITD_USAGE_LABEL", LABEL)
        desk.do(add("ann", 10))
        roll_all(roller_at(desk))
        killed = UsageRebuild(desk.database, desk.clock, LABEL)
        killed.begin()
        assert any(progress.is_deleting for progress in killed.steps())
        assert connection.execute(editions).fetchall() == [(1, RETIRED), (2, SERVED)]
        assert main(["rollup", "rebuild"]) == 0
        assert capsys.readouterr().out == f"{rollup.DELETED}\n"
        assert connection.execute(editions).fetchall() == [(2, SERVED)]
        assert positions(desk) == {("ann", "chat"): 1}
        assert main(["rollup", "rebuild"]) == 0
        assert capsys.readouterr().out.startswith("1 entries added up in ")
        assert connection.execute(editions).fetchall() == [(3, SERVED)]


def test_without_a_database_it_says_what_it_needs(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.delenv("CREDITD_DATABASE_URL", raising=False)
    assert main(["rollup", "rebuild"]) == 2
    assert "CREDITD_DATABASE_URL" in capsys.readouterr().err
