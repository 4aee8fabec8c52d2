"""A ledger in either way of being driven, and a gate before what waits for the database in both."""

from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from threading import Event
from typing import Any

import pytest

from creditd.ledger.database_thread import Job
from creditd.ledger.ledger import Ledger
from creditd.ledger.polled_lane import WORKS_AT_ONCE, PolledLane
from creditd.ledger.queue import deliver
from creditd.ledger.thread_lane import MAX_BATCH, MAX_WAITING
from tests.support.desk import Desk
from tests.support.polling import PollingThread


@contextmanager
def driven(ledger: Ledger, *, is_polled: bool) -> Iterator[Ledger]:
    """Keep a ledger until the block ends, on a thread of its own or on one that polls; that one stops first."""
    polling = PollingThread(ledger.attach) if is_polled else None
    try:
        yield ledger
    finally:
        if polling:
            polling.stop()
        ledger.close(5)
    assert polling is None or polling.error is None


class Gate:
    """Holds a ledger's writer up until it is opened."""

    def __init__(self, ledger: Ledger, patch: pytest.MonkeyPatch) -> None:
        """Stand before whatever of the writer waits for the database."""
        self.reached, self.opened = Event(), Event()
        for name in ("write", "write_cold", "save"):
            patch.setattr(ledger._writer, name, self._held_up(getattr(ledger._writer, name)))

    def _held_up(self, function: Callable[..., Any]) -> Callable[..., Any]:
        def held_up(*arguments: Any) -> Any:
            self.reached.set()
            self.opened.wait(10)
            return function(*arguments)

        return held_up


class LaneByHand:
    """A lane whose ticks and jobs are taken one by one, on the thread of the test."""

    def __init__(self, desk: Desk, *, max_batch: int = MAX_BATCH, at_once: int = WORKS_AT_ONCE) -> None:
        """Drive a desk's writer."""
        self.posts = 0
        self._jobs: deque[Job] = deque()
        self._room = desk.room
        self._desk = desk
        self.lane = PolledLane(
            desk.writer,
            desk.room,
            desk.room.put,
            desk.statistics,
            self._post,
            max_batch=max_batch,
            max_waiting=MAX_WAITING,
            at_once=at_once,
            database_thread=self,
        )

    @property
    def jobs(self) -> int:
        """How many jobs the database thread has to do."""
        return len(self._jobs)

    def _post(self, _: Callable[[], object]) -> None:
        self.posts += 1

    def run(self, job: Job) -> None:
        """Keep a job until the test does it."""
        self._jobs.append(job)

    def close(self) -> None:
        """Let go of nothing."""

    def tick(self, *, has_all: bool = True) -> None:
        """Have the thread that polls tick once, when all that had arrived was taken in or before that."""
        self.lane.tick(has_all=has_all)

    def help(self) -> bool:
        """Do the database thread's next job; tell whether there was one."""
        if not self._jobs:
            return False
        self._jobs.popleft()()
        return True

    def finish(self) -> None:
        """Tick and do jobs until nothing waits; what is apart goes on as well."""
        while not self.lane._is_idle or self._jobs or self._room.waiting:
            self.tick()
            self.help()
            for answers in self._desk.side_lane.round():
                deliver(answers)
