"""Usage of one account and of all: the rollup, and what the entries after it add, in one snapshot."""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Final, NamedTuple, TypeVar

from creditd.domain.errors import InvalidField
from creditd.domain.instant import Instant
from creditd.domain.usage.usage import OWED, WORTH, Measure
from creditd.domain.usage.usage_errors import UsageBehind
from creditd.domain.usage.usage_periods import Grain, Period, RankingSpan, Segment, segments, span_of
from creditd.ledger.clock import DatabaseClock
from creditd.service.call import Call
from creditd.service.threads import Bulkhead, Threads
from creditd.service.usage.usage_rollup import MOST_BEHIND
from creditd.storage.database import Connection, Database
from creditd.storage.entries import first_versions_at
from creditd.storage.historical_balances import balances_after, untold
from creditd.storage.usage import usage, usage_moves, usage_rollups
from creditd.storage.usage.usage import PartUsage, Ranking, Sum, UsedWallet
from creditd.storage.usage.usage_contributions import Dimension
from creditd.storage.usage.usage_rollups import SERVED, UsageRollup
from creditd.storage.usage.usage_stretches import Unadded

MOST_TAIL: Final = 20_000
"""Entries after the rollup's positions that a read adds up by itself: some fifty milliseconds. In practice there are
those of two or three seconds."""

MOST_NEW: Final = 100_000
"""Entries since the time up to which all is added up, a minute and a half, among which a read of all accounts looks for
the wallets that have moved: some fifty milliseconds. Beyond it, at a thousand entries a second, usage of all accounts
is not told; that of one account is."""

MOST_ROUNDS: Final = 10
"""Of the rollup, that a read makes where that is too far behind: for a second or so."""

MAX_CREDIT_TYPES: Final = 50
"""In one answer: with 50 accounts and labels each, of the longest names, two megabytes."""

MAX_POINTS_OF_ANSWER: Final = 2_000
"""Of all credit types of an answer together: half a megabyte."""

PARTS_SHOWN: Final = 20
"""Spenders, and values of the label, of an account that are shown: those that used the most."""

Found = TypeVar("Found")

Figures = Mapping[tuple[Measure, int], int]
"""Amounts by measure and source."""

NO_FIGURES: Final[Figures] = {}

_EVER: Final = Segment(-1, Grain.EVER, Instant(0), Instant(1))


class UsageBalance(NamedTuple):
    """What there was in a wallet, or in all wallets of a credit type."""

    available: int = 0
    reserved: int = 0
    debt: int = 0


NOTHING: Final = UsageBalance()


class TypeUsage(NamedTuple):
    """Usage of one account in one credit type. ``points`` are its figures in each period.

    A balance is None where entries that are in the archive would tell it.
    """

    credit_type: str
    opening: UsageBalance | None
    closing: UsageBalance | None
    held: int
    points: list[Figures]
    parts: list[PartUsage]


class UsageSummary(NamedTuple):
    """Usage of one account, and the key of the label by which it is broken down."""

    types: list[TypeUsage]
    label: str


class TypeAnalytics(NamedTuple):
    """Usage of all accounts in one credit type; ``balance`` is what all wallets of it hold now."""

    credit_type: str
    balance: UsageBalance
    points: list[Figures]
    top: list[PartUsage]


class UsageAnalytics(NamedTuple):
    """Usage of all accounts, the key of the label, and the period in which accounts and labels are ranked."""

    types: list[TypeAnalytics]
    label: str
    ranking: Period


class UsageReports:
    """Reads usage. All raise UsageBehind, DatabaseUnavailable, Overloaded, ShuttingDown."""

    def __init__(
        self, database: Database, clock: DatabaseClock, threads: Threads, roll_up: Callable[[], object]
    ) -> None:
        """Read through ``database``; where the rollup is too far behind, ``roll_up`` makes a round of it."""
        self._database = database
        self._clock = clock
        self._threads = threads
        self._roll_up = roll_up

    async def _once_caught_up(self, kind: Bulkhead, read: Callable[[], Found], owner: str) -> Found:
        for _ in range(MOST_ROUNDS):
            try:
                return await kind.submit(read, owner=owner)
            except UsageBehind:
                # As right after the start of the first server for long; it takes a few rounds.
                await self._threads.background.submit(self._roll_up, owner=owner)
        return await kind.submit(read, owner=owner)

    async def summary(self, account_id: str, codes: Sequence[str], periods: Sequence[Period]) -> UsageSummary:
        """Return usage of an account in periods that follow one another, in those of the credit types that it has.

        In all of them if none is given. Raises InvalidField if that is more than an answer holds.
        """
        return await self._once_caught_up(
            self._threads.pages, lambda: self._summary(account_id, codes, periods), account_id
        )

    def _summary(self, account_id: str, codes: Sequence[str], periods: Sequence[Period]) -> UsageSummary:
        with self._database.listing() as connection:
            rollup = _served(connection)
            label = rollup.label or ""
            wallets = usage.wallets_of(connection, rollup.edition, account_id, codes)
            if not wallets:
                return UsageSummary([], label)
            named = [one.credit_type for one in wallets]
            _require_room(named, periods)
            unadded = usage.unadded(account_id, wallets)
            tail = _require_few(unadded)
            found = usage.sums_of_account(connection, rollup.edition, account_id, named, periods)
            found += usage.sums_of_tail(connection, tail, periods)
            whole = Period(periods[0].start, periods[-1].end)
            parts = usage.parts_of_account(connection, rollup.edition, label, unadded, whole, PARTS_SHOWN)
            opening = _balances_at(connection, account_id, wallets, whole.start)
            closing = _balances_at(connection, account_id, wallets, whole.end)
        by_type = _by_type(found)
        return UsageSummary(
            [
                TypeUsage(
                    one.credit_type,
                    opening[one.credit_type],
                    closing[one.credit_type],
                    one.reserved,
                    [by_type[one.credit_type].get(point, NO_FIGURES) for point in range(len(periods))],
                    [part for part in parts if part.credit_type == one.credit_type],
                )
                for one in wallets
            ],
            label,
        )

    async def analytics(
        self, call: Call, codes: Sequence[str], periods: Sequence[Period], span: RankingSpan, top_size: int
    ) -> UsageAnalytics:
        """Return usage of all accounts in periods that follow one another, and who used the most.

        Those are ranked over the day, week or month of UTC in which the periods end. Raises InvalidField for
        more than an answer holds.
        """
        _require_room(codes, periods)
        found = await self._once_caught_up(
            self._threads.surveys, lambda: self._analytics(codes, periods, span, top_size), call.subject
        )
        if found is None:
            raise UsageBehind
        return found

    def _analytics(
        self, codes: Sequence[str], periods: Sequence[Period], span: RankingSpan, top_size: int
    ) -> UsageAnalytics | None:
        """Return the analytics, or None for more new entries than a read looks at: no round makes these fewer."""
        ranking = Ranking(span, span_of(Instant(periods[-1].end - 1), span))
        with self._database.snapshot() as connection:
            rollup = _served(connection)
            tail = self._tail(connection, rollup, codes)
            if tail is None:
                return None
            edition, label = rollup.edition, rollup.label or ""
            found = usage.sums_of_all(connection, edition, codes, [_EVER, *segments(periods)])
            of_tail = usage.sums_of_tail(connection, tail, periods)
            added = usage.ranks_of_tail(connection, label, tail, ranking)
            # Whoever used more than the rollup has is among these. Whoever used less makes room for one more.
            count = top_size + sum(one.used + one.covered < 0 for one in added)
            first = usage.top(connection, edition, codes, ranking, count)
            if usage.is_short_of(connection, edition, codes, ranking, first, count):
                raise UsageBehind
            known = {(one.credit_type, one.dimension, one.value) for one in first}
            rest = [one for one in added if (one.credit_type, one.dimension, one.value) not in known]
            first += usage.ranks_of(connection, edition, ranking, rest)
        balances = _by_type([*(one for one in found if one.point < 0), *(one._replace(point=-1) for one in of_tail)])
        by_type = _by_type([*(one for one in found if one.point >= 0), *of_tail])
        ranked = _ranked([*first, *added], top_size)
        return UsageAnalytics(
            [
                TypeAnalytics(
                    code,
                    _balance_from(balances[code].get(-1, NO_FIGURES)),
                    [by_type[code].get(point, NO_FIGURES) for point in range(len(periods))],
                    ranked.get(code, []),
                )
                for code in codes
            ],
            label,
            ranking.period,
        )

    def _tail(self, connection: Connection, rollup: UsageRollup, codes: Sequence[str]) -> list[Unadded] | None:
        """Return the wallets of all accounts that have entries after the rollup's positions.

        None if there are more than MOST_NEW entries to look for them among.
        """
        since = rollup.complete_time
        if since is None or self._clock.now() - since > MOST_BEHIND:
            raise UsageBehind
        usage_moves.go_by_indexes(connection)
        moved = usage_moves.wallets_moved_since(connection, rollup.edition, since, MOST_NEW)
        return None if moved is None else _require_few(one for one in moved if one.wallet.credit_type in codes)


def _require_room(codes: Sequence[str], periods: Sequence[Period]) -> None:
    most = min(MAX_CREDIT_TYPES, MAX_POINTS_OF_ANSWER // len(periods))
    if len(codes) > most:
        raise InvalidField(field="credit_types", rule=f"at most {most} of them with so many points: name fewer")


def _served(connection: Connection) -> UsageRollup:
    rollup = usage_rollups.rollup_of(connection, SERVED)
    if rollup is None:
        raise UsageBehind
    return rollup


def _require_few(wallets: Iterable[Unadded]) -> list[Unadded]:
    """Return those with entries that are not added up. Raises UsageBehind if these are too many to read."""
    tail = [one for one in wallets if one.position < one.version]
    if usage.entries_in(tail) > MOST_TAIL:
        raise UsageBehind
    return tail


def _by_type(sums: Iterable[Sum]) -> Mapping[str, Mapping[int, Figures]]:
    found: defaultdict[str, defaultdict[int, Counter[tuple[Measure, int]]]] = defaultdict(lambda: defaultdict(Counter))
    for point, credit_type, measure, source, amount in sums:
        found[credit_type][point][Measure(measure), source] += amount
    return found


def _balances_at(
    connection: Connection, account_id: str, wallets: Sequence[UsedWallet], instant: Instant
) -> dict[str, UsageBalance | None]:
    """Return what the last entry before an instant left, by credit type; None where the archive would tell it."""
    newest = {one.credit_type: one.version for one in wallets}
    first = first_versions_at(connection, account_id, newest, instant)
    last = {code: version - 1 for code, version in first.items()}
    found: dict[str, UsageBalance | None] = dict.fromkeys(newest, NOTHING)
    for code, one in balances_after(connection, account_id, last, instant).items():
        found[code] = UsageBalance(one.available, one.reserved, one.debt)
    return found | {part.credit_type: None for part in untold(connection, account_id, first)}


def _balance_from(figures: Figures) -> UsageBalance:
    """Return the balance that all that ever happened has come to."""
    worth = sum(WORTH.get(measure, 0) * amount for (measure, _), amount in figures.items())
    debt = sum(OWED.get(measure, 0) * amount for (measure, _), amount in figures.items())
    reserved = sum(amount for (measure, _), amount in figures.items() if measure == Measure.HELD)
    return UsageBalance(worth + debt - reserved, reserved, debt)


def _ranked(parts: Iterable[PartUsage], top_size: int) -> dict[str, list[PartUsage]]:
    """Add up what is of the same account or label, and return by credit type those that used the most."""
    sums: dict[tuple[str, Dimension, str], PartUsage] = {}
    for part in parts:
        key = part.credit_type, part.dimension, part.value
        before = sums.get(key)
        sums[key] = (
            before._replace(used=before.used + part.used, covered=before.covered + part.covered) if before else part
        )
    found: dict[str, list[PartUsage]] = {}
    shown: Counter[tuple[str, Dimension]] = Counter()
    for part in sorted(
        sums.values(), key=lambda one: (one.credit_type, one.dimension, -one.used - one.covered, one.value)
    ):
        of_kind = part.credit_type, part.dimension
        if shown[of_kind] < top_size and (part.used or part.covered):
            shown[of_kind] += 1
            found.setdefault(part.credit_type, []).append(part)
    return found
