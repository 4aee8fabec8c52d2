"""The sweep: writes down what has expired. Correctness does not wait for it, since expiry is decided by the clock.

Counts that limits went by on days long over it deletes.

It has a writer, a thread and a connection of its own, so that no caller's command waits for it.
"""

import logging
import time
from collections.abc import Sequence
from threading import Event, Lock, Thread

from creditd.domain.instant import SECOND
from creditd.domain.wallet import SYSTEM, WalletKey
from creditd.ledger.clock import DatabaseClock
from creditd.ledger.set_aside import MAX_SET_ASIDE, SetAside
from creditd.ledger.work import DatabaseUnavailable, RecordBusy, Work
from creditd.ledger.writer import Writer
from creditd.storage.counts import PRUNED_AT_A_TIME, prune
from creditd.storage.database import Database
from creditd.storage.failures import SaveFailure, classify
from creditd.storage.wallets import due_wallets
from creditd.telemetry.failures import Failures

log = logging.getLogger(__name__)

WALLETS_AT_A_LOOK = 500
"""One query finds so many, in a millisecond."""

WALLETS_AT_A_TIME = 100
"""Few enough that the rows of all of them are locked for milliseconds only; a minute clears some 100,000."""

LONGEST_PAUSE_SECONDS = 0.25
"""After each share the sweep pauses for as long as it took, so that callers have half of the time at least. A share
that took longer than this did so by waiting."""

PRUNING_INTERVAL_SECONDS = 60.0
"""Between two looks for counts of days that are over: they come to be once a day."""


def _is_outage(error: Exception) -> bool:
    return isinstance(error, DatabaseUnavailable) or classify(error) is not SaveFailure.OTHER


class Sweep:
    """Looks every ``interval_seconds`` for wallets with something due, and settles them."""

    def __init__(self, database: Database, writer: Writer, clock: DatabaseClock, interval_seconds: float) -> None:
        """Start sweeping on a thread of its own, which nothing else writes through ``writer`` on."""
        self.lag_seconds = 0.0
        self.failures = Failures("a sweep", _is_outage)
        self._database = database
        self._writer = writer
        self._clock = clock
        self._interval_seconds = interval_seconds
        self._aside = SetAside(interval_seconds)
        self._next_pruning = 0.0
        self._stopping = Event()
        self._lock = Lock()
        self._thread = Thread(target=self._run, name="sweep", daemon=True)
        self._thread.start()

    def close(self, timeout_seconds: float) -> None:
        """End the sweep."""
        self._stopping.set()
        self._thread.join(timeout_seconds)

    def _run(self) -> None:
        while not self._stopping.wait(self._interval_seconds):
            try:
                # Before the database's time is known, health tells that it is away.
                while self._clock.is_read and self.sweep_once() and not self._stopping.is_set():
                    pass
                if self._clock.is_read and time.monotonic() >= self._next_pruning:
                    self.prune_once()
            except Exception as error:  # noqa: BLE001 - the rounds must outlive any failure; each is logged and counted.
                self.failures.note(error)
            else:
                self.failures.over()

    def prune_once(self) -> int:
        """Delete counts of days that are over, a bounded number of them; return how many. The rest goes next time."""
        with self._lock, self._database.autocommit() as connection:
            pruned = prune(connection, self._clock.now())
        if pruned < PRUNED_AT_A_TIME:
            self._next_pruning = time.monotonic() + PRUNING_INTERVAL_SECONDS
        return pruned

    def sweep_once(self) -> int:
        """Settle the wallets that are overdue for longest, but for those set aside; return how many it has settled.

        A wallet that cannot be settled is set aside for a while, so that it keeps nobody from those behind it.
        """
        with self._lock:
            return self._sweep()

    def _sweep(self) -> int:
        now = self._clock.now()
        with self._database.autocommit() as connection:
            due = due_wallets(connection, now, WALLETS_AT_A_LOOK + len(self._aside))
        self.lag_seconds = (now - due[0][1]) / SECOND if due else 0.0
        keys = [key for key, _ in due if not self._aside.is_waiting(key)][:WALLETS_AT_A_LOOK]
        settled = 0
        for first in range(0, len(keys), WALLETS_AT_A_TIME):
            started = time.monotonic()
            settled += self._settle(keys[first : first + WALLETS_AT_A_TIME])
            if self._stopping.wait(min(time.monotonic() - started, LONGEST_PAUSE_SECONDS)):
                break
        return settled

    def _settle(self, keys: Sequence[WalletKey]) -> int:
        works = [Work.settling(key, SYSTEM) for key in keys]
        settled = 0
        # What others hold is left to them, and comes up again.
        written = self._writer.write_free(works)
        for work, _ in written.apart:
            self._put_aside(work.keys[0], RecordBusy())
        for work, result in written.results:
            if isinstance(result, DatabaseUnavailable):
                raise result
            if isinstance(result, Exception):
                self._put_aside(work.keys[0], result)
            else:
                self._aside.let_go(work.keys[0])
                settled += 1
        return settled

    def _put_aside(self, key: WalletKey, error: Exception) -> None:
        seconds = self._aside.put(key)
        if seconds is None:
            log.error("more than %d wallets cannot be settled; the sweep may not get to others", MAX_SET_ASIDE)
        else:
            # That somebody uses a wallet at this moment is nothing to look after.
            level = logging.INFO if isinstance(error, RecordBusy) else logging.WARNING
            log.log(level, "a wallet was not settled (%s); it is set aside for %.0f s", type(error).__name__, seconds)
