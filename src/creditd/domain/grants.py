"""Grants: credits are taken from them in spend order, and returned in reverse."""

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
    """What is left of credits that came in together. ``grant_id`` is a UUIDv7, so older sorts first.

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
    """The grace of a grant: credits returned after its expiry can be spent until ``end_time``."""

    grant_id: str
    end_time: Instant


Graces = Mapping[str, Instant]
"""The end of the grace, by id of grants that have nothing left."""

NO_GRACES: Graces = MappingProxyType({})


SpendOrder = tuple[Source, ...]
"""Every source once, in the order in which they are spent."""

NEVER = Instant(2**63 - 1)


def in_spend_order(grants: Sequence[Grant], order: SpendOrder) -> tuple[Grant, ...]:
    """Sort by source, then by expire time, then by age, oldest first."""
    return tuple(sorted(grants, key=lambda g: (order.index(g.source), g.expire_time or NEVER, g.grant_id)))


def first_expiry(grants: Iterable[Grant]) -> Instant | None:
    """Return when the first of the grants expires; None if none does."""
    return min((grant.expire_time for grant in grants if grant.expire_time is not None), default=None)


class Taken(NamedTuple):
    """The outcome of taking: the grants that are still live, those that changed, and the slices in the order taken."""

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
    """The outcome of unwinding: the slices to return, last taken first, and the slices that stay."""

    given_back: tuple[Slice, ...]
    kept: tuple[Slice, ...]


def unwind(slices: tuple[Slice, ...], amount: int) -> Unwound:
    """Split off an amount, from the last slice taken to the first; an excess over the slices came from no grant."""
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
    """Like ``unwind``, but the slices stay as the record of the spending, and count what was returned."""
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
    """The outcome of giving back: the grants that changed, in their new state, and the graces that began."""

    changed: tuple[Grant, ...]
    graces: tuple[Grace, ...]


def give_back(
    live: Mapping[str, Grant], graces: Graces, slices: Sequence[Slice], *, now: Instant, grace: int
) -> Returned:
    """Return slices to the grants that they were taken from; ``live`` are the grants with something left.

    A grant that is not live has nothing left, so it then holds just what is returned. The first return after a grant's
    expiry begins its only grace, ``grace`` microseconds from ``now``: credits returned within it expire at its end, and
    credits returned later have already expired. ``graces`` are the earlier graces of grants that are not live, as far
    as the slices do not record them.
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
    """Return the grant of a slice, with nothing left."""
    end_time = graces.get(part.grant_id)
    if end_time is not None:
        return Grant(part.grant_id, part.source, 0, end_time, graced=True)
    return Grant(part.grant_id, part.source, 0, part.expire_time, part.graced)


def graces_of(grants: Iterable[Grant]) -> dict[str, Instant]:
    """Return the graces among grants."""
    return {g.grant_id: g.expire_time for g in grants if g.graced and g.expire_time is not None}


def of_unknown_grace(grants: Sequence[Grant], slices: Sequence[Slice], now: Instant) -> list[str]:
    """Return the grants of slices whose grace, if any, is recorded neither in ``grants`` nor in the slices.

    A grant has no grace before it expires; a live grant records its grace, and so does a slice taken within it.
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
    """Pay debt from available purchased credits, so that a wallet never has both.

    ``changed`` are the grants that the movement has changed so far; those that pay are merged into them.
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
