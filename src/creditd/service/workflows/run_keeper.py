"""What a server does with runs, in transactions: takes them, keeps them, puts them off, ends them. All of it blocks.

Every method may be repeated, by any server: what is no longer ours is left alone.
"""

import logging
import random
from collections.abc import Collection, Sequence
from typing import Final, NamedTuple

from creditd.domain.commands import Extend
from creditd.domain.errors import Refusal
from creditd.domain.instant import SECOND, Instant
from creditd.domain.reservation import ReservationKey, ReservationState
from creditd.domain.wallet import SYSTEM
from creditd.domain.workflows.run import Run, RunKey, Verdict, hold_ttl, next_attempt_time, next_telling_time
from creditd.ledger.clock import DatabaseClock
from creditd.ledger.transaction import Transaction, TransactionLedger
from creditd.ledger.work import Step
from creditd.service.workflows.run_ends import settle
from creditd.storage.database import Connection, Database
from creditd.storage.locks import wait_briefly
from creditd.storage.reservations import load_light_reservations
from creditd.storage.workflows import run_leases, runs
from creditd.storage.workflows.run_leases import Lease, Room, RunBacklog


class LeaseStanding(NamedTuple):
    """What a renewal has found of a run: whether it is ours, and whether its credits are held."""

    is_ours: bool
    is_held: bool


log = logging.getLogger(__name__)

LEASE_SECONDS: Final = 15.0
"""How long a run waits for a server that has died, and for how long a database may be away before others look at it."""

TELLING_LEASE_SECONDS: Final = 60.0
"""How long a server may take to tell an executor that a run was given up: more than its tries together."""

_LEASE: Final = int(LEASE_SECONDS * SECOND)

_TELLING_LEASE: Final = int(TELLING_LEASE_SECONDS * SECOND)


class RunKeeper:
    """Takes runs to work on, and ends them. Raises DatabaseUnavailable, VersionConflict, RecordBusy."""

    def __init__(self, database: Database, ledger: TransactionLedger, clock: DatabaseClock, max_ttl: int) -> None:
        """Work on runs of ``database``; ``max_ttl`` is the longest hold (µs) that is configured."""
        self._database = database
        self._ledger = ledger
        self._clock = clock
        self.max_ttl = max_ttl

    @property
    def now(self) -> Instant:
        """The instant that leases and deadlines go by."""
        return self._clock.now()

    def claim(self, room: Room) -> tuple[list[Run], set[RunKey]]:
        """Take runs that are due, for which there is room, for LEASE_SECONDS; return also those whose credits are held.

        Nothing is run without credit: others may have ended a hold since.
        """
        now = self.now
        with self._database.transaction() as connection:
            taken = run_leases.claim(connection, room, now, Instant(now + _LEASE))
            covered = _held(connection, [run.hold for run in taken])
            return taken, {run.key for run in taken if run.hold in covered}

    def renew(self, leases: Sequence[Lease]) -> dict[RunKey, LeaseStanding]:
        """Renew leases for LEASE_SECONDS, and write progress; return what is found of each run."""
        now = self.now
        with self._database.transaction() as connection:
            ours = run_leases.renew(connection, leases, now, Instant(now + _LEASE))
            covered = _held(connection, [lease.hold for lease in leases if lease.key in ours])
        return {lease.key: LeaseStanding(lease.key in ours, lease.hold in covered) for lease in leases}

    def release(self, leases: Sequence[Lease]) -> None:
        """Give leases back."""
        with self._database.transaction() as connection:
            wait_briefly(connection)
            run_leases.release(connection, leases, self.now)

    def settle(self, lease: Lease, verdict: Verdict) -> Run | None:
        """End a run by a verdict, and its hold with it; return it, or None if it was not ours to end."""
        return self._ledger.transact(lambda transaction: settle(transaction, lease, verdict))

    def put_off(self, lease: Lease, run: Run) -> None:
        """Have a run tried again later, since its executor was not reached."""
        now = self.now
        due_time = next_attempt_time(run, now, random.random())  # noqa: S311 - jitter is no secret.
        with self._database.transaction() as connection:
            wait_briefly(connection)
            run_leases.put_off(connection, lease, due_time, now)

    def extend(self, lease: Lease) -> Instant | None:
        """Extend a run's hold as far as it is needed and allowed; return its end, or None if it stays as it is."""
        return self._ledger.transact(lambda transaction: self._extend(transaction, lease))

    def _extend(self, transaction: Transaction, lease: Lease) -> Instant | None:
        run = runs.lock(transaction.connection, lease.key)
        if run is None or run.lease != lease.number or not run.is_open:
            return None
        ttl = hold_ttl(run.deadline - transaction.now, self.max_ttl)
        try:
            outcome = transaction.perform(
                run.account_id, SYSTEM, (Step(run.wallet, Extend(SYSTEM, run.run_id, ttl=ttl)),)
            )
        except Refusal as refusal:
            # The account is suspended, or others have ended the hold: the run ends by what is true then.
            log.info("the hold of a run is not extended", extra={"run": run.name, "reason": refusal.reason})
            return None
        (reservation,) = outcome.reservations
        if reservation is None or reservation.expire_time is None:
            return None
        runs.write(transaction.connection, run._replace(hold_expire_time=reservation.expire_time))
        return reservation.expire_time

    def claim_untold(self, most: int) -> list[Run]:
        """Take runs whose executors are to be told that they were given up."""
        now = self.now
        with self._database.transaction() as connection:
            return run_leases.claim_untold(connection, now, Instant(now + _TELLING_LEASE), most)

    def note_telling(self, run: Run, *, is_told: bool) -> None:
        """Note whether a run's executor knows that it was given up; if not, it is told again later, for a day."""
        due_time = None if is_told else next_telling_time(run, self.now, random.random())  # noqa: S311 - as above.
        with self._database.transaction() as connection:
            wait_briefly(connection)
            run_leases.note_telling(connection, run.key, due_time)

    def versions(self, keys: Collection[RunKey]) -> dict[RunKey, int]:
        """Return the versions of those runs that there are. One query serves all watchers."""
        with self._database.autocommit() as connection:
            return runs.versions(connection, keys)

    def backlog(self) -> RunBacklog:
        """Return what there is to do, in all of the database."""
        with self._database.autocommit() as connection:
            return run_leases.backlog(connection, self.now)


def _held(connection: Connection, holds: Sequence[ReservationKey]) -> set[ReservationKey]:
    """Return those of holds that were not ended. One with many slices is not read, and left to the run's end."""
    if not holds:
        return set()
    light = load_light_reservations(connection, holds)
    return light.heavy | {key for key, hold in light.found.items() if hold.state is ReservationState.PENDING}
