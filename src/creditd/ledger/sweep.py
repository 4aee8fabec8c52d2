"""The sweep: writes down what has expired. Correctness does not wait for it, since expiry is decided by the clock."""

import logging
from concurrent.futures import Future, wait
from threading import Event, Thread

from creditd.domain.instant import SECOND
from creditd.domain.wallet import SYSTEM
from creditd.ledger.ledger import FutureSink, Ledger
from creditd.ledger.work import DatabaseUnavailable, Outcome, Overloaded, ShuttingDown, Work
from creditd.storage.database import Database
from creditd.storage.sweeping import due_wallets

log = logging.getLogger(__name__)

WALLETS_AT_A_TIME = 500
"""Few enough that callers' commands fit in between, enough that a minute clears 30,000."""

WAIT_SECONDS = 30.0
"""A sweep that takes longer is given up, and the next one goes on from what is still due."""


class Sweep:
    """Looks every ``interval_seconds`` for wallets with something due, and settles them through the ledger."""

    def __init__(self, database: Database, ledger: Ledger, interval_seconds: float) -> None:
        """Start sweeping on a thread of its own."""
        self.lag_seconds = 0.0
        self._database = database
        self._ledger = ledger
        self._interval_seconds = interval_seconds
        self._sink = FutureSink()
        self._stopping = Event()
        self._thread = Thread(target=self._run, name="sweep", daemon=True)
        self._thread.start()

    def close(self, timeout_seconds: float) -> None:
        """End the sweep."""
        self._stopping.set()
        self._thread.join(timeout_seconds)

    def _run(self) -> None:
        while not self._stopping.wait(self._interval_seconds):
            try:
                while self.sweep_once() == WALLETS_AT_A_TIME and not self._stopping.is_set():
                    pass
            except (DatabaseUnavailable, Overloaded, ShuttingDown):
                continue
            except Exception:
                # Most likely the database is away; the next round finds out.
                log.exception("a sweep failed")

    def sweep_once(self) -> int:
        """Settle the wallets that are overdue for longest; return how many there were."""
        now = self._ledger.clock.now()
        with self._database.autocommit() as connection:
            due = due_wallets(connection, now, WALLETS_AT_A_TIME)
        self.lag_seconds = (now - due[0][1]) / SECOND if due else 0.0
        futures: list[Future[Outcome]] = []
        for key, _ in due:
            work = Work(key.account_id, SYSTEM, (), self._sink, keys=(key,))
            work.fresh = True
            future: Future[Outcome] = Future()
            work.waiter = future
            futures.append(future)
            self._ledger.submit(work)
        wait(futures, timeout=WAIT_SECONDS)
        return len(due)
