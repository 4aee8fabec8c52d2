"""The entry point to the rules: a wallet, a command and an instant give a movement or a refusal."""

from creditd.domain import errors
from creditd.domain.adjustments import add, claw_back, remove, restore, write_off
from creditd.domain.commands import (
    Add,
    Clawback,
    Command,
    Confirm,
    Deduct,
    Extend,
    Refund,
    Remove,
    Reserve,
    Restore,
    WriteOff,
)
from creditd.domain.grants import NO_GRACES, Graces
from creditd.domain.holds import confirm, deduct, extend, refund, reserve
from creditd.domain.instant import Instant
from creditd.domain.reservation import Reservation, reservation_name
from creditd.domain.wallet import Movement, Rules, Wallet


def decide(
    wallet: Wallet,
    reservation: Reservation | None,
    command: Command,
    now: Instant,
    rules: Rules,
    graces: Graces = NO_GRACES,
) -> Movement:
    """Decide a command on a wallet that is settled at ``now`` (see :mod:`creditd.domain.expiry`).

    ``reservation`` is the one that the command names; None if it names none or there is no such reservation. ``graces``
    are the graces of the reservation's grants that are no longer live. The function is pure and total: it returns a
    movement or raises a :class:`creditd.domain.errors.Refusal`. Credits returned to a grant whose grace is over lapse
    right after the movement (:func:`creditd.domain.expiry.lapse_late`).
    """
    match command:
        case Reserve():
            return reserve(wallet, command, now, rules)
        case Deduct():
            return deduct(wallet, command, now, rules)
        case Add():
            return add(wallet, command, now, rules)
        case Remove():
            return remove(wallet, command, now)
        case Confirm() | Refund() | Extend():
            if reservation is None:
                name = reservation_name(wallet.account.account_id, wallet.credit_type, command.reservation_id)
                raise errors.ReservationNotFound(reservation=name)
            return _decide_on_reservation(wallet, reservation, command, now, rules, graces)
        case Clawback() | Restore() | WriteOff():
            return _decide_on_debt(wallet, command, now, rules)


def _decide_on_reservation(
    wallet: Wallet,
    reservation: Reservation,
    command: Confirm | Refund | Extend,
    now: Instant,
    rules: Rules,
    graces: Graces,
) -> Movement:
    match command:
        case Confirm():
            return confirm(wallet, reservation, command, now, rules, graces)
        case Refund():
            return refund(wallet, reservation, command, now, rules, graces)
        case Extend():
            return extend(wallet, reservation, command, now, rules)


def _decide_on_debt(wallet: Wallet, command: Clawback | Restore | WriteOff, now: Instant, rules: Rules) -> Movement:
    match command:
        case Clawback():
            return claw_back(wallet, command, now)
        case Restore():
            return restore(wallet, command, now, rules)
        case WriteOff():
            return write_off(wallet, command, now)
