"""Holds: Reserve, Deduct, Confirm, Refund and Extend.

Credits leave the available balance in spend order, unless an unlimited plan covers them; what is not used is returned.
"""

from creditd.domain import errors
from creditd.domain.commands import Confirm, Deduct, Extend, Refund, Reserve
from creditd.domain.entry import EntryKind
from creditd.domain.grants import (
    NO_GRACES,
    Graces,
    Slice,
    give_back,
    in_spend_order,
    mark_returned,
    pay_debt,
    take,
    unwind,
)
from creditd.domain.instant import SECOND, Instant
from creditd.domain.reservation import Reservation, ReservationState
from creditd.domain.wallet import Movement, Rules, Shift, Wallet, moved


def resolve_expiry(expire_time: Instant | None, ttl: int | None, now: Instant, rules: Rules) -> Instant:
    """Return the expire time for a stated instant, a lifetime (µs) or neither.

    Raises ExpiryInPast for an instant that is not after now; ExpiryOutOfRange for a lifetime that is not more than
    zero, and for an end beyond the maximum.
    """
    if expire_time is None:
        expire_time = Instant(now + (rules.default_ttl if ttl is None else ttl))
        field = "ttl"
    else:
        errors.require_future("expire_time", expire_time, now)
        field = "expire_time"
    if not now < expire_time <= now + rules.max_ttl:
        raise errors.ExpiryOutOfRange(field=field, maximum_seconds=rules.max_ttl // SECOND)
    return expire_time


def take_from(wallet: Wallet, amount: int, now: Instant, *, hold: bool) -> Shift:
    """Take an amount, to hold it or to spend it at once. Under an unlimited plan nothing is taken.

    Raises InsufficientCredit if the available balance does not cover it.
    """
    if wallet.account.has_unlimited_plan(now):
        return Shift(available=0, reserved=0, live=wallet.grants)
    wallet.require_available(amount)
    taken = take(wallet.grants, amount)
    return Shift(-amount, amount if hold else 0, taken.live, taken.changed, taken.slices)


def reserve(wallet: Wallet, command: Reserve, now: Instant, rules: Rules) -> Movement:
    """Hold an amount.

    Raises InsufficientCredit, LimitExceeded, ExpiryInPast, ExpiryOutOfRange, AccountSuspended, AccountClosed,
    VersionMismatch.
    """
    wallet.account.require_spending()
    wallet.require_version(command.version)
    expire_time = resolve_expiry(command.expire_time, command.ttl, now, rules)
    amount = command.amount
    wallet.require_allowed(command.spender_id, amount, amount, now, rules)
    shift = take_from(wallet, amount, now, hold=True)
    held = _new_reservation(wallet, command, shift, now, expire_time)
    return moved(wallet, EntryKind.RESERVE, amount, shift, command.origin, now, held, amount)


def deduct(wallet: Wallet, command: Deduct, now: Instant, rules: Rules) -> Movement:
    """Spend an amount at once.

    Raises InsufficientCredit, LimitExceeded, AccountSuspended, AccountClosed, VersionMismatch.
    """
    wallet.account.require_spending()
    wallet.require_version(command.version)
    amount = command.amount
    wallet.require_allowed(command.spender_id, amount, amount, now, rules)
    shift = take_from(wallet, amount, now, hold=False)
    pending = _new_reservation(wallet, command, shift, now, expire_time=None)
    spent = pending._replace(state=ReservationState.CONFIRMED, confirmed=amount)
    return moved(wallet, EntryKind.DEDUCT, amount, shift, command.origin, now, spent, amount)


def _new_reservation(
    wallet: Wallet, command: Reserve | Deduct, shift: Shift, now: Instant, expire_time: Instant | None
) -> Reservation:
    """Return a pending reservation for what a shift takes."""
    origin, slices = command.origin, shift.slices
    return Reservation(
        wallet.account.account_id,
        wallet.credit_type,
        command.reservation_id,
        ReservationState.PENDING,
        command.amount,
        0,
        0,
        not slices,
        slices,
        expire_time,
        now,
        now,
        origin.reason,
        origin.metadata,
        command.spender_id,
    )


def returning(
    wallet: Wallet, slices: tuple[Slice, ...], held: int, now: Instant, rules: Rules, graces: Graces
) -> Shift:
    """Return slices to their grants and end a hold of ``held`` credits; purchased credits pay debt first."""
    if not slices:
        return Shift(available=0, reserved=-held, live=wallet.grants)
    grants = {grant.grant_id: grant for grant in wallet.grants}
    returned = give_back(grants, graces, slices, now=now, grace=rules.grace)
    grants.update((grant.grant_id, grant) for grant in returned.changed)
    paid = pay_debt(wallet.debt, in_spend_order(tuple(grants.values()), rules.order), returned.changed)
    amount = sum(part.amount for part in slices)
    return Shift(
        available=amount - paid.amount,
        reserved=-held,
        live=paid.live,
        changed=paid.changed,
        slices=slices,
        debt=-paid.amount,
        graces=returned.graces,
    )


def confirm(
    wallet: Wallet, held: Reservation, command: Confirm, now: Instant, rules: Rules, graces: Graces = NO_GRACES
) -> Movement:
    """Spend what is held, or less; more only with ``allow_excess``.

    A suspended account may still spend what it has reserved, since the work is done; an excess counts as new spending.
    Raises ReservationConfirmed, ReservationRefunded, ReservationExpired, AmountExceedsReservation, InsufficientCredit,
    LimitExceeded, AccountSuspended, AccountClosed, VersionMismatch.
    """
    wallet.account.require_open()
    held.require_pending()
    wallet.require_version(command.version)
    amount = held.amount if command.amount is None else command.amount
    if amount > held.amount:
        shift, slices = _confirm_excess(wallet, held, command, amount - held.amount, now, rules)
    else:
        unwound = unwind(held.slices, held.amount - amount) if held.slices else None
        given_back, slices = unwound or ((), ())
        shift = returning(wallet, given_back, held.held, now, rules, graces)
    confirmed = held._replace(state=ReservationState.CONFIRMED, confirmed=amount, slices=slices, update_time=now)
    shift = shift._replace(slices=slices)
    return moved(wallet, EntryKind.CONFIRM, amount, shift, command.origin, now, confirmed, amount - held.amount)


def _confirm_excess(
    wallet: Wallet, held: Reservation, command: Confirm, excess: int, now: Instant, rules: Rules
) -> tuple[Shift, tuple[Slice, ...]]:
    if not command.allow_excess:
        raise errors.AmountExceedsReservation(
            credit_type=wallet.credit_type, requested=held.amount + excess, reserved=held.amount
        )
    wallet.account.require_spending()
    wallet.require_allowed(held.spender_id, excess, held.amount + excess, now, rules)
    shift = take_from(wallet, excess, now, hold=False)
    return shift._replace(reserved=-held.held), held.slices + shift.slices


def refund(
    wallet: Wallet, reservation: Reservation, command: Refund, now: Instant, rules: Rules, graces: Graces = NO_GRACES
) -> Movement:
    """Refund a pending reservation whole, or a confirmed one in part or whole.

    Raises ReservationRefunded, ReservationExpired, ReservationConfirmed where only a pending one is to be refunded,
    ReservationPending for part of a pending one, AmountExceedsConfirmed, AccountClosed, VersionMismatch.
    """
    wallet.account.require_open()
    if reservation.state == ReservationState.CONFIRMED and not command.pending_only:
        wallet.require_version(command.version)
        return _refund_confirmed(wallet, reservation, command, now, rules, graces)
    reservation.require_pending()
    wallet.require_version(command.version)
    if command.amount not in (None, reservation.amount):
        requested = command.amount or 0
        raise errors.ReservationPending(
            credit_type=wallet.credit_type,
            reservation=reservation.name,
            requested=requested,
            reserved=reservation.amount,
        )
    shift = returning(wallet, reservation.slices[::-1], reservation.held, now, rules, graces)
    ended = reservation._replace(state=ReservationState.REFUNDED, update_time=now)
    amount = reservation.amount
    return moved(wallet, EntryKind.REFUND, amount, shift, command.origin, now, ended, -amount)


def _refund_confirmed(
    wallet: Wallet, spent: Reservation, command: Refund, now: Instant, rules: Rules, graces: Graces
) -> Movement:
    refundable = spent.confirmed - spent.refunded
    amount = refundable if command.amount is None else command.amount
    if amount > refundable or not amount:
        raise errors.AmountExceedsConfirmed(credit_type=wallet.credit_type, requested=amount, refundable=refundable)
    given_back, slices = mark_returned(spent.slices, amount - min(amount, _covered_last(spent)))
    wallet.require_room(sum(part.amount for part in given_back))
    shift = returning(wallet, given_back, 0, now, rules, graces)
    refunded = spent._replace(refunded=spent.refunded + amount, slices=slices, update_time=now)
    return moved(wallet, EntryKind.REFUND, amount, shift, command.origin, now, refunded, -amount)


def _covered_last(spent: Reservation) -> int:
    """Return how much of the refundable amount an unlimited plan covered, beside credits that were taken.

    It is the excess over a hold. As the last part of the spending it is refunded first, and no credits return for it.
    """
    if spent.unlimited:
        return 0
    return max(0, spent.confirmed - spent.refunded - sum(part.amount for part in spent.slices))


def extend(wallet: Wallet, held: Reservation, command: Extend, now: Instant, rules: Rules) -> Movement:
    """Give a pending reservation more time, never less.

    Raises ReservationConfirmed, ReservationRefunded, ReservationExpired, ExpiryInPast, ExpiryOutOfRange,
    AccountSuspended, AccountClosed, VersionMismatch.
    """
    wallet.account.require_spending()
    held.require_pending()
    wallet.require_version(command.version)
    expire_time = resolve_expiry(command.expire_time, command.ttl, now, rules)
    if held.expire_time is not None and held.expire_time > expire_time:
        expire_time = held.expire_time
    shift = Shift(available=0, reserved=0, live=wallet.grants, slices=held.slices)
    extended = held._replace(expire_time=expire_time, update_time=now)
    return moved(wallet, EntryKind.EXTEND, held.amount, shift, command.origin, now, extended)
