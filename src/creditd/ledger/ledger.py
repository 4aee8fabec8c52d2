"""The ledger as others see it: submit works, get their results."""

import logging
from collections.abc import Callable, Sequence
from concurrent.futures import Future

from creditd.ledger.batch import Terms
from creditd.ledger.clock import DatabaseClock
from creditd.ledger.grouping import Grouping
from creditd.ledger.statistics import LedgerStatistics
from creditd.ledger.work import Outcome, Result, Sink, Work, resolve
from creditd.ledger.writer import Writer
from creditd.storage.database import Database

log = logging.getLogger(__name__)

MAX_BATCH = 256
"""Beyond this a batch's own time shows in its callers' latency, and nothing is gained any more."""

MAX_WAITING = 50_000
"""About a second's worth of batched work: a caller that had to wait longer is better told to come back."""


class Ledger:
    """Everything that moves credits goes through ``submit``."""

    def __init__(self, database: Database, terms: Callable[[], Terms], clock: DatabaseClock) -> None:
        """Write through ``database`` on a thread of the ledger's own."""
        self.clock = clock
        self.statistics = LedgerStatistics()
        self._writer = Writer(database, terms, clock, self.statistics)
        self._grouping = Grouping("ledger", self._write, max_batch=MAX_BATCH, max_waiting=MAX_WAITING)

    @property
    def waiting(self) -> int:
        """How many works wait for the next batch."""
        return self._grouping.waiting

    def submit(self, work: Work) -> None:
        """Queue a work; its sink gets the result after COMMIT. Raises Overloaded, ShuttingDown."""
        self._grouping.submit(work)

    def close(self, timeout_seconds: float) -> None:
        """Finish what waits, and take no more."""
        self._grouping.close(timeout_seconds)

    def _write(self, works: Sequence[Work]) -> None:
        results: list[tuple[Work, Result]]
        try:
            results = self._writer.write(works)
        except Exception as error:
            # A defect of ours must not leave callers waiting; what was done is told by the same request id.
            log.exception("a batch failed")
            results = [(work, error) for work in works]
        by_sink: dict[Sink, list[tuple[Work, Result]]] = {}
        for work, result in results:
            by_sink.setdefault(work.sink, []).append((work, result))
        for sink, results in by_sink.items():
            sink.deliver(results)


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
