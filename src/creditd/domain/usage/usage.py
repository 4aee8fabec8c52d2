"""Usage: what each kind of entry adds to what was spent, came in, came back and was lost.

``PARTS`` is the one place that says so. The rollup, what is read of the ledger after it, a rebuild and the tests go by
it: SQL is written from it (``storage/usage/usage_contributions.py``), and ``contributions`` is the same in Python.

What is used is what was spent less what was refunded. Credits that are held are not used, whatever becomes of the hold.
"""

from collections.abc import Mapping
from enum import IntEnum
from typing import Final, NamedTuple

from creditd.domain.entry import Entry, EntryKind
from creditd.domain.instant import SECOND, Instant
from creditd.domain.reservation import ReservationState

QUARTER: Final = 900 * SECOND
"""What usage is added up by. Time zones differ from UTC by whole quarters of an hour: India by 5:30, Nepal by 5:45."""

NO_SOURCE: Final = 0
"""The source of what is of no grant's credits: what a plan covered, and debt."""


class Measure(IntEnum):
    """What is added up. The numbers are those of the rows."""

    GRANTED = 1
    PURCHASED = 2
    PROMOTED = 3
    ADDED = 4
    RESTORED = 5
    REMOVED = 6
    SPENT = 7
    REFUNDED = 8
    EXPIRED = 9
    CLAWED_BACK = 10
    COVERED = 11
    UNCOVERED = 12
    INDEBTED = 13
    REPAID = 14
    WRITTEN_OFF = 15
    HELD = 16


class Basis(IntEnum):
    """Which of an entry's figures counts.

    SLICES: what its slices hold, by source. REST: its amount beyond its slices, which is no grant's. DEBT_PAID: the
    debt that its credits paid. RESERVED: by how much it changed what is held, with the sign.
    """

    SLICES = 1
    REST = 2
    DEBT_PAID = 3
    RESERVED = 4


class Addend(NamedTuple):
    """One thing that a kind of entry adds; with ``state`` only if the reservation was in it right after the entry."""

    measure: Measure
    basis: Basis
    state: ReservationState | None = None


def _comes_in(measure: Measure) -> tuple[Addend, ...]:
    """Return what an entry adds by which credits come in; purchased ones pay debt first."""
    return (Addend(measure, Basis.SLICES), _REPAID)


_REPAID: Final = Addend(Measure.REPAID, Basis.DEBT_PAID)
_HELD: Final = Addend(Measure.HELD, Basis.RESERVED)

PARTS: Final[Mapping[EntryKind, tuple[Addend, ...]]] = {
    EntryKind.GRANT: _comes_in(Measure.GRANTED),
    EntryKind.TOP_UP: _comes_in(Measure.PURCHASED),
    EntryKind.PROMO: _comes_in(Measure.PROMOTED),
    EntryKind.ADMIN_ADD: _comes_in(Measure.ADDED),
    EntryKind.RESTORE: _comes_in(Measure.RESTORED),
    EntryKind.ADMIN_REMOVE: (Addend(Measure.REMOVED, Basis.SLICES),),
    # A hold: neither used nor lost. Its credits keep from expiring meanwhile.
    EntryKind.RESERVE: (_HELD,),
    EntryKind.EXTEND: (),
    # Of a hold that ends by itself the credits are back. Those of a grant that has expired since count as expired by
    # the entry by which they lapse, after the grace.
    EntryKind.RELEASE: (_HELD, _REPAID),
    # What a plan covered, wholly or beyond the hold, is no grant's.
    EntryKind.CONFIRM: (Addend(Measure.SPENT, Basis.SLICES), Addend(Measure.COVERED, Basis.REST), _HELD, _REPAID),
    EntryKind.DEDUCT: (Addend(Measure.SPENT, Basis.SLICES), Addend(Measure.COVERED, Basis.REST)),
    # One kind, two facts: a pending reservation is only released, a confirmed one gives back what was spent.
    EntryKind.REFUND: (
        Addend(Measure.REFUNDED, Basis.SLICES, ReservationState.CONFIRMED),
        Addend(Measure.UNCOVERED, Basis.REST, ReservationState.CONFIRMED),
        _HELD,
        _REPAID,
    ),
    EntryKind.EXPIRE: (Addend(Measure.EXPIRED, Basis.SLICES),),
    # What was there to take, and what is owed instead.
    EntryKind.CLAWBACK: (Addend(Measure.CLAWED_BACK, Basis.SLICES), Addend(Measure.INDEBTED, Basis.REST)),
    EntryKind.WRITE_OFF: (Addend(Measure.WRITTEN_OFF, Basis.REST),),
}

WORTH: Final[Mapping[Measure, int]] = {
    **dict.fromkeys(
        (Measure.GRANTED, Measure.PURCHASED, Measure.PROMOTED, Measure.ADDED, Measure.RESTORED, Measure.REFUNDED), 1
    ),
    **dict.fromkeys((Measure.REMOVED, Measure.SPENT, Measure.EXPIRED, Measure.CLAWED_BACK, Measure.INDEBTED), -1),
    Measure.WRITTEN_OFF: 1,
}
"""What a measure does to available plus reserved less debt; the others leave it as it is."""

OWED: Final[Mapping[Measure, int]] = {Measure.INDEBTED: 1, Measure.REPAID: -1, Measure.WRITTEN_OFF: -1}
"""What a measure does to the debt."""

USED: Final[Mapping[Measure, int]] = {Measure.SPENT: 1, Measure.REFUNDED: -1}
"""What is used of a wallet's credits."""

COVERED: Final[Mapping[Measure, int]] = {Measure.COVERED: 1, Measure.UNCOVERED: -1}
"""What is used under an unlimited plan, for which no credits were taken."""


class Contribution(NamedTuple):
    """An amount that an entry adds to a measure; ``source`` is a grant's, or NO_SOURCE."""

    measure: Measure
    source: int
    amount: int


def contributions(entry: Entry) -> list[Contribution]:
    """Return what an entry adds, each amount of a measure and a source by itself; amounts are not 0."""
    found = []
    for measure, basis, state in PARTS[entry.kind]:
        if state is not None and (entry.reservation is None or entry.reservation.state != state):
            continue
        if basis == Basis.SLICES:
            found += [Contribution(measure, int(part.source), part.amount) for part in entry.slices]
        elif amount := _amount(entry, basis):
            found.append(Contribution(measure, NO_SOURCE, amount))
    return found


def _amount(entry: Entry, basis: Basis) -> int:
    if basis == Basis.REST:
        return entry.amount - sum(part.amount for part in entry.slices)
    if basis == Basis.DEBT_PAID:
        return max(0, -entry.debt_delta)
    return entry.reserved_delta


def quarter_of(instant: Instant) -> Instant:
    """Return when the quarter of an hour began that an instant lies in."""
    return Instant(instant - instant % QUARTER)
