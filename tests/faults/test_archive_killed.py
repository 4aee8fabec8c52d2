"""The archive's process is killed at random while the account goes on: no entry is lost, none is there twice.

Neither when entries go to files nor when they come back.
"""

import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from threading import Event, Thread

import psycopg
import pytest

from creditd.ledger.archive.archiver import DAY, LEAST_DAYS
from tests.faults.duration import rounds
from tests.support.archiving import age, broken_files, differences, filed, stored
from tests.support.databases import migrated_database
from tests.support.desk import Desk, desk_at
from tests.support.patience import eventually
from tests.support.sealing import ledgers
from tests.support.works import add, confirm, deduct, reservation_of, reserve

pytestmark = pytest.mark.requirement("D7", "A6")

OLD = 2_000
"""Entries that are old: twenty files of a hundred."""

RUN = """
from creditd.ledger.archive import archiver
archiver.ENTRIES_AT_A_TIME = 100
from creditd.cli.main import main
raise SystemExit(main())
"""


@pytest.fixture
def desk() -> Iterator[Desk]:
    """Provide a desk with old entries of an account, at a clock that shows the time again."""
    with migrated_database() as url, desk_at(url) as desk:
        desk.clock.advance(-(LEAST_DAYS + 2) * DAY / 1_000_000)
        desk.do(add("ann", 1_000_000))
        for _ in range(OLD // 100):
            desk.write(*(deduct("ann", 1) for _ in range(100)))
            age(desk, 0)
        age(desk, LEAST_DAYS + 2)
        yield desk


def archiving(url: str, folder: Path, what: str) -> "subprocess.Popen[bytes]":
    """Start the command: to move what is old, or to bring it back."""
    arguments = ["archive", what, *(["--older-than", str(LEAST_DAYS)] if what == "move" else [])]
    environment = os.environ | {"CREDITD_DATABASE_URL": url}
    return subprocess.Popen([sys.executable, "-c", RUN, *arguments, "--folder", str(folder)], env=environment)


def is_killed_at_work(desk: Desk, folder: Path, what: str) -> bool:
    """Start the command, and kill it at some moment after its first file; tell whether it was still at work then."""
    with psycopg.connect(desk.url, autocommit=True) as connection:

        def files() -> int:
            (count,) = connection.execute("SELECT count(*) FROM entry_archives").fetchone() or (0,)
            return int(count)

        before, process = files(), archiving(desk.url, folder, what)
        eventually(lambda: process.poll() is not None or files() != before)
    time.sleep(random.uniform(0, 0.1))
    process.send_signal(signal.SIGKILL)
    return process.wait() == -signal.SIGKILL


@rounds(12)
def test_whatever_is_killed_every_entry_is_in_one_place_at_least_and_none_is_lost(
    desk: Desk, tmp_path: Path, rounds: int
) -> None:
    """It is killed while it moves entries, then while it brings them back, and so on."""
    stop, done = Event(), list[int]()

    def go_on() -> None:
        while not stop.wait(0.005):
            desk.do(confirm(reservation_of(desk.do(reserve("ann", 1)))))
            done.append(2)

    worker = Thread(target=go_on)
    worker.start()
    killed = {"move": 0, "restore": 0}
    try:
        for number in range(rounds):
            what = "restore" if number % 2 else "move"
            killed[what] += is_killed_at_work(desk, tmp_path, what)
            assert (differences(desk, "ann"), broken_files(desk, tmp_path, "ann")) == ([], [])
            assert set(range(1, OLD + 2)) <= {*stored(desk, "ann"), *filed(tmp_path, "ann")}
        assert archiving(desk.url, tmp_path, "move").wait(60) == 0
    finally:
        stop.set()
        worker.join()
    print(f"archive, SIGKILL while at work {killed}: {OLD} old entries, {sum(done)} made meanwhile")
    assert min(killed.values()) >= rounds // 4
    assert broken_files(desk, tmp_path, "ann") == []
    assert (differences(desk, "ann"), ledgers(desk, "ann")) == ([], [])
    there, archived = stored(desk, "ann"), sorted(set(filed(tmp_path, "ann")))
    assert archived == list(range(1, len(archived) + 1))
    assert len(archived) >= OLD - 100
    whole = list(range(1, OLD + 2 + sum(done)))
    assert sorted({*there, *archived}) == whole
    assert len(there) < len(whole) - OLD // 2
    assert archiving(desk.url, tmp_path, "restore").wait(60) == 0
    assert stored(desk, "ann") == whole
    assert (differences(desk, "ann"), ledgers(desk, "ann")) == ([], [])
