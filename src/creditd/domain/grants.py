"""Grants, and the two things done with them: taking in spend order, giving back in reverse."""

from collections.abc import Iterable, Mapping, Sequence
from enum import IntEnum
from typing import NamedTuple

from creditd.domain.instant import Instant, latest


class Source(IntEnum):
    """Where credits came from. The numbers are those of the proto and of the rows."""

    FREE = 1
    PROMO = 2
    PURCHASED = 3
    ADMIN = 4


class Grant(NamedTuple):
    """What is left to spend of credits that came in together. ``grant_id`` is a UUIDv7, so older sorts first."""

    grant_id: str
    source: Source
    remaining: int
    expire_time: Instant | None


class Slice(NamedTuple):
    """Part of a grant that a reservation took. ``returned`` counts what a refund gave back of it."""

    grant_id: str
    source: Source
    amount: int
    expire_time: Instant | None
    returned: int = 0


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
        grant_id, source, remaining, expire_time = grant
        part = min(remaining, amount)
        amount -= part
        slices.append(Slice(grant_id, source, part, expire_time))
        changed.append(Grant(grant_id, source, remaining - part, expire_time))
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


def give_back(live: Mapping[str, Grant], slices: Sequence[Slice], *, now: Instant, grace: int) -> tuple[Grant, ...]:
    """Return the grants that slices go back to, as they are then; ``live`` are those that something is left of.

    A grant that is not live has nothing left, so that what returns is all it has. What has expired by ``now`` stays
    usable for ``grace`` microseconds more, and with it what came back to the same grant before. It never expires at
    ``now`` itself, so that a settled wallet stays settled.
    """
    changed: dict[str, Grant] = {}
    for part in slices:
        grant_id = part.grant_id
        expire_time = part.expire_time
        if expire_time is not None and expire_time <= now:
            expire_time = Instant(now + max(grace, 1))
        grant = changed.get(grant_id) or live.get(grant_id) or Grant(part.grant_id, part.source, 0, expire_time)
        expire_time = latest(grant.expire_time, expire_time)
        changed[grant_id] = Grant(grant_id, grant.source, grant.remaining + part.amount, expire_time)
    return tuple(changed.values())
