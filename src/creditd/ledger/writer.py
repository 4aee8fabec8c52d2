"""Load, decide, save, retry: how a batch of works becomes committed entries.

The first attempt trusts the copies in memory and takes request ids for new, so that it writes without having read. What
that gets wrong, the keys and versions refuse; the batch is then decided again on locked rows. A refusal is an answer
only if it was decided on what was loaded for it, request id included: others are decided once more.
"""

import logging
import random
import time
from collections.abc import Callable, Sequence
from typing import NamedTuple

from creditd.domain.errors import Refusal
from creditd.ledger.batch import Batch, Terms
from creditd.ledger.cache import WalletCache
from creditd.ledger.clock import DatabaseClock
from creditd.ledger.committing import failure_of, needs_transaction, write_down
from creditd.ledger.gathering import Gatherer
from creditd.ledger.statistics import LedgerStatistics
from creditd.ledger.work import DatabaseUnavailable, DeadlinePassed, Result, VersionConflict, Work
from creditd.storage.conflicts import SaveFailure
from creditd.storage.database import Connection, Database

log = logging.getLogger(__name__)

MAX_RETRIES = 3
"""Retries of a batch on a conflict, the rows locked, before its callers get VERSION_CONFLICT."""

FIRST_BACKOFF_SECONDS = 0.005
"""About one batch's time; doubled with each retry, and jittered over the whole of it."""


class Attempt(NamedTuple):
    """A batch as it was decided: what can be answered once it is saved, and what has to be decided once more."""

    batch: Batch
    answers: list[tuple[Work, Result]]
    again: list[Work]


class Writer:
    """Turns batches of works into results. Used by one thread."""

    def __init__(
        self, database: Database, terms: Callable[[], Terms], clock: DatabaseClock, statistics: LedgerStatistics
    ) -> None:
        """Write through ``database``; ``terms`` is asked anew for each batch."""
        self._database = database
        self._terms = terms
        self._clock = clock
        self._statistics = statistics
        self._cache = WalletCache()
        self._gatherer = Gatherer(self._cache)

    def write(self, works: Sequence[Work]) -> list[tuple[Work, Result]]:
        """Decide and save works; each gets its outcome, its refusal, or why it could not be done."""
        self._statistics.batches += 1
        self._statistics.works += len(works)
        self._statistics.batch_sizes[len(works)] += 1
        results: list[tuple[Work, Result]] = []
        if not self._clock.is_read:
            return [(work, DatabaseUnavailable()) for work in works]
        waiting = self._drop_late(works, results)
        while waiting:
            waiting = self._round(waiting, results)
        return results

    def _drop_late(self, works: Sequence[Work], results: list[tuple[Work, Result]]) -> list[Work]:
        now = time.monotonic()
        in_time = []
        for work in works:
            if work.deadline is not None and work.deadline <= now:
                self._statistics.dropped += 1
                results.append((work, DeadlinePassed()))
            else:
                in_time.append(work)
        return in_time

    def _round(self, works: list[Work], results: list[tuple[Work, Result]]) -> list[Work]:
        """Write works; return those that have to be decided once more."""
        try:
            with self._database.autocommit() as connection:
                attempt = self._attempt(connection, works)
                if not needs_transaction(attempt.batch.changes):
                    self._save(connection, attempt.batch)
            if needs_transaction(attempt.batch.changes):
                with self._database.transaction() as connection:
                    self._save(connection, attempt.batch)
        except Exception as error:  # noqa: BLE001 - whatever it is, it must fail no more works than it has to.
            return self._recover(works, error, results)
        return self._commit(attempt, results)

    def _commit(self, attempt: Attempt, results: list[tuple[Work, Result]]) -> list[Work]:
        self._cache.keep(attempt.batch.changes)
        results.extend(attempt.answers)
        return attempt.again

    def _attempt(self, connection: Connection, works: list[Work], *, locked: bool = False) -> Attempt:
        batch = Batch(self._terms(), self._clock.now())
        fresh = self._gatherer.gather(connection, batch, works, locked=locked)
        attempt = Attempt(batch, [], [])
        for work in works:
            if batch.is_full or (batch.unsettled and not batch.unsettled.isdisjoint(work.keys)):
                attempt.again.append(work)
                continue
            try:
                outcome = batch.decide(work)
            except Refusal as refusal:
                self._refused(work, refusal, attempt, final=work in fresh)
            else:
                self._statistics.replays += outcome.replayed
                attempt.answers.append((work, outcome))
        return attempt

    def _refused(self, work: Work, refusal: Refusal, attempt: Attempt, *, final: bool) -> None:
        if final:
            self._statistics.refusals += 1
            attempt.answers.append((work, refusal))
        else:
            self._statistics.doubted += 1
            work.fresh = True
            attempt.again.append(work)

    def _save(self, connection: Connection, batch: Batch) -> None:
        started = time.perf_counter()
        write_down(connection, batch, self._clock)
        self._statistics.save_seconds += time.perf_counter() - started

    def _recover(self, works: list[Work], error: Exception, results: list[tuple[Work, Result]]) -> list[Work]:
        """Do again what was not saved: locked if others were at the same rows, else in halves to find the bad one."""
        for work in works:
            for key in work.keys:
                self._cache.drop(key)
        failure = failure_of(error)
        if failure is SaveFailure.UNAVAILABLE:
            # The other connections of the pool are most likely gone too.
            self._database.forget_connections()
        if failure is SaveFailure.TOO_SLOW:
            # Once more would take as long again, and everyone else would wait for it.
            results.extend((work, DatabaseUnavailable()) for work in works)
            return []
        if failure is not SaveFailure.OTHER:
            return self._write_locked(works, failure, results)
        if len(works) == 1:
            log.error("a command failed by itself", exc_info=error)
            results.append((works[0], error))
            return []
        middle = len(works) // 2
        return [*self._round(works[:middle], results), *self._round(works[middle:], results)]

    def _write_locked(self, works: list[Work], failure: SaveFailure, results: list[tuple[Work, Result]]) -> list[Work]:
        for retry in range(MAX_RETRIES):
            self._statistics.conflicts += failure is SaveFailure.MOVED
            self._statistics.retries += 1
            if retry:
                time.sleep(random.uniform(0, FIRST_BACKOFF_SECONDS * 2**retry))  # noqa: S311 - jitter is no secret.
            try:
                with self._database.transaction() as connection:
                    attempt = self._attempt(connection, works, locked=True)
                    self._save(connection, attempt.batch)
            except Exception as error:  # noqa: BLE001 - whatever it is, it must fail no more works than it has to.
                failure = failure_of(error)
                if failure in {SaveFailure.OTHER, SaveFailure.TOO_SLOW}:
                    return self._recover(works, error, results)
            else:
                return self._commit(attempt, results)
        gone = failure is SaveFailure.UNAVAILABLE
        results.extend((work, DatabaseUnavailable() if gone else VersionConflict()) for work in works)
        return []
