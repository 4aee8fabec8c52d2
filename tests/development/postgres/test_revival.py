"""The embedded PostgreSQL of `creditd run` is started again when it dies, and says what to do when it cannot be."""

import signal
from collections.abc import Iterator
from contextlib import suppress
from itertools import islice
from pathlib import Path

import psutil
import psycopg
import pytest

from creditd.development.postgres import EmbeddedPostgres
from creditd.development.postgres.folder import mark
from creditd.development.postgres.revival import LONGEST_PAUSE_SECONDS, Revival, advice, pauses
from tests.support.patience import eventually

PATIENCE_SECONDS = 60.0


@pytest.fixture
def server(tmp_path: Path) -> Iterator[EmbeddedPostgres]:
    """Run one that is watched."""
    running = EmbeddedPostgres(tmp_path / "data", settings={"fsync": "off"})
    running.start()
    revival = Revival(running)
    yield running
    revival.close()
    running.stop()
    titles = [" ".join(process.info["cmdline"] or ()) for process in psutil.process_iter(["cmdline"])]
    assert not [title for title in titles if mark(running.data_dir) in title]


def kill(server: EmbeddedPostgres) -> None:
    psutil.Process(server.pid).send_signal(signal.SIGKILL)
    eventually(lambda: server.is_dead, PATIENCE_SECONDS)


def answers(server: EmbeddedPostgres) -> bool:
    with suppress(psycopg.OperationalError), psycopg.connect(server.url):
        return True
    return False


def test_it_is_back_after_a_kill_as_often_as_it_dies(
    server: EmbeddedPostgres, caplog: pytest.LogCaptureFixture
) -> None:
    with psycopg.connect(server.url) as connection:
        connection.execute("CREATE TABLE kept ()")
    for _ in range(2):
        kill(server)
        eventually(lambda: answers(server), PATIENCE_SECONDS)
        with psycopg.connect(server.url) as connection:
            connection.execute("TABLE kept")
    deaths = [record for record in caplog.records if "has died" in record.getMessage()]
    assert len(deaths) == 2
    assert not any(record.exc_info for record in deaths)


def test_what_cannot_start_is_tried_until_its_cause_is_gone_and_says_it(
    server: EmbeddedPostgres, caplog: pytest.LogCaptureFixture
) -> None:
    control = server.data_dir / "cluster" / "global" / "pg_control"
    aside = control.with_name("pg_control.aside")
    control.rename(aside)
    kill(server)
    eventually(lambda: "pg_control" in caplog.text, PATIENCE_SECONDS)
    aside.rename(control)
    eventually(lambda: answers(server), PATIENCE_SECONDS)


def test_it_can_be_stopped_while_it_is_dead(server: EmbeddedPostgres) -> None:
    kill(server)
    server.stop()
    assert not server.is_dead
    assert not answers(server)


def test_the_pauses_double_up_to_a_bound() -> None:
    assert list(islice(pauses(), 9)) == [0.5, 1, 2, 4, 8, 16, 30, 30, LONGEST_PAUSE_SECONDS]


def test_a_full_disk_is_named_with_what_to_do(tmp_path: Path) -> None:
    full = 'PANIC:  could not write to file "pg_wal/xlogtemp.9": No space left on device\n'
    to_do = f"the disk of {tmp_path} is full: make room there, and it starts by itself"
    assert advice(tmp_path, tmp_path / "log", full) == to_do
    worn_out = "LOG:  something\nFATAL:  it is worn out\nFATAL:  the database system is starting up\n"
    assert advice(tmp_path, tmp_path / "log", worn_out).endswith("FATAL:  it is worn out")
