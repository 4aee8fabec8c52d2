"""Load, decide, save, retry: how a batch of works becomes committed entries.

The first attempt trusts the copies in memory and takes request ids for new, so that it writes without having read. What
that gets wrong, the keys and versions refuse; the batch is then decided again on locked rows. A refusal is an answer
only if it was decided on what was loaded for it, request id included: others are decided once more.

No batch waits long for anybody: what needs a row that others hold, and what is heavy, leaves it to be done apart.
"""

import logging
import random
import time
from collections.abc import Callable, Sequence
from collections.abc import Set as AbstractSet

from creditd.domain.errors import Refusal
from creditd.domain.weight import HEAVY_GRANTS
from creditd.ledger.attempt import Attempt, Written, nothing_written
from creditd.ledger.batch import Batch, Terms
from creditd.ledger.cache import WalletCache
from creditd.ledger.clock import DatabaseClock
from creditd.ledger.commit import (
    NO_ACCOUNTS,
    Moved,
    failure_of,
    is_told_of,
    makes_rows,
    needs_transaction,
    why_unsaved,
    write_down,
)
from creditd.ledger.loader import Loader, Locking
from creditd.ledger.trust import Trust
from creditd.ledger.work import Apart, DatabaseUnavailable, DeadlinePassed, VersionConflict, Work
from creditd.storage.changes import Changes
from creditd.storage.connections.turns import Turn
from creditd.storage.database import BATCH_SECONDS, Connection, Database
from creditd.storage.failures import SaveFailure, is_of_one_server
from creditd.storage.locks import wait_briefly
from creditd.storage.save import Saved
from creditd.telemetry.statistics import LedgerStatistics

log = logging.getLogger(__name__)

MAX_RETRIES = 3
"""Retries of a batch on a conflict, the rows locked, before its callers get VERSION_CONFLICT."""

MAX_HEAVY_WALLETS = 64
"""Copies of heavy wallets in memory; one of 10,000 grants takes about 2 MB."""

FIRST_BACKOFF_SECONDS = 0.005
"""About one batch's time; doubled with each retry, and jittered over the whole of it."""


SEARCH_LOCK_TIMEOUT_MILLISECONDS = 5
"""For each step of the search for what holds a batch up. Its rows are locked by then: what is waited for is rare."""

SEARCH_SECONDS = 0.1
"""After so long a search is given up: neighbours wait for it, and the side lane has the time."""


Round = Callable[[list[Work], Written], list[Work]]
"""Writes works, or some of them; returns those that have to be decided once more."""


class Writer:
    """Turns batches of works into results. Used by one thread."""

    def __init__(
        self,
        database: Database,
        terms: Terms,
        clock: DatabaseClock,
        statistics: LedgerStatistics,
        *,
        is_apart: bool = False,
    ) -> None:
        """Write through ``database``.

        One that ``is_apart`` does what others leave: works on heavy wallets, and those that hold batches up.
        """
        self._database = database
        self._terms = terms
        self._clock = clock
        self._statistics = statistics
        self._is_apart = is_apart
        self._cache = WalletCache(MAX_HEAVY_WALLETS) if is_apart else WalletCache()
        self._loader = Loader(self._cache)
        self._trust = Trust()
        self._search_end = 0.0
        self._doubted: set[Work] = set()
        self._passes: dict[Work, int] = {}

    def write(self, works: Sequence[Work]) -> Written:
        """Decide and save works; each gets its outcome, its refusal, why it could not be done, or has to be done apart.

        The first attempt trusts what is in memory.
        """
        if not self._is_apart:
            self._statistics.works += self._count_new(works)
            self._count_batch(len(works))
        return self._write_all(works)

    def _write_all(self, works: Sequence[Work], refused: AbstractSet[Work] = frozenset()) -> Written:
        written = self._write(works, self._round, refused)
        self._passes = {work: self._passes[work] for work in written.left}
        return written

    def _count_batch(self, size: int) -> None:
        self._statistics.batches += 1
        self._statistics.batch_sizes[size] += 1

    def has_left(self, work: Work) -> bool:
        """Tell whether the last batch has left a work to this one."""
        return work in self._passes

    def _count_new(self, works: Sequence[Work]) -> int:
        return len(works) - sum(work in self._passes for work in works) if self._passes else len(works)

    def write_free(self, works: Sequence[Work]) -> Written:
        """Decide and save, as in ``write``, the works whose rows nobody else holds; the others stay apart."""
        return self._write(works, lambda left, written: self._write_locked(left, SaveFailure.LOCKED, written))

    def write_share(self, works: Sequence[Work]) -> Written:
        """Decide and save, as in ``write``, as much of heavy works as fits into one batch; the others stay apart."""
        return self._write(works, self._share)

    def _share(self, works: list[Work], written: Written) -> list[Work]:
        written.apart.extend((work, Apart.HEAVY) for work in self._round(works, written))
        return []

    def _write(self, works: Sequence[Work], write_round: Round, refused: AbstractSet[Work] = frozenset()) -> Written:
        written = nothing_written()
        if not self._clock.is_read:
            written.results.extend((work, DatabaseUnavailable()) for work in works)
            return written
        self._doubted = set(refused)
        waiting = self._drop_late(works, written)
        # One turn for all: a database that hangs is not waited for once more by each try.
        return self._finish(waiting, written, write_round, Turn(BATCH_SECONDS))

    def _finish(self, waiting: list[Work], written: Written, write_round: Round, turn: Turn) -> Written:
        """Write rounds within a turn at the database until no work is left to be decided."""
        self._search_end = time.monotonic() + SEARCH_SECONDS
        with turn.taken():
            while waiting:
                waiting = write_round(waiting, written)
        for work, _ in written.apart:
            self._drop_copies(work)
        return written

    def _drop_late(self, works: Sequence[Work], written: Written) -> list[Work]:
        now = time.monotonic()
        in_time = []
        for work in works:
            if work.deadline is not None and work.deadline <= now:
                self._statistics.dropped += 1
                written.results.append((work, DeadlinePassed()))
            else:
                in_time.append(work)
        return in_time

    def _drop_copies(self, work: Work) -> None:
        for key in work.keys:
            self._cache.drop(key)

    def _round(self, works: list[Work], written: Written) -> list[Work]:
        """Write works; return those that have to be decided once more."""
        # All works of an account go one way, or the later would be decided before the earlier.
        to_load = {work.account_id for work in works if self._is_to_load(work)}
        shared = [work for work in works if self._trust.has_doubts(work.keys) and work.account_id not in to_load]
        if not shared:
            return self._write_trusting(works, written)
        others = set(works).difference(shared)
        own = [work for work in works if work in others]
        again = self._write_trusting(own, written) if own else []
        return [*again, *self._write_shared(shared, written)]

    def _is_to_load(self, work: Work) -> bool:
        return work.dry_run or work in self._doubted

    def _write_shared(self, works: list[Work], written: Written) -> list[Work]:
        """Write works on wallets that other servers write too, locked before they are loaded."""
        self._statistics.shared += self._count_new(works)
        try:
            with self._database.transaction() as connection:
                attempt = self._attempt(connection, works, Locking.SHARED)
                if makes_rows(attempt.batch.changes):
                    # Accounts are locked before wallets, never after them.
                    raise Moved  # noqa: TRY301 - it undoes the transaction.
                saved = self._save(connection, attempt.batch, commits=not is_told_of(attempt.batch.changes))
        except Exception as error:  # noqa: BLE001 - whatever it is, it must fail no more works than it has to.
            return self._recover(works, error, written)
        unsaved = self._commit(attempt, saved, written)
        again = self._leave(attempt, written)
        return [*again, *self._write_locked(unsaved, why_unsaved(saved), written)]

    def _leave(self, attempt: Attempt, written: Written) -> list[Work]:
        """Leave to the next batch what others hold; return what has to be decided once more in this one.

        A round of their own would have the callers of all others wait, and be as long for few works as for many.
        """
        if self._is_apart:
            return attempt.again
        held = attempt.batch.later
        again = [work for work in attempt.again if held.isdisjoint(work.keys)]
        left = [work for work in attempt.again if not held.isdisjoint(work.keys)]
        for work in left:
            self._passes[work] = self._passes.get(work, 0) + 1
        written.left.extend(left)
        return again

    def _write_trusting(self, works: list[Work], written: Written) -> list[Work]:
        """Write works, decided on copies in memory where there are some."""
        saved = None
        try:
            with self._database.autocommit() as connection:
                attempt = self._attempt(connection, works, Locking.NONE)
                if not self._needs_transaction(attempt.batch.changes):
                    saved = self._save(connection, attempt.batch)
            if self._needs_transaction(attempt.batch.changes):
                with self._database.transaction() as connection:
                    saved = self._save(connection, attempt.batch)
        except Exception as error:  # noqa: BLE001 - whatever it is, it must fail no more works than it has to.
            return self._recover(works, error, written)
        self._note_copies(attempt.batch.changes, saved)
        unsaved = self._commit(attempt, saved, written)
        return [*attempt.again, *self._write_locked(unsaved, why_unsaved(saved), written)]

    def _needs_transaction(self, changes: Changes) -> bool:
        """Tell whether what is to be saved takes more than one statement."""
        return needs_transaction(changes)

    def _note_copies(self, changes: Changes, saved: Saved | None) -> None:
        self._statistics.copies += len(changes.wallets)
        if saved and saved.moved:
            moved = [key for key in changes.wallets if key.account_id in saved.moved]
            self._statistics.stale_copies += len(moved)
            self._trust.doubt(moved)

    def _commit(self, attempt: Attempt, saved: Saved | None, written: Written) -> list[Work]:
        """Take over what was saved, with its answers; return the works of which nothing was."""
        unsaved = saved.unsaved if saved else NO_ACCOUNTS
        self._cache.keep(attempt.batch.changes, unsaved)
        self._trust.saved(attempt.batch.changes, unsaved)
        for key, wallet in attempt.batch.wallets.items():
            if len(wallet.grants) > HEAVY_GRANTS:
                written.heavy.add(key)
                if not self._is_apart:
                    # Without a copy the next work on it is loaded, and found to be heavy.
                    self._cache.drop(key)
        written.apart.extend(attempt.apart)
        if not unsaved:
            written.results.extend(attempt.answers)
            return []
        written.results.extend(answer for answer in attempt.answers if answer[0].account_id not in unsaved)
        left = [work for work, _ in attempt.answers if work.account_id in unsaved]
        for work in left:
            self._drop_copies(work)
        return left

    def _attempt(self, connection: Connection, works: list[Work], locking: Locking) -> Attempt:
        batch = Batch(self._terms, self._clock.now(), takes_heavy=self._is_apart)
        fresh = self._loader.fill(connection, batch, works, locking, self._doubted, self._passes)
        attempt = Attempt(batch, [], [], [])
        for work in works:
            why = batch.why_apart(work)
            if why is not None:
                attempt.apart.append((work, why))
            elif batch.is_for_later(work):
                attempt.again.append(work)
            else:
                self._decide(work, attempt, fresh=work in fresh)
        return attempt

    def _decide(self, work: Work, attempt: Attempt, *, fresh: bool) -> None:
        try:
            outcome = attempt.batch.decide(work)
        except Refusal as refusal:
            self._refused(work, refusal, attempt, final=fresh)
        else:
            self._statistics.replays += outcome.replayed
            attempt.answers.append((work, outcome))

    def _refused(self, work: Work, refusal: Refusal, attempt: Attempt, *, final: bool) -> None:
        if final:
            self._statistics.refusals += 1
            attempt.answers.append((work, refusal))
        else:
            self._statistics.doubted += 1
            self._doubted.add(work)
            attempt.again.append(work)

    def _save(self, connection: Connection, batch: Batch, *, commits: bool = False) -> Saved | None:
        started = time.perf_counter()
        saved = write_down(connection, batch, self._clock, commits=commits)
        self._statistics.save_seconds += time.perf_counter() - started
        return saved

    def _recover(self, works: list[Work], error: Exception, written: Written) -> list[Work]:
        """Do again what was not saved: locked if others were at the same rows, else in halves to find the bad one."""
        for work in works:
            self._drop_copies(work)
        failure = failure_of(error)
        if failure is SaveFailure.UNAVAILABLE and not is_of_one_server(error):
            # The other connections of the pool are most likely gone too.
            self._database.forget_connections()
        if failure is SaveFailure.TOO_SLOW:
            # Once more would take as long again, and everyone else would wait for it.
            written.results.extend((work, DatabaseUnavailable()) for work in works)
            return []
        if failure is not SaveFailure.OTHER:
            return self._write_locked(works, failure, written)
        if len(works) == 1:
            log.error("a command failed by itself", exc_info=error)
            written.results.append((works[0], error))
            return []
        middle = len(works) // 2
        return [*self._round(works[:middle], written), *self._round(works[middle:], written)]

    def _write_locked(self, works: list[Work], failure: SaveFailure, written: Written) -> list[Work]:
        """Write works that others were at too; return those that have to be decided once more."""
        again: list[Work] = []
        for retry in range(MAX_RETRIES):
            if not works:
                break
            self._statistics.conflicts += failure is SaveFailure.MOVED
            self._statistics.retries += failure is not SaveFailure.LOCKED
            if retry:
                time.sleep(random.uniform(0, FIRST_BACKOFF_SECONDS * 2**retry))  # noqa: S311 - jitter is no secret.
            # Rows that were waited for in vain are not waited for again.
            locking = Locking.FREE if failure is SaveFailure.LOCKED else Locking.WAITING
            attempt = None
            try:
                with self._database.transaction() as connection:
                    if locking is Locking.FREE:
                        wait_briefly(connection, SEARCH_LOCK_TIMEOUT_MILLISECONDS)
                    attempt = self._attempt(connection, works, locking)
                    saved = self._save(connection, attempt.batch)
            except Exception as error:  # noqa: BLE001 - whatever it is, it must fail no more works than it has to.
                failure = failure_of(error)
                if failure in {SaveFailure.OTHER, SaveFailure.TOO_SLOW}:
                    return [*again, *self._recover(works, error, written)]
                if failure is SaveFailure.LOCKED and locking is Locking.FREE:
                    return [*again, *self._search(works, attempt, written)]
            else:
                again += attempt.again
                works = self._commit(attempt, saved, written)
                failure = why_unsaved(saved)
        if failure is SaveFailure.LOCKED:
            written.apart.extend((work, Apart.LOCKED) for work in works)
        else:
            gone = failure is SaveFailure.UNAVAILABLE
            written.results.extend((work, DatabaseUnavailable() if gone else VersionConflict()) for work in works)
        return again

    def _search(self, works: list[Work], attempt: Attempt | None, written: Written) -> list[Work]:
        """Write works one of which waits for something that is no row to lock, such as one that others insert.

        What makes new rows is suspected first. In a batch it leaves at once; apart it is searched by account.
        """
        makers = [work for work in works if attempt and _makes_rows(work, attempt.batch)]
        others = [work for work in works if work not in set(makers)]
        if makers and others:
            written.apart.extend((work, Apart.LOCKED) for work in makers)
            return self._write_locked(others, SaveFailure.LOCKED, written)
        accounts = sorted({work.account_id for work in works})
        if len(accounts) == 1 or time.monotonic() > self._search_end:
            why = Apart.STUCK if len(accounts) == 1 else Apart.LOCKED
            written.apart.extend((work, why) for work in works)
            return []
        first = set(accounts[: len(accounts) // 2])
        halves = [w for w in works if w.account_id in first], [w for w in works if w.account_id not in first]
        return [work for half in halves for work in self._write_locked(half, SaveFailure.LOCKED, written)]


def _makes_rows(work: Work, batch: Batch) -> bool:
    """Tell whether a work opens an account or a wallet."""
    bases = batch.changes.base_versions
    return work.account_id in batch.changes.opened or any(bases.get(key) == 0 for key in work.keys)
