"""The ledger as others see it: submit works, get their results."""

import logging
import time
from collections.abc import Callable, Sequence
from concurrent.futures import Future

from creditd.ledger.batch import Terms
from creditd.ledger.clock import DatabaseClock
from creditd.ledger.queue import WorkQueue
from creditd.ledger.side_lane import SideLane, SideThread
from creditd.ledger.waiting_room import WaitingRoom
from creditd.ledger.work import Apart, Outcome, Overloaded, Result, ShuttingDown, Sink, Work, resolve
from creditd.ledger.writer import Writer, Written
from creditd.storage.database import Database
from creditd.telemetry.statistics import LedgerStatistics

log = logging.getLogger(__name__)

MAX_BATCH = 256
"""Beyond this a batch's own time shows in its callers' latency, and nothing is gained any more."""

MAX_WAITING = 50_000
"""About a second's worth of batched work: a caller that had to wait longer is better told to come back."""


class Ledger:
    """Everything that moves credits goes through ``submit``."""

    def __init__(self, database: Database, terms: Callable[[], Terms], clock: DatabaseClock) -> None:
        """Write to ``database``, which waits for locks but briefly, on two threads: batches, and what is apart."""
        self.clock = clock
        self.statistics = LedgerStatistics()
        self.side_statistics = LedgerStatistics()
        self._writer = Writer(database, terms, clock, self.statistics)
        self._room = WaitingRoom(self.side_statistics)
        apart = Writer(database, terms, clock, self.side_statistics, is_apart=True)
        self._side = SideThread(SideLane(apart, self._room), self._room, _deliver)
        self._queue = WorkQueue("ledger", self._write, max_batch=MAX_BATCH, max_waiting=MAX_WAITING)

    @property
    def waiting(self) -> int:
        """How many works wait for the next batch."""
        return self._queue.waiting

    @property
    def waiting_apart(self) -> int:
        """How many works wait for a wallet that others hold, or that is heavy."""
        return self._room.waiting

    def submit(self, work: Work) -> None:
        """Queue a work; its sink gets the result after COMMIT. Raises Overloaded, ShuttingDown."""
        self._queue.submit(work)

    def close(self, timeout_seconds: float) -> None:
        """Take no more, and finish what waits; what is not finished in time is told ShuttingDown."""
        end = time.monotonic() + timeout_seconds
        left = self._queue.close(timeout_seconds)
        _deliver([(work, ShuttingDown()) for work in left])
        self._side.close(max(0.0, end - time.monotonic()))

    def _write(self, works: Sequence[Work]) -> None:
        results: list[tuple[Work, Result]] = []
        here = self._without_known(works, results)
        if here:
            written = self._write_safely(here)
            results += written.results
            for work, why in written.apart:
                self._put_apart(work, why, results)
        _deliver(results)

    def _without_known(self, works: Sequence[Work], results: list[tuple[Work, Result]]) -> Sequence[Work]:
        """Part the works on wallets that are served apart from the others."""
        here = [work for work in works if not self._room.knows(work)]
        if len(here) < len(works):
            kept = set(here)
            self.statistics.works += len(works) - len(here)
            for work in works:
                if work not in kept:
                    self._put_apart(work, None, results)
        return here

    def _put_apart(self, work: Work, why: Apart | None, results: list[tuple[Work, Result]]) -> None:
        try:
            self._side.put(work, why)
        except (Overloaded, ShuttingDown) as error:
            results.append((work, error))

    def _write_safely(self, works: Sequence[Work]) -> Written:
        try:
            return self._writer.write(works)
        except Exception as error:
            # A defect of ours must not leave callers waiting; what was done is told by the same request id.
            log.exception("a batch failed")
            return Written([(work, error) for work in works], [], set())


def _deliver(results: Sequence[tuple[Work, Result]]) -> None:
    by_sink: dict[Sink, list[tuple[Work, Result]]] = {}
    for work, result in results:
        by_sink.setdefault(work.sink, []).append((work, result))
    for sink, of_sink in by_sink.items():
        sink.deliver(of_sink)


class FutureSink:
    """A sink for callers with a thread of their own: each work's waiter is a concurrent Future."""

    def deliver(self, results: Sequence[tuple[Work, Result]]) -> None:
        """Resolve the futures."""
        for work, result in results:
            resolve(work.waiter, result)


def run(ledger: Ledger, work: Work) -> Outcome:
    """Submit a work whose sink is a FutureSink, and wait for its outcome. Raises what the work is refused with."""
    future: Future[Outcome] = Future()
    work.waiter = future
    ledger.submit(work)
    return future.result()
