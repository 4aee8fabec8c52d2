"""Grants, and the two things done with them: taking in spend order, giving back in reverse."""

from collections.abc import Iterable, Mapping, Sequence
from enum import IntEnum
from types import MappingProxyType
from typing import NamedTuple

from creditd.domain.instant import Instant


class Source(IntEnum):
    """Where credits came from. The numbers are those of the proto and of the rows."""

    FREE = 1
    PROMO = 2
    PURCHASED = 3
    ADMIN = 4


class Grant(NamedTuple):
    """What is left to spend of credits that came in together. ``grant_id`` is a UUIDv7, so older sorts first.

    A grant has one grace in all its life; ``graced`` says that it was given, and that ``expire_time`` is its end.
    """

    grant_id: str
    source: Source
    remaining: int
    expire_time: Instant | None
    graced: bool = False


class Slice(NamedTuple):
    """Part of a grant that a reservation took. ``returned`` counts what a refund gave back of it.

    ``expire_time`` and ``graced`` are the grant's, as they were when it was taken.
    """

    grant_id: str
    source: Source
    amount: int
    expire_time: Instant | None
    returned: int = 0
    graced: bool = False


class Grace(NamedTuple):
    """A grace that was given to a grant: its credits that came back late are usable until ``end_time``."""

    grant_id: str
    end_time: Instant


Graces = Mapping[str, Instant]
"""When the graces of grants that have nothing left end, or ended, by grant."""

NO_GRACES: Graces = MappingProxyType({})


SpendOrder = tuple[Source, ...]
"""Every source once, the first to be spent first."""

NEVER = Instant(2**63 - 1)


def in_spend_order(grants: Sequence[Grant], order: SpendOrder) -> tuple[Grant, ...]:
    """Sort by source, then the soonest to expire, then the oldest."""
    return tuple(sorted(grants, key=lambda g: (order.index(g.source), g.expire_time or NEVER, g.grant_id)))


def first_expiry(grants: Iterable[Grant]) -> Instant | None:
    """Return when the first of some grants expires, or None if none ever does."""
    return min((grant.expire_time for grant in grants if grant.expire_time is not None), default=None)


class Taken(NamedTuple):
    """The outcome of taking: the grants still live, those that changed, and the slices in the order taken."""

    live: tuple[Grant, ...]
    changed: tuple[Grant, ...]
    slices: tuple[Slice, ...]


def take(grants: tuple[Grant, ...], amount: int) -> Taken:
    """Take an amount from the front of grants in spend order. The caller has checked that they cover it."""
    changed: list[Grant] = []
    slices: list[Slice] = []
    position = 0
    while amount:
        grant = grants[position]
        grant_id, source, remaining, expire_time, graced = grant
        part = min(remaining, amount)
        amount -= part
        slices.append(Slice(grant_id, source, part, expire_time, 0, graced))
        changed.append(Grant(grant_id, source, remaining - part, expire_time, graced))
        position += 1
    rest = grants[position:]
    if changed and changed[-1].remaining:
        rest = (changed[-1], *rest)
    return Taken(rest, tuple(changed), tuple(slices))


class Unwound(NamedTuple):
    """The outcome of unwinding: what goes back, last taken first, and the slices as they are then."""

    given_back: tuple[Slice, ...]
    kept: tuple[Slice, ...]


def unwind(slices: tuple[Slice, ...], amount: int) -> Unwound:
    """Split off an amount from the last slice taken to the first; what exceeds the slices was taken from no grant."""
    given_back: list[Slice] = []
    kept = list(slices)
    while amount and kept:
        last = kept.pop()
        part = min(last.amount, amount)
        amount -= part
        given_back.append(last._replace(amount=part))
        if part < last.amount:
            kept.append(last._replace(amount=last.amount - part))
    return Unwound(tuple(given_back), tuple(kept))


def mark_returned(slices: tuple[Slice, ...], amount: int) -> Unwound:
    """Like unwind, but the slices stay as the record of what was spent and count what came back."""
    given_back: list[Slice] = []
    kept: list[Slice] = []
    for spent in reversed(slices):
        part = min(amount, spent.amount - spent.returned)
        amount -= part
        if part:
            given_back.append(spent._replace(amount=part, returned=0))
        kept.append(spent._replace(returned=spent.returned + part))
    return Unwound(tuple(given_back), tuple(reversed(kept)))


class Returned(NamedTuple):
    """The outcome of giving back: the grants that changed, as they are then, and the graces that began."""

    changed: tuple[Grant, ...]
    graces: tuple[Grace, ...]


def give_back(
    live: Mapping[str, Grant], graces: Graces, slices: Sequence[Slice], *, now: Instant, grace: int
) -> Returned:
    """Return slices to the grants that they were taken from; ``live`` are those that something is left of.

    A grant that is not live has nothing left, so that what returns is all it has. The first return after a grant's
    expiry gives it ``grace`` microseconds from ``now`` on, once and for all: what comes back within them expires with
    them, and what comes back after them has expired already. ``graces`` are those that grants which are not live have
    had before, for all that the slices do not tell by themselves.
    """
    changed: dict[str, Grant] = {}
    begun: list[Grace] = []
    for part in slices:
        grant = changed.get(part.grant_id) or live.get(part.grant_id) or _spent(part, graces)
        grant_id, source, remaining, expire_time, graced = grant
        if expire_time is not None and expire_time <= now and not graced:
            expire_time, graced = Instant(now + grace), True
            begun.append(Grace(grant_id, expire_time))
        changed[grant_id] = Grant(grant_id, source, remaining + part.amount, expire_time, graced)
    return Returned(tuple(changed.values()), tuple(begun))


def _spent(part: Slice, graces: Graces) -> Grant:
    """Return the grant of a slice as it is with nothing left."""
    end_time = graces.get(part.grant_id)
    if end_time is not None:
        return Grant(part.grant_id, part.source, 0, end_time, graced=True)
    return Grant(part.grant_id, part.source, 0, part.expire_time, part.graced)


def graces_of(grants: Iterable[Grant]) -> dict[str, Instant]:
    """Return the graces among grants."""
    return {g.grant_id: g.expire_time for g in grants if g.graced and g.expire_time is not None}


def of_unknown_grace(grants: Sequence[Grant], slices: Sequence[Slice], now: Instant) -> list[str]:
    """Return the grants of slices that may have had their grace without anything that is known here telling so.

    A grant has no grace before its expiry, a live one tells, and so does a slice that was taken within it.
    """
    expired = [
        part.grant_id for part in slices if part.expire_time is not None and part.expire_time <= now and not part.graced
    ]
    if not expired:
        return expired
    live = {grant.grant_id for grant in grants}
    return [grant_id for grant_id in expired if grant_id not in live]


class Paid(NamedTuple):
    """The grants left live, all that changed, and how much was paid."""

    live: tuple[Grant, ...]
    changed: tuple[Grant, ...]
    amount: int


def pay_debt(debt: int, live: tuple[Grant, ...], changed: tuple[Grant, ...]) -> Paid:
    """Pay as much of a debt as the available purchased credits cover, so that debt and they never stand side by side.

    ``changed`` are the grants that the movement has touched so far; those that pay are merged into them.
    """
    if not debt:
        return Paid(live, changed, 0)
    left: list[Grant] = []
    touched = {grant.grant_id: grant for grant in changed}
    unpaid = debt
    for grant in live:
        part = min(unpaid, grant.remaining) if grant.source == Source.PURCHASED else 0
        if part:
            unpaid -= part
            grant = grant._replace(remaining=grant.remaining - part)  # noqa: PLW2901 - the same grant, after paying.
            touched[grant.grant_id] = grant
        if grant.remaining:
            left.append(grant)
    return Paid(tuple(left), tuple(touched.values()), debt - unpaid)
