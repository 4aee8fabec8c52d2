"""Reserve and Deduct: credits leave the available balance in spend order, or an unlimited plan covers them."""

from creditd.domain import errors
from creditd.domain.commands import Deduct, Reserve
from creditd.domain.entry import EntryKind
from creditd.domain.grants import take
from creditd.domain.instant import SECOND, Instant
from creditd.domain.reservation import Reservation, ReservationState
from creditd.domain.wallet import Movement, Rules, Shift, Wallet, moved


def resolve_expiry(expire_time: Instant | None, ttl: int | None, now: Instant, rules: Rules) -> Instant:
    """Turn a stated instant or lifetime, or neither, into an expire time.

    Raises ExpiryInPast for an instant that is not after now, ExpiryOutOfRange for a lifetime (µs) of no length, and for
    an end beyond the maximum.
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
    """Take an amount, to hold it or to spend it at once. An unlimited plan covers it without taking anything.

    Raises InsufficientCredit if the available balance does not cover it.
    """
    if wallet.account.has_unlimited_plan(now):
        return Shift(0, 0, wallet.grants)
    wallet.require_available(amount)
    taken = take(wallet.grants, amount)
    return Shift(-amount, amount if hold else 0, taken.live, taken.changed, taken.slices)


def reserve(wallet: Wallet, command: Reserve, now: Instant, rules: Rules) -> Movement:
    """Hold an amount.

    Raises InsufficientCredit, ExpiryInPast, ExpiryOutOfRange, AccountSuspended, AccountClosed, VersionMismatch.
    """
    wallet.account.require_spending()
    wallet.require_version(command.version)
    amount = command.amount
    expire_time = resolve_expiry(command.expire_time, command.ttl, now, rules)
    shift = take_from(wallet, amount, now, hold=True)
    reservation = Reservation(
        wallet.account.account_id,
        wallet.credit_type,
        command.reservation_id,
        ReservationState.PENDING,
        amount,
        0,
        0,
        not shift.slices,
        shift.slices,
        expire_time,
        now,
        now,
        command.origin.reason,
        command.origin.metadata,
    )
    return moved(wallet, EntryKind.RESERVE, amount, shift, command.origin, now, reservation)


def deduct(wallet: Wallet, command: Deduct, now: Instant) -> Movement:
    """Spend an amount at once. Raises InsufficientCredit, AccountSuspended, AccountClosed, VersionMismatch."""
    wallet.account.require_spending()
    wallet.require_version(command.version)
    amount = command.amount
    shift = take_from(wallet, amount, now, hold=False)
    reservation = Reservation(
        wallet.account.account_id,
        wallet.credit_type,
        command.reservation_id,
        ReservationState.CONFIRMED,
        amount,
        amount,
        0,
        not shift.slices,
        shift.slices,
        None,
        now,
        now,
        command.origin.reason,
        command.origin.metadata,
    )
    return moved(wallet, EntryKind.DEDUCT, amount, shift, command.origin, now, reservation)
