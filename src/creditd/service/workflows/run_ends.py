"""How a run ends: its row, and its credits, in one transaction."""

from creditd.domain.commands import Confirm, Refund
from creditd.domain.errors import (
    AccountClosed,
    ReservationConfirmed,
    ReservationExpired,
    ReservationNotFound,
    ReservationRefunded,
)
from creditd.domain.wallet import SYSTEM, Origin
from creditd.domain.workflows.run import Run, Verdict, charge_of, ended, spent_by
from creditd.ledger.transaction import Transaction
from creditd.ledger.work import Step
from creditd.storage.reservations import load_reservations
from creditd.storage.workflows import runs
from creditd.storage.workflows.run_leases import Lease

HOLD_IS_OVER = (ReservationConfirmed, ReservationRefunded, ReservationExpired, ReservationNotFound, AccountClosed)
"""Refusals that tell that others have ended a hold: there is nothing left to spend of it, or to give back."""


def settle(transaction: Transaction, lease: Lease, verdict: Verdict) -> Run | None:
    """End a run by a verdict, if the lease is still ours; else another one decides, and this changes nothing.

    Return the run as it has ended; None if it was not ours to end.
    """
    run = runs.lock(transaction.connection, lease.key)
    if run is None or run.lease != lease.number or not run.is_open:
        return None
    return end_run(transaction, run, verdict, SYSTEM)


def end_run(transaction: Transaction, run: Run, verdict: Verdict, origin: Origin) -> Run:
    """End a run whose row is held: spend what the verdict costs, and give the rest back. Raises RequestIdReused.

    Where others have ended its hold, the run tells what has become of that.
    """
    charge = charge_of(run, verdict)
    command = Confirm(origin, run.run_id, charge) if charge else Refund(origin, run.run_id, pending_only=True)
    try:
        transaction.perform(run.account_id, origin, (Step(run.wallet, command),))
        spent = charge
    except HOLD_IS_OVER:
        found = load_reservations(transaction.connection, [run.hold])
        spent = spent_by(found[run.hold]) if found else 0
    after = ended(run, verdict, spent, transaction.now)
    runs.write(transaction.connection, after)
    return after
