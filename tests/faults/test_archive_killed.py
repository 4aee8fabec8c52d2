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

import pytest

from creditd.ledger.archiver import DAY, LEAST_DAYS
from tests.faults.duration import rounds
from tests.support.archiving import age, broken_files, differences, filed, stored
from tests.support.databases import migrated_database
from tests.support.desk import Desk, desk_at
from tests.support.sealing import ledgers
from tests.support.works import add, confirm, deduct, reservation_of, reserve

pytestmark = pytest.mark.requirement("D7", "A6")

OLD = 3_000
"""Entries that are old: thirty files of a hundred."""

RUN = """
from creditd.ledger import archiver
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


def archiving(url: str, folder: Path, *what: str) -> "subprocess.Popen[bytes]":
    """Start the command: to move what is old, if nothing else is said."""
    arguments = ["archive", *(what or ("move", "--older-than", str(LEAST_DAYS))), "--folder", str(folder)]
    environment = os.environ | {"CREDITD_DATABASE_URL": url}
    return subprocess.Popen([sys.executable, "-c", RUN, *arguments], env=environment)


@rounds(20)
def test_whatever_is_killed_every_entry_is_in_one_place_at_least_and_none_is_lost(
    desk: Desk, tmp_path: Path, rounds: int
) -> None:
    stop, done = Event(), list[int]()

    def go_on() -> None:
        while not stop.is_set():
            desk.do(confirm(reservation_of(desk.do(reserve("ann", 1)))))
            done.append(2)

    worker = Thread(target=go_on)
    worker.start()
    try:
        for _ in range(rounds):
            process = archiving(desk.url, tmp_path)
            time.sleep(random.uniform(0.4, 1.4))
            process.send_signal(signal.SIGKILL)
            process.wait()
        assert archiving(desk.url, tmp_path).wait(60) == 0
    finally:
        stop.set()
        worker.join()
    print(f"archive, SIGKILL x{rounds}: {OLD} old entries, {sum(done)} made meanwhile")
    assert broken_files(desk, tmp_path, "ann") == []
    assert (differences(desk, "ann"), ledgers(desk, "ann")) == ([], [])
    there, archived = stored(desk, "ann"), sorted(set(filed(tmp_path, "ann")))
    assert archived == list(range(1, len(archived) + 1))
    assert len(archived) >= OLD - 100
    whole = list(range(1, OLD + 2 + sum(done)))
    assert sorted({*there, *archived}) == whole
    process = archiving(desk.url, tmp_path, "restore")
    time.sleep(random.uniform(0.4, 1.4))
    process.send_signal(signal.SIGKILL)
    process.wait()
    assert (differences(desk, "ann"), ledgers(desk, "ann"), broken_files(desk, tmp_path, "ann")) == ([], [], [])
    assert archiving(desk.url, tmp_path, "restore").wait(60) == 0
    assert stored(desk, "ann") == whole
    assert (differences(desk, "ann"), ledgers(desk, "ann")) == ([], [])
