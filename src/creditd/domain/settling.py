"""Confirm, Refund and Extend: what becomes of a reservation."""

from creditd.domain import errors
from creditd.domain.commands import Confirm, Extend, Refund
from creditd.domain.debt import pay_debt
from creditd.domain.entry import EntryKind
from creditd.domain.grants import NO_GRACES, Graces, Slice, give_back, in_spend_order, mark_returned, unwind
from creditd.domain.instant import Instant
from creditd.domain.reservation import Reservation, ReservationState
from creditd.domain.spending import resolve_expiry, take_from
from creditd.domain.wallet import Movement, Rules, Shift, Wallet, moved


def returning(
    wallet: Wallet, slices: tuple[Slice, ...], held: int, now: Instant, rules: Rules, graces: Graces
) -> Shift:
    """Give slices back to their grants, ending a hold of ``held`` credits; purchased ones pay a debt first."""
    if not slices:
        return Shift(0, -held, wallet.grants)
    grants = {grant.grant_id: grant for grant in wallet.grants}
    returned = give_back(grants, graces, slices, now=now, grace=rules.grace)
    grants.update((grant.grant_id, grant) for grant in returned.changed)
    paid = pay_debt(wallet.debt, in_spend_order(tuple(grants.values()), rules.order), returned.changed)
    amount = sum(part.amount for part in slices)
    return Shift(amount - paid.amount, -held, paid.live, paid.changed, slices, -paid.amount, graces=returned.graces)


def confirm(
    wallet: Wallet, held: Reservation, command: Confirm, now: Instant, rules: Rules, graces: Graces = NO_GRACES
) -> Movement:
    """Spend what is held, or less, or with ``allow_excess`` more.

    A suspended account may spend what it held before, since that work is done; the excess counts as new spending.
    Raises ReservationExpired, ReservationStateUnfit, AmountExceedsReservation, InsufficientCredit, AccountSuspended,
    AccountClosed, VersionMismatch.
    """
    wallet.account.require_open()
    held.require_pending()
    wallet.require_version(command.version)
    amount = held.amount if command.amount is None else command.amount
    if amount > held.amount:
        shift, slices = _confirm_excess(wallet, held, command, amount - held.amount, now)
    else:
        unwound = unwind(held.slices, held.amount - amount) if held.slices else None
        given_back, slices = unwound or ((), ())
        shift = returning(wallet, given_back, held.held, now, rules, graces)
    confirmed = held._replace(state=ReservationState.CONFIRMED, captured=amount, slices=slices, update_time=now)
    shift = shift._replace(slices=slices)
    return moved(wallet, EntryKind.CONFIRM, amount, shift, command.origin, now, confirmed)


def _confirm_excess(
    wallet: Wallet, held: Reservation, command: Confirm, excess: int, now: Instant
) -> tuple[Shift, tuple[Slice, ...]]:
    if not command.allow_excess:
        raise errors.AmountExceedsReservation(requested=held.amount + excess, reserved=held.amount)
    wallet.account.require_spending()
    shift = take_from(wallet, excess, now, hold=False)
    return shift._replace(reserved=-held.held), held.slices + shift.slices


def refund(
    wallet: Wallet, reservation: Reservation, command: Refund, now: Instant, rules: Rules, graces: Graces = NO_GRACES
) -> Movement:
    """Give back a pending reservation whole, or part or all of a confirmed one.

    Raises ReservationExpired, ReservationStateUnfit, AmountExceedsCaptured, AccountClosed, VersionMismatch.
    """
    wallet.account.require_open()
    if reservation.state == ReservationState.CONFIRMED:
        wallet.require_version(command.version)
        return _refund_confirmed(wallet, reservation, command, now, rules, graces)
    reservation.require_pending()
    wallet.require_version(command.version)
    if command.amount not in (None, reservation.amount):
        raise errors.ReservationStateUnfit(reservation=reservation.name, state=reservation.state.name)
    shift = returning(wallet, reservation.slices[::-1], reservation.held, now, rules, graces)
    ended = reservation._replace(state=ReservationState.REFUNDED, update_time=now)
    return moved(wallet, EntryKind.REFUND, reservation.amount, shift, command.origin, now, ended)


def _refund_confirmed(
    wallet: Wallet, spent: Reservation, command: Refund, now: Instant, rules: Rules, graces: Graces
) -> Movement:
    refundable = spent.captured - spent.refunded
    amount = refundable if command.amount is None else command.amount
    if amount > refundable or not amount:
        raise errors.AmountExceedsCaptured(requested=amount, refundable=refundable)
    given_back, slices = mark_returned(spent.slices, amount - min(amount, _covered_last(spent)))
    wallet.require_room(sum(part.amount for part in given_back))
    shift = returning(wallet, given_back, 0, now, rules, graces)
    refunded = spent._replace(refunded=spent.refunded + amount, slices=slices, update_time=now)
    return moved(wallet, EntryKind.REFUND, amount, shift, command.origin, now, refunded)


def _covered_last(spent: Reservation) -> int:
    """Return how much of what can be refunded an unlimited plan covered after credits had been taken.

    It is an excess over a hold, and the last part of the spending: the first that a refund undoes, without credits.
    """
    if spent.unlimited:
        return 0
    return max(0, spent.captured - spent.refunded - sum(part.amount for part in spent.slices))


def extend(wallet: Wallet, held: Reservation, command: Extend, now: Instant, rules: Rules) -> Movement:
    """Give a pending reservation more time, never less.

    Raises ReservationExpired, ReservationStateUnfit, ExpiryInPast, ExpiryOutOfRange, AccountSuspended, AccountClosed.
    """
    wallet.account.require_spending()
    held.require_pending()
    expire_time = resolve_expiry(command.expire_time, command.ttl, now, rules)
    if held.expire_time is not None and held.expire_time > expire_time:
        expire_time = held.expire_time
    shift = Shift(0, 0, wallet.grants, slices=held.slices)
    extended = held._replace(expire_time=expire_time, update_time=now)
    return moved(wallet, EntryKind.EXTEND, held.amount, shift, command.origin, now, extended)
