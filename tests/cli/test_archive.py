"""`creditd archive`."""

import errno
import fcntl
import os
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from creditd.cli.main import main
from creditd.ledger.archive import archiver
from creditd.service.usage import usage_rollup
from tests.support.archiving import age, filed, stored
from tests.support.databases import migrated_database
from tests.support.desk import Desk, desk_at
from tests.support.postgres import service_url
from tests.support.sealing import tampered
from tests.support.works import add, deduct

pytestmark = pytest.mark.requirement("D7")


@pytest.fixture
def desk(monkeypatch: pytest.MonkeyPatch) -> Iterator[Desk]:
    """Provide a desk with seven old entries of an account, by a clock that the command has too."""
    monkeypatch.setattr(archiver, "LEAST_ENTRIES", 2)
    monkeypatch.setattr(usage_rollup, "SUMMED_AT", 1)
    with migrated_database() as url, desk_at(url) as desk:
        monkeypatch.setenv("CREDITD_DATABASE_URL", url)
        monkeypatch.setattr("creditd.cli.archive.DatabaseClock", lambda: desk.clock)
        desk.do(add("ann", 10))
        for _ in range(6):
            desk.do(deduct("ann", 1))
        age(desk)
        yield desk


def test_it_moves_what_is_old_and_verifies_it(desk: Desk, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Once: the second time there is nothing to be moved. A dry run moves nothing."""
    move = ["archive", "move", "--folder", str(tmp_path), "--older-than", "90"]
    assert main([*move, "--dry-run"]) == 0
    assert capsys.readouterr().out.endswith("/ann/chat.1-7.jsonl.gz: 7 entries\n7 entries would be archived\n")
    assert stored(desk, "ann") == list(range(1, 8))
    assert main(move) == 0
    assert capsys.readouterr().out.startswith("7 entries archived in ")
    assert (filed(tmp_path, "ann"), stored(desk, "ann")) == (list(range(1, 8)), [1, 7])
    assert main(move) == 0
    assert capsys.readouterr().out.startswith("0 entries archived in ")
    assert main(["archive", "verify", "--folder", str(tmp_path)]) == 0
    assert capsys.readouterr().out == "1 files with 7 entries checked, 0 that do not hold\n"
    with psycopg.connect(desk.url, autocommit=True) as connection:
        # As a rebuild leaves it that is killed before it has deleted what was served.
        connection.execute("INSERT INTO usage_editions VALUES (9, 3, NULL, '', '', now())")
        assert main(["rollup", "rebuild"]) == 1
        assert "in the archive" in capsys.readouterr().err
        assert connection.execute("SELECT state FROM usage_editions").fetchall() == [(2,)]
    assert main(["audit", "verify"]) == 0
    assert "creditd archive verify" in capsys.readouterr().out
    assert main(["archive", "restore", "--folder", str(tmp_path)]) == 0
    assert capsys.readouterr().out == "5 entries brought back from 1 files; 0 wallets left alone\n"
    assert stored(desk, "ann") == list(range(1, 8))
    assert main(["archive", "verify", "--folder", str(tmp_path)]) == 0
    assert capsys.readouterr().out == "0 files with 0 entries checked, 0 that do not hold\n"
    assert main(["rollup", "rebuild"]) == 0


def test_two_at_once_do_not_write_to_one_folder(desk: Desk, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The second one says so."""
    assert stored(desk, "ann")
    descriptor = os.open(tmp_path, os.O_RDONLY)
    fcntl.flock(descriptor, fcntl.LOCK_EX)
    assert main(["archive", "move", "--folder", str(tmp_path), "--older-than", "90"]) == 1
    assert "another one" in capsys.readouterr().err
    assert main(["archive", "restore", "--folder", str(tmp_path)]) == 1
    os.close(descriptor)


def test_what_does_not_hold_ends_it_with_1(desk: Desk, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    tampered(desk, "UPDATE entries SET actor = 'nobody' WHERE version = 3")
    assert main(["archive", "move", "--folder", str(tmp_path), "--older-than", "90"]) == 1
    assert "left alone" in capsys.readouterr().out
    assert stored(desk, "ann") == list(range(1, 8))
    tampered(desk, "UPDATE entries SET actor = 'tests' WHERE version = 3")
    for file in tmp_path.rglob("*.gz"):
        file.unlink()
    assert main(["archive", "move", "--folder", str(tmp_path), "--older-than", "90"]) == 0
    for file in tmp_path.rglob("*.gz"):
        file.unlink()
    assert main(["archive", "verify", "--folder", str(tmp_path)]) == 1
    assert main(["archive", "restore", "--folder", str(tmp_path)]) == 1
    assert "left alone" in capsys.readouterr().out
    assert stored(desk, "ann") == [1, 7]


def refusing(desk: Desk, account: str, condition: str) -> None:
    """Have the database end each deletion of an account's entries with an error of a condition's name."""
    with psycopg.connect(desk.url) as connection:
        connection.execute(
            "CREATE OR REPLACE FUNCTION ended() RETURNS trigger LANGUAGE plpgsql AS "
            f"$$ BEGIN RAISE EXCEPTION 'ended' USING ERRCODE = '{condition}'; END $$".encode()
        )
        connection.execute(
            "CREATE OR REPLACE TRIGGER ended BEFORE DELETE ON entries FOR EACH ROW "
            f"WHEN (old.account_id = '{account}') EXECUTE FUNCTION ended()".encode()
        )


@pytest.mark.parametrize("condition", ["query_canceled", "lock_not_available"])
def test_what_takes_the_database_too_long_is_left_alone_and_the_rest_is_moved(
    desk: Desk, tmp_path: Path, capsys: pytest.CaptureFixture[str], condition: str
) -> None:
    """The next wallet does not wait for it; a later run finds the file that is there already."""
    desk.do(add("bea", 10))
    for _ in range(6):
        desk.do(deduct("bea", 1))
    age(desk)
    move = ["archive", "move", "--folder", str(tmp_path), "--older-than", "90"]
    refusing(desk, "ann", condition)
    assert main(move) == 1
    told = capsys.readouterr().out
    assert "/ann/chat.1-7.jsonl.gz: left alone: the database took longer" in told
    assert told.endswith("1 parts left alone\n")
    assert (stored(desk, "ann"), stored(desk, "bea")) == (list(range(1, 8)), [1, 7])
    refusing(desk, "nobody", condition)
    assert main(move) == 0
    assert stored(desk, "ann") == [1, 7]


def test_another_error_of_the_database_ends_it(desk: Desk, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    refusing(desk, "ann", "disk_full")
    assert main(["archive", "move", "--folder", str(tmp_path), "--older-than", "90"]) == 1
    assert "the database cannot be used" in capsys.readouterr().err
    assert stored(desk, "ann") == list(range(1, 8))


def test_a_full_disk_moves_nothing(
    desk: Desk, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """What is half written is written anew once there is room."""
    move = ["archive", "move", "--folder", str(tmp_path), "--older-than", "90"]

    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with monkeypatch.context() as patched:
        patched.setattr(os, "fsync", full)
        assert main(move) == 1
    assert "No space left" in capsys.readouterr().err
    assert (list(tmp_path.rglob("*.gz")), stored(desk, "ann")) == ([], list(range(1, 8)))
    assert main(move) == 0
    assert (filed(tmp_path, "ann"), stored(desk, "ann")) == (list(range(1, 8)), [1, 7])


@pytest.mark.parametrize(
    "arguments",
    [
        ("move", "--folder", ".", "--older-than", "89"),
        ("move", "--folder", "."),
        ("verify", "--folder", ".", "--older-than", "90"),
        ("verify", "--folder", ".", "--account", "ann"),
        ("restore", "--folder", ".", "--older-than", "90"),
        ("restore", "--folder", ".", "--dry-run"),
        ("move", "--folder", "/nowhere", "--older-than", "90"),
        ("move", "--older-than", "90"),
    ],
)
def test_what_cannot_be_meant_is_misuse(arguments: tuple[str, ...], monkeypatch: pytest.MonkeyPatch) -> None:
    """An age below that for which requests are answered again, too."""
    monkeypatch.setenv("CREDITD_DATABASE_URL", "postgresql://nowhere/credit")
    with pytest.raises(SystemExit) as ended:
        raise SystemExit(main(["archive", *arguments]))
    assert ended.value.code == 2


def test_the_login_that_serves_may_not(
    desk: Desk, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("CREDITD_DATABASE_URL", service_url(desk.url))
    for arguments in (["move", "--older-than", "90"], ["restore"]):
        assert main(["archive", *arguments, "--folder", str(tmp_path)]) == 2
        assert "owner" in capsys.readouterr().err
