"""The plugin of pytest, as somebody uses it who tests a program of theirs."""

import json
import os
import subprocess
import sys
from pathlib import Path

import psycopg
import pytest

from credit_client.testing import NotStarted, local_server
from creditd.development.local_server import NotForProduction, main, prepared, refuse_production

pytestmark = pytest.mark.requirement("H4")

TESTS = '''
"""Tests of a program that spends credits."""

import asyncio

import pytest

from credit_client import AsyncCredits, NotAllowed, ReservationExpired


def test_a_hold_expires_without_waiting(credit_server, credit_accounts):
    ann = credit_accounts("ann")
    assert ann == credit_accounts("ann") != credit_accounts("ben")
    credit_server.give(ann, "chat", 100)
    with pytest.raises(ReservationExpired):
        with credit_server.credits.reserve(ann, "chat", 30):
            assert credit_server.available(ann, "chat") == 70
            credit_server.clock.advance(minutes=6)
            assert credit_server.available(ann, "chat") == 100
    with credit_server.credits.reserve(ann, "chat", 30) as hold:
        credit_server.clock.advance(minutes=6)
        hold.spend(0)
    assert credit_server.available(ann, "chat") == 100


def test_accounts_are_a_tests_own(credit_server, credit_accounts):
    assert credit_server.available(credit_accounts("ann"), "chat") == 0


def test_somebody_else_calls(credit_server, credit_accounts):
    ann = credit_accounts("ann")
    credit_server.give(ann, "chat", 1)

    async def run():
        async with AsyncCredits(credit_server.address, credit_server.token("ann", ["USER"])) as credits:
            with pytest.raises(NotAllowed):
                async with credits.reserve(ann, "chat", 1):
                    pass

    asyncio.run(run())
    with pytest.raises(ValueError):
        credit_server.clock.advance(minutes=-1)
'''


@pytest.fixture(scope="module")
def tested(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    """Run somebody's tests in a folder of theirs; return the folder, and what pytest has said."""
    folder = tmp_path_factory.mktemp("program")
    (folder / "test_mine.py").write_text(TESTS)
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "credit_client.testing.plugin", "-p", "no:xdist", "test_mine.py"],
        cwd=folder,
        env=environment(),
        capture_output=True,
        text=True,
        check=False,
        timeout=100,
    )
    return folder, done.stdout + done.stderr


def environment() -> dict[str, str]:
    """Return our environment without what is set for these tests, and with the source."""
    ours = {name: value for name, value in os.environ.items() if not name.startswith(("CREDITD_", "PYTEST_"))}
    return ours | {"PYTHONPATH": os.pathsep.join(filter(None, sys.path))}


@pytest.mark.long
def test_tests_have_a_real_server_whose_clock_they_move(tested: tuple[Path, str]) -> None:
    assert "3 passed" in tested[1], tested[1]


@pytest.mark.long
def test_what_makes_the_next_start_faster_is_kept_and_nothing_goes_on(tested: tuple[Path, str]) -> None:
    """The server has ended with its input, as it does if pytest is killed."""
    folder = tested[0] / ".pytest_cache" / "d" / "credit-server"
    (kept,) = folder.glob("postgres-*")
    assert not (kept / "cluster" / "postmaster.pid").exists()
    with prepared(folder) as (config, _), psycopg.connect(config.database_url) as connection:
        assert connection.execute("SELECT count(*) FROM accounts").fetchone() == (0,)
        assert (kept / "cluster" / "postmaster.pid").exists()


def test_it_is_refused_where_a_production_database_is_configured(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("CREDITD_DATABASE_URL", "postgresql://creditd@db.internal/creditd")
    assert main([str(tmp_path)]) == 1
    assert "CREDITD_DATABASE_URL is set" in json.loads(capsys.readouterr().out)["error"]
    assert not [*tmp_path.iterdir()]


ANSWERS = {"import json; print(json.dumps({'error': 'not here'}))": "not here", "raise SystemExit('broken')": "broken"}


@pytest.mark.parametrize("program", ANSWERS)
def test_one_that_does_not_start_says_why(program: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "stand_in.py").write_text(program)
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    monkeypatch.setattr("credit_client.testing.server.PROGRAM", "stand_in")
    with pytest.raises(NotStarted, match=ANSWERS[program]), local_server(tmp_path):
        raise AssertionError


@pytest.mark.parametrize("name", ["CREDITD_DATABASE_URL", "CREDITD_IDENTITY_DATABASE_URL"])
def test_either_database_is_one(name: str) -> None:
    refuse_production({name: "", "CREDITD_LISTEN": "127.0.0.1:50051"})
    with pytest.raises(NotForProduction, match=name):
        refuse_production({name: "postgresql://db.internal/creditd"})
