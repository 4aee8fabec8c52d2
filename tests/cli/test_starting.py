"""Told to stop while it starts: it says so, ends with 130 without a drain, and nothing runs on."""

import signal
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
import pytest

from creditd.cli.output import INTERRUPTED
from tests.support.databases import migrated_database
from tests.support.patience import eventually
from tests.support.ports import free_address
from tests.support.programs import PATIENCE_SECONDS, Creditd, Started, are_gone
from tests.support.tokens import write_public_key

LONG_SECONDS = 600
"""A drain that no test waits for."""

WAITING = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"


@pytest.fixture
def creditd(tmp_path: Path) -> Creditd:
    """Return `creditd` that would drain for longer than anybody waits."""
    return Creditd(
        tmp_path,
        {
            "CREDITD_JWT_PUBLIC_KEY_FILES": str(write_public_key(tmp_path)),
            "CREDITD_LISTEN": free_address(),
            "CREDITD_METRICS_LISTEN": "",
            "CREDITD_WEBHOOKS_LISTEN": "",
            "CREDITD_CONSOLE_LISTEN": "",
            "CREDITD_FAKES_LISTEN": free_address(),
            "CREDITD_DRAIN_SECONDS": str(LONG_SECONDS),
        },
    )


@pytest.fixture
def silent(creditd: Creditd) -> Iterator[socket.socket]:
    """Put something in the database's place that takes connections and never says a word."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
        creditd.settings["CREDITD_DATABASE_URL"] = f"postgresql://nobody@127.0.0.1:{port}/nothing"
        yield listener


@pytest.fixture
def database() -> Iterator[str]:
    """Return the URL of a database of the test's own, with the schema."""
    with migrated_database() as url:
        yield url


@contextmanager
def locked(database: str) -> Iterator[None]:
    """Hold what every migration begins with."""
    with psycopg.connect(database) as holding:
        holding.execute("LOCK TABLE alembic_version IN ACCESS EXCLUSIVE MODE")
        yield


def is_waited_for(database: str) -> bool:
    """Tell whether somebody waits for a lock on this database."""
    with psycopg.connect(database) as asking:
        row = asking.execute(WAITING).fetchone()
    return bool(row and row[0])


def assert_given_up(started: Started, number: int = signal.SIGTERM) -> None:
    """Stop it, and see that it ends, all of it."""
    descendants = started.descendants()
    assert started.stop(number) == INTERRUPTED, started.said
    assert are_gone(descendants)
    assert "Traceback" not in started.said
    last = started.said.splitlines()[-1]
    assert last.startswith("creditd "), started.said
    assert "before it was" in last


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
@pytest.mark.parametrize("arguments", [("serve",), ("serve", "--workers", "2")])
def test_serve_that_waits_for_its_database_gives_up(
    creditd: Creditd, silent: socket.socket, arguments: tuple[str, ...], number: int
) -> None:
    with creditd.started(*arguments) as started:
        connection, _ = silent.accept()
        with connection:
            if arguments == ("serve",):
                assert_given_up(started, number)
            else:
                descendants = started.descendants()
                assert started.stop(number) == INTERRUPTED
                assert are_gone(descendants)
                assert "stopped before it was ready" in started.said


def test_migrate_that_waits_for_a_lock_gives_up_and_so_does_its_statement(creditd: Creditd, database: str) -> None:
    creditd.settings["CREDITD_DATABASE_URL"] = database
    with locked(database), creditd.started("migrate") as started:
        eventually(lambda: is_waited_for(database), PATIENCE_SECONDS)
        assert_given_up(started)
        eventually(lambda: not is_waited_for(database), PATIENCE_SECONDS)


def test_run_gives_up_while_it_migrates(creditd: Creditd, database: str) -> None:
    creditd.settings["CREDITD_DATABASE_URL"] = database
    with locked(database), creditd.started("run") as started:
        eventually(lambda: is_waited_for(database), PATIENCE_SECONDS)
        assert_given_up(started)


def is_running(name: str) -> Callable[[Started], bool]:
    """Return what tells whether a program of this name is among those that were started."""
    return lambda started: any(process.name() == name for process in started.descendants())


def has_folder(started: Started) -> bool:
    """Tell whether the cluster is whole, and PostgreSQL is about to be started or has been."""
    return (started.output.parent / ".creditd" / "postgres" / "cluster").exists()


@pytest.mark.parametrize("begun", [is_running("initdb"), has_folder, is_running("postgres")])
def test_run_gives_up_while_postgresql_is_made_or_started(creditd: Creditd, begun: Callable[[Started], bool]) -> None:
    with creditd.started("run") as started:
        eventually(lambda: begun(started), PATIENCE_SECONDS)
        assert_given_up(started)
    with creditd.started("run") as again:
        again.says("Ctrl-C stops everything")
        assert again.stop() == 0


@pytest.mark.parametrize(("number", "code"), [(signal.SIGTERM, 143), (signal.SIGINT, 130)])
def test_a_second_signal_ends_a_start_at_once(creditd: Creditd, number: int, code: int) -> None:
    """Though its end waits for something itself."""
    script = (
        "import time\n"
        "from creditd.cli.signals import signals_as_interrupts\n"
        "with signals_as_interrupts():\n"
        "    try:\n"
        "        print('begun', flush=True)\n"
        f"        time.sleep({LONG_SECONDS})\n"
        "    finally:\n"
        "        print('ending', flush=True)\n"
        f"        time.sleep({LONG_SECONDS})\n"
    )
    with creditd.program(script) as started:
        started.says("begun")
        started.process.send_signal(number)
        started.says("ending")
        assert started.stop(number) == code
    assert f"{signal.Signals(number).name} again: ended at once" in started.said
