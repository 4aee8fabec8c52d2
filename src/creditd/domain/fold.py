"""Folding a wallet's entries gives the wallet, and shows where the stored one differs."""

from collections import Counter
from collections.abc import Iterable, Iterator
from typing import Final, NamedTuple

from creditd.domain.checkpoint import Checkpoint
from creditd.domain.entry import Entry, EntryKind
from creditd.domain.grants import NO_GRACES, Graces, Slice, Source
from creditd.domain.instant import Instant
from creditd.domain.limits import NO_USAGE, NOTHING, WHOLE, Count, Usage, scopes_of

_OUT = {EntryKind.RESERVE, EntryKind.DEDUCT, EntryKind.ADMIN_REMOVE, EntryKind.EXPIRE, EntryKind.CLAWBACK}
_BACK = {EntryKind.REFUND, EntryKind.RELEASE}


class Difference(NamedTuple):
    """A figure that the entries add up to, and the stored one that differs. Version 0 concerns the whole wallet."""

    version: int
    field: str
    expected: int
    actual: int


class StoredCounts(NamedTuple):
    """Stored counts of a wallet: of those after a spender and up to another one; None begins, or ends, with any.

    ``today`` is the day that they were read on: those of days before may have been deleted, or not yet.
    """

    usage: Usage = NO_USAGE
    today: Instant = Instant(0)
    after: str | None = None
    last: str | None = None

    def holds(self, scope: str) -> bool:
        """Tell whether a scope's count would be among them."""
        return (self.after is None or scope > self.after) and (self.last is None or scope <= self.last)


NO_COUNTS: Final = StoredCounts()


class StoredWallet(NamedTuple):
    """The stored figures of a wallet: its row, grants by source, pending reservations, graces, and first counts."""

    version: int
    available: int
    reserved: int
    debt: int
    by_source: dict[Source, int]
    held: int
    graces: Graces = NO_GRACES
    counts: StoredCounts = NO_COUNTS


BEGINNING: Final = Checkpoint(0, 0, 0, 0, {}, {}, {})
"""Before the first movement."""


class Fold:
    """Adds up the entries of one wallet, in the order of their versions."""

    def __init__(self, checkpoint: Checkpoint = BEGINNING) -> None:
        """Start before the first movement, or after that of a ``checkpoint``."""
        self.version = checkpoint.version
        self.available = checkpoint.available
        self.reserved = checkpoint.reserved
        self.debt = checkpoint.debt
        self.by_source: Counter[Source] = Counter(checkpoint.by_source)
        self.graces: dict[str, Instant] = dict(checkpoint.graces)
        self.usage: dict[str, Count] = {}
        self.differences: list[Difference] = []
        self._holds: dict[str, tuple[Slice, ...]] = dict(checkpoint.holds)

    def checkpoint(self) -> Checkpoint:
        """Return what was added up so far."""
        by_source = {source: amount for source, amount in self.by_source.items() if amount}
        return Checkpoint(
            self.version,
            self.available,
            self.reserved,
            self.debt,
            by_source,
            dict(self.graces),
            dict(self._holds),
        )

    def add(self, entry: Entry) -> None:
        """Add the next entry."""
        self._expect(entry, "version", self.version + 1, entry.version)
        self.version = entry.version
        self.available = self._after(entry, "available_after", self.available + entry.available_delta)
        self.reserved = self._after(entry, "reserved_after", self.reserved + entry.reserved_delta)
        self.debt = self._after(entry, "debt_after", self.debt + entry.debt_delta)
        for grant_id, end_time in entry.graces:
            # A grant has one grace, so a second one is a difference.
            self._expect(entry, _grace_of(grant_id), self.graces.setdefault(grant_id, end_time), end_time)
        if entry.day_delta:
            self._spend(entry)
        self._move(entry)

    def _spend(self, entry: Entry) -> None:
        now = entry.create_time
        if self.usage and self.usage[WHOLE].day != NOTHING.at(now).day:
            # Only the counts of one day are ever stored as of the last movement.
            self.usage.clear()
        for scope in scopes_of(entry.spender_id):
            count = self.usage.get(scope, NOTHING).at(now).plus(entry.hour_delta, entry.day_delta)
            self.usage[scope] = count

    def _expect(self, entry: Entry, field: str, expected: int, actual: int) -> None:
        if expected != actual:
            self.differences.append(Difference(entry.version, field, expected, actual))

    def _after(self, entry: Entry, field: str, expected: int) -> int:
        actual: int = getattr(entry, field)
        self._expect(entry, field, expected, actual)
        # Continue from the stored figures, so that each difference is shown once, where it arose.
        return actual

    def _move(self, entry: Entry) -> None:
        reservation_id = entry.reservation.reservation_id if entry.reservation else ""
        if entry.kind in _OUT:
            self._count(entry.slices, -1)
            if entry.kind == EntryKind.RESERVE:
                self._holds[reservation_id] = entry.slices
        elif entry.kind == EntryKind.CONFIRM:
            self._count(self._holds.pop(reservation_id, ()), 1)
            self._count(entry.slices, -1)
        elif entry.kind != EntryKind.EXTEND:
            self._count(entry.slices, 1)
            if entry.kind in _BACK:
                self._holds.pop(reservation_id, None)
        if entry.kind != EntryKind.WRITE_OFF:
            # Slices hold the full amount that was added or returned; debt paid from it lowers the rest.
            self.by_source[Source.PURCHASED] += min(entry.debt_delta, 0)

    def _count(self, slices: Iterable[Slice], sign: int) -> None:
        for part in slices:
            self.by_source[part.source] += sign * part.amount

    def compare(self, stored: StoredWallet) -> list[Difference]:
        """Return every difference, within the ledger and between the ledger and the stored figures."""
        found = list(self.differences)
        figures = [
            ("version", self.version, stored.version),
            ("available", self.available, stored.available),
            ("reserved", self.reserved, stored.reserved),
            ("debt", self.debt, stored.debt),
            ("held", self.reserved, stored.held),
        ]
        figures += [
            (f"grants.{source.name}", self.by_source[source], stored.by_source.get(source, 0)) for source in Source
        ]
        figures += [
            (_grace_of(grant_id), self.graces.get(grant_id, 0), stored.graces.get(grant_id, 0))
            for grant_id in sorted(self.graces.keys() | stored.graces.keys())
        ]
        found += [Difference(0, field, expected, actual) for field, expected, actual in figures if expected != actual]
        return found + self.compare_counts(stored.counts)

    def compare_counts(self, stored: StoredCounts) -> list[Difference]:
        """Return every difference from some of the stored counts."""
        figures = _counts(self.usage, stored)
        return [Difference(0, field, expected, actual) for field, expected, actual in figures if expected != actual]


def _grace_of(grant_id: str) -> str:
    """Return the name of a figure: when the grace of a grant ends, in microseconds; 0 for none."""
    return f"grants.{grant_id}.grace_end"


def _counts(folded: Usage, stored: StoredCounts) -> Iterator[tuple[str, int, int]]:
    """Give the figures of the last day that anything was counted on, unless it is over.

    Counts of days that are over are deleted one by one, so that nothing can be said of them.
    """
    day = max(folded.get(WHOLE, NOTHING).day, stored.today)
    expected = {scope: count for scope, count in folded.items() if count.day == day and stored.holds(scope)}
    actual = {scope: count for scope, count in stored.usage.items() if count.day >= day}
    for scope in sorted(expected.keys() | actual.keys()):
        one, other = expected.get(scope, NOTHING), actual.get(scope, NOTHING)
        yield f"counts.{scope}.day", one.in_day, other.in_day
        if one.in_day and other.in_day:
            yield f"counts.{scope}.day_start", one.day, other.day
        # A row may be of an hour in which nothing but what was given back to earlier ones has happened.
        hour = max(one.hour, other.hour)
        yield f"counts.{scope}.hour", _in_hour(one, hour), _in_hour(other, hour)


def _in_hour(count: Count, hour: Instant) -> int:
    return count.in_hour if count.hour == hour else 0
