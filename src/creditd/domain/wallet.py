"""The wallet: one account's balance in one credit type, and the movement from one state of it to the next."""

from typing import NamedTuple

from creditd.domain import errors
from creditd.domain.account import Account
from creditd.domain.entry import Entry, EntryKind, ReservationAfter
from creditd.domain.grants import Grace, Grant, Slice, Source, SpendOrder, first_expiry
from creditd.domain.instant import SECOND, Instant, earliest
from creditd.domain.limits import NO_USAGE, Limit, Spending, Usage, count, in_force, require_within
from creditd.domain.reservation import Reservation, ReservationState

MAX_BALANCE = 2**63 - 1
"""The most that available plus reserved may be: the largest int64, on the wire and in the rows."""


class WalletKey(NamedTuple):
    """The key of a wallet: one account, one credit type."""

    account_id: str
    credit_type: str

    @classmethod
    def of_account(cls, account_id: str) -> "WalletKey":
        """Return the key that stands for an account alone. No wallet has it: no credit type has an empty code."""
        return cls(account_id, "")


class Rules(NamedTuple):
    """The configuration that decisions depend on. Times are in microseconds."""

    order: SpendOrder = (Source.FREE, Source.PROMO, Source.ADMIN, Source.PURCHASED)
    default_ttl: int = 300 * SECOND
    max_ttl: int = 86_400 * SECOND
    grace: int = 86_400 * SECOND
    limits: tuple[Limit, ...] = ()
    """What binds accounts that have no limits of their own on the same movements."""


class Wallet(NamedTuple):
    """One account's balance in one credit type.

    ``grants`` are those with something left to spend, in spend order. ``next_expire_time`` is no later than the first
    instant at which one of them, or a pending reservation, expires. ``usage`` are the counts that its limits go by, of
    the spenders that are decided on; None if none of its limits needs them, or if it was only loaded to be read.
    """

    account: Account
    credit_type: str
    version: int
    available: int
    reserved: int
    debt: int
    grants: tuple[Grant, ...]
    next_expire_time: Instant | None
    update_time: Instant
    usage: Usage | None = None

    def is_settled(self, now: Instant) -> bool:
        """Tell whether nothing is due to expire at this instant."""
        return self.next_expire_time is None or now < self.next_expire_time

    def require_version(self, stated: int | None) -> None:
        """Raise VersionMismatch if ``version`` is stated and is not the wallet's."""
        if stated is not None and stated != self.version:
            raise errors.VersionMismatch(stated=stated, current=self.version)

    def require_available(self, amount: int) -> None:
        """Raise InsufficientCredit unless the available balance covers the amount."""
        if self.available < amount:
            raise errors.InsufficientCredit(credit_type=self.credit_type, required=amount, available=self.available)

    def require_room(self, amount: int) -> None:
        """Raise BalanceTooLarge if adding the amount would exceed an int64."""
        total = self.available + self.reserved
        if total + amount > MAX_BALANCE:
            raise errors.BalanceTooLarge(credit_type=self.credit_type, amount=amount, total=total, maximum=MAX_BALANCE)

    def require_allowed(self, spender_id: str, amount: int, total: int, now: Instant, rules: Rules) -> None:
        """Raise LimitExceeded if a limit of the account, or a default one, does not allow to spend an amount more.

        ``total`` is what the reservation then comes to.
        """
        # Most accounts have none: they are told by this alone.
        if self.account.limits or rules.limits:
            limits = in_force(self.account.limits, rules.limits, self.credit_type)
            spending = Spending(self.credit_type, spender_id, amount, total)
            require_within(limits, self.usage or NO_USAGE, spending, now)


def new_wallet(account: Account, credit_type: str) -> Wallet:
    """Return a wallet before its first movement."""
    return Wallet(
        account=account,
        credit_type=credit_type,
        version=0,
        available=0,
        reserved=0,
        debt=0,
        grants=(),
        next_expire_time=None,
        update_time=account.create_time,
    )


class Origin(NamedTuple):
    """Who asked for a movement, under which request id, and why.

    ``request_id`` is None for what the service does on its own. ``metadata`` is a JSON object of strings, or empty.
    ``correlation_id`` is the caller's, empty if it stated none.
    """

    actor: str
    request_id: str | None = None
    fingerprint: int = 0
    reason: str = ""
    metadata: str = ""
    ordinal: int = 0
    correlation_id: str = ""


SYSTEM = Origin(actor="system")


class NewGrant(NamedTuple):
    """A grant as it was added; ``amount`` is before any debt was paid from it."""

    grant_id: str
    source: Source
    amount: int
    expire_time: Instant | None


class Movement(NamedTuple):
    """The outcome of a command: the new wallet, the entry to append, and all else that changes."""

    wallet: Wallet
    entry: Entry
    changed: tuple[Grant, ...] = ()
    granted: NewGrant | None = None
    reservation: Reservation | None = None


class Shift(NamedTuple):
    """How a movement changes the figures and grants of a wallet."""

    available: int
    reserved: int
    live: tuple[Grant, ...]
    changed: tuple[Grant, ...] = ()
    slices: tuple[Slice, ...] = ()
    debt: int = 0
    granted: NewGrant | None = None
    graces: tuple[Grace, ...] = ()


def moved(
    wallet: Wallet,
    kind: EntryKind,
    amount: int,
    shift: Shift,
    origin: Origin,
    now: Instant,
    reservation: Reservation | None = None,
    spent: int = 0,
) -> Movement:
    """Build the movement that applies a shift to a wallet; its version rises by exactly one.

    ``spent`` is what it counts for limits, below zero if it is given back.
    """
    # Every movement passes here. Values of many fields are taken apart and made by position: by name takes twice as
    # long.
    account, credit_type, version, available, reserved, debt, _, _, update_time, usage = wallet
    available_delta, reserved_delta, live, changed, slices, debt_delta, granted, graces = shift
    actor, request_id, fingerprint, reason, metadata, ordinal, correlation_id = origin
    version += 1
    available += available_delta
    reserved += reserved_delta
    debt += debt_delta
    # The entries of a wallet never go back in time, even if the clocks of two servers differ.
    time = max(update_time, now)
    hour_delta = day_delta = 0
    if usage is not None and spent and reservation is not None:
        usage, reservation, hour_delta, day_delta = _counted(usage, reservation, spent, time)
    entry = Entry(
        account.account_id,
        credit_type,
        version,
        kind,
        amount,
        available_delta,
        reserved_delta,
        debt_delta,
        available,
        reserved,
        debt,
        slices,
        None if reservation is None else _as_recorded(reservation),
        request_id,
        ordinal,
        fingerprint,
        actor,
        reason,
        metadata,
        time,
        graces,
        "" if reservation is None else reservation.spender_id,
        hour_delta,
        day_delta,
        correlation_id,
    )
    next_expire_time = _next_expire_time(wallet, shift, reservation)
    after = Wallet(account, credit_type, version, available, reserved, debt, live, next_expire_time, time, usage)
    return Movement(after, entry, changed, granted, reservation)


def _counted(usage: Usage, reservation: Reservation, spent: int, time: Instant) -> tuple[Usage, Reservation, int, int]:
    """Return counts and reservation once so much more is counted, and by how much the hour and the day changed."""
    counts, part, hour_delta, day_delta = count(usage, reservation.spender_id, reservation.counted, spent, time)
    if not day_delta:
        return usage, reservation, hour_delta, day_delta
    return counts, reservation._replace(counted=part), hour_delta, day_delta


def _as_recorded(reservation: Reservation) -> ReservationAfter:
    """Return what an entry records of the reservation that it is about."""
    return ReservationAfter(
        reservation.reservation_id,
        reservation.state,
        reservation.confirmed,
        reservation.refunded,
        reservation.expire_time,
    )


def _next_expire_time(wallet: Wallet, shift: Shift, reservation: Reservation | None) -> Instant | None:
    """Return when a grant or hold of the wallet expires next, after a shift."""
    found = wallet.next_expire_time
    reserved = wallet.reserved + shift.reserved
    if reservation is not None:
        if reservation.state == ReservationState.PENDING:
            found = earliest(found, reservation.expire_time)
        elif shift.reserved and not reserved and wallet.account.had_no_plan:
            # The last hold has ended, so only the grants can expire next. Under an unlimited plan there may be holds of
            # no credits, which the figures do not show.
            found = first_expiry(shift.live)
    for grant in shift.changed:
        if grant.remaining:
            found = earliest(found, grant.expire_time)
    return found
