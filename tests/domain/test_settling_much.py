"""Much that is due at once: the outcome is that of the plain way, in whatever shares, and the work grows in a line."""

import gc
import tracemalloc
from collections.abc import Sequence
from typing import Any, ClassVar

import pytest
from hypothesis import given
from hypothesis import strategies as st

from creditd.domain.expiry import settle
from creditd.domain.grants import Graces, Grant, Slice, Source, graces_of
from creditd.domain.instant import Instant
from creditd.domain.reservation import Reservation, ReservationState
from creditd.domain.wallet import Rules, Wallet
from tests.domain.plainly import settle_plainly
from tests.domain.wallets import START, after, wallet

TIMES = st.integers(1, 12)
LIVES = st.none() | TIMES
GRANTS = st.lists(st.tuples(st.sampled_from(Source), st.integers(0, 3), LIVES, st.integers(0, 3)), max_size=6)
"""Source, what is left, its life, and how much longer the grace is that it was given; 0 for none."""
TOOK = st.tuples(st.integers(0, 5), st.integers(1, 3), st.booleans())
"""From which grant, how much, and whether within its grace."""
HOLDS = st.lists(st.tuples(TIMES, st.lists(TOOK, max_size=4)), max_size=6)


def made(
    grants: Sequence[tuple[Source, int, int | None, int]],
    holds: Sequence[tuple[int, Sequence[tuple[int, int, bool]]]],
    debt: int,
    rules: Rules,
) -> tuple[Wallet, list[Reservation], Graces]:
    """Return a wallet with these grants, pending holds that took from them before, soonest end first, and graces."""
    young = [
        Grant(f"grant-{n}", source, amount, None if life is None else after(life))
        for n, (source, amount, life, _) in enumerate(grants)
    ]
    named = [in_grace(grant, more) for grant, (*_, more) in zip(young, grants, strict=True)]
    live = [grant for grant in named if grant.remaining]
    owed = 0 if any(grant.source == Source.PURCHASED for grant in live) else debt
    ends = sorted((after(end), f"hold-{n}", took) for n, (end, took) in enumerate(holds))
    due = [
        held(name, end, [((named if late else young)[i], part) for i, part, late in took if i < len(named)])
        for end, name, took in ends
    ]
    reserved = sum(reservation.held for reservation in due)
    spent = graces_of(grant for grant in named if not grant.remaining)
    return wallet(*live, debt=owed, rules=rules)._replace(reserved=reserved), due, spent


def in_grace(grant: Grant, more: int) -> Grant:
    """Return a grant with its grace, if it was given one."""
    if grant.expire_time is None or not more:
        return grant
    return grant._replace(expire_time=Instant(grant.expire_time + more), graced=True)


def held(name: str, end: Instant, took: Sequence[tuple[Grant, int]]) -> Reservation:
    """Return a pending reservation of what it took."""
    slices = tuple(Slice(g.grant_id, g.source, part, g.expire_time, graced=g.graced) for g, part in took)
    amount = sum(part.amount for part in slices) or 1
    pending = (ReservationState.PENDING, amount, 0, 0, not slices, slices, end)
    return Reservation("alice", "spec", name, *pending, START, START, "", "")


@given(GRANTS, HOLDS, st.integers(0, 5), st.integers(0, 4), st.integers(0, 14), st.data())
def test_settling_has_the_entries_of_the_plain_way(
    grants: Any, holds: Any, debt: int, grace: int, wait: int, data: st.DataObject
) -> None:
    """Also of a part of what is due, as one who loads no more at once sees it."""
    rules = Rules(grace=grace)
    opening, pending, graces = made(grants, holds, debt, rules)
    now = after(wait)
    all_due = [reservation for reservation in pending if (reservation.expire_time or 0) <= now]
    due = all_due[: data.draw(st.integers(0, len(all_due)))]
    next_hold_end = pending[len(due)].expire_time if len(pending) > len(due) else None
    expected, movements = settle_plainly(opening, due, next_hold_end, now, rules, graces)
    found, expirations = settle(opening, due, next_hold_end, now, rules, graces=graces)
    assert found == expected
    assert [e.entry for e in expirations] == [movement.entry for movement in movements]
    assert [e.changed for e in expirations] == [movement.changed for movement in movements]
    assert [e.reservation for e in expirations] == [movement.reservation for movement in movements]


@given(GRANTS, HOLDS, st.integers(0, 5), st.integers(0, 4), st.integers(0, 14), st.integers(1, 6))
def test_settling_in_shares_is_settling_in_one_go(
    grants: Any, holds: Any, debt: int, grace: int, wait: int, most: int
) -> None:
    rules = Rules(grace=grace)
    opening, pending, graces = made(grants, holds, debt, rules)
    now = after(wait)
    due = [reservation for reservation in pending if (reservation.expire_time or 0) <= now]
    next_hold_end = pending[len(due)].expire_time if len(pending) > len(due) else None
    whole = settle(opening, due, next_hold_end, now, rules, graces=graces)
    found, entries, rounds = opening, [], 0
    known = {**graces, **graces_of(opening.grants)}
    while not rounds or not found.is_settled(now):
        share = settle(found, due, next_hold_end, now, rules, most, graces=known)
        for expiration in share.expirations:
            known |= graces_of(expiration.changed)
        assert share.expirations or not rounds
        touched = [1 + len(expiration.entry.slices) for expiration in share.expirations]
        assert sum(touched[:-1]) < most
        ended = {e.reservation.reservation_id for e in share.expirations if e.reservation}
        due = [reservation for reservation in due if reservation.reservation_id not in ended]
        found, rounds = share.wallet, rounds + 1
        entries += [expiration.entry for expiration in share.expirations]
    assert found == whole.wallet
    assert entries == [expiration.entry for expiration in whole.expirations]


class Counted(int):
    """An instant that counts how often it is compared."""

    comparisons: ClassVar[int] = 0

    def __le__(self, other: int) -> bool:
        """Compare, and count."""
        Counted.comparisons += 1
        return int(self) <= int(other)

    def __lt__(self, other: int) -> bool:
        """Compare, and count."""
        Counted.comparisons += 1
        return int(self) < int(other)

    def __eq__(self, other: object) -> bool:
        """Compare, and count."""
        Counted.comparisons += 1
        return isinstance(other, int) and int(self) == int(other)

    __hash__ = int.__hash__


def ending_at_once(size: int) -> tuple[Wallet, list[Reservation], Instant]:
    """Return a wallet of so many grants that end together, and as many holds of a credit each that end before."""
    end = Instant(Counted(after(size)))
    grants = [Grant(f"{n:06}", Source.FREE, 2, end) for n in range(size)]
    due = [held(f"{n:06}", Instant(Counted(after(n))), [(grant, 1)]) for n, grant in enumerate(grants)]
    return wallet(*grants)._replace(reserved=size), due, end


@pytest.mark.parametrize("measure", ["comparisons", "bytes"])
def test_twice_as_many_grants_and_holds_are_about_twice_the_work(measure: str) -> None:
    """Grants times holds would be four times."""
    costs = []
    for size in (400, 800):
        opening, due, now = ending_at_once(size)
        Counted.comparisons = 0
        # Memory that is kept for the next objects is not counted when it is used again: none is kept now.
        gc.collect()
        tracemalloc.start()
        settled = settle(opening, due, None, now, Rules())
        costs.append(Counted.comparisons if measure == "comparisons" else tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
        assert len(settled.expirations) == 2 * size
    assert costs[0] > 400
    assert costs[1] < 2.6 * costs[0]
