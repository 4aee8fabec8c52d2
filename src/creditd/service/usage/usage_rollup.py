"""The rollup of usage, kept up with the ledger: a bounded round at a time, off every hot path.

A wallet is added up to the version that its position says, in one transaction with the sums. So a round that was cut
short has done nothing, and one that is made twice adds nothing twice. What is told of all accounts has each entry after
a round or two; an account's own sums have it once there are enough of them, since few entries of one account are read
as quickly as sums. Wallets that have moved are found by the times of
the newest entries; besides, the rounds go on through all wallets, and find what came in before there was a rollup, or
what was committed later than anything should be.

Whichever server has the rollup's row adds up; the others leave it to that one.
"""

from collections.abc import Iterable, Mapping, Sequence
from math import nan
from typing import Final, NamedTuple

from creditd.domain.instant import SECOND, Instant
from creditd.domain.wallet import WalletKey
from creditd.ledger.clock import DatabaseClock
from creditd.service.payments.background import Background
from creditd.service.payments.providers import InThread
from creditd.storage import account_labels
from creditd.storage.database import Connection, Database
from creditd.storage.usage import usage_account_sums, usage_leaders, usage_moves, usage_rollups
from creditd.storage.usage.usage_rollups import SERVED, UsageRollup
from creditd.storage.usage.usage_stretches import Unadded

ROUND_SECONDS: Final = 2.0
"""Seconds between rounds; the default of a setting."""

LATENESS: Final = 90 * SECOND
"""How long after an entry was made it may be committed. A turn at the database ends after 30 s, and a statement that
goes on without its server after another 30."""

WHOLE_LOOK: Final = 10 * SECOND
"""Between looks at all that may have been committed late: a minute and a half of all entries, which is too much for
every round. Only such a look moves on the time up to which all is added up."""

NEWEST: Final = 6 * SECOND
"""What other rounds look at: a few rounds' entries, and a save takes less than a second."""

MOST_BEHIND: Final = 600 * SECOND
"""How old the time may be up to which all is added up, for wallets to be found by time. Beyond it, after servers were
away for long, it is quicker to look at every wallet than at every entry since."""

MOST_LOOKED_AT: Final = 500_000
"""New entries among which a round looks for wallets that have moved: those of a whole look at five thousand a second.
Where there are more, wallets are not found by time, and the pass over all of them by their positions keeps up."""

ENTRIES_AT_A_TIME: Final = 10_000
"""Entries of a round: some hundred milliseconds of PostgreSQL, and what a server of two cores writes in seconds."""

STRETCH_ENTRIES: Final = 2_000
"""Entries of one wallet in a round, so that one that moves a lot does not keep the others waiting."""

WEIGHT_AT_A_TIME: Final = 20_000
"""Entries and slices of a round: a movement may have spent thousands of grants."""

WALLETS_AT_A_TIME: Final = 2_000
"""Wallets that a round looks at while a pass over all has to be made."""

WALLETS_BESIDE: Final = 200
"""Wallets that a round looks at otherwise: a hundred thousand in a quarter of an hour."""

SUMMED_AT: Final = 100
"""Entries of a wallet after which the account's own sums have it: a read of these adds up so many of each wallet."""

SUMMED_AT_A_TIME: Final = 20_000
"""Entries that a round adds to accounts' own sums: twice what it adds otherwise, so that these never fall behind."""

SUMMED_WEIGHT_AT_A_TIME: Final = 40_000
"""The same of entries and slices."""

MOST_DUE: Final = 10_000
"""Wallets for whose sums there was no room that are kept in mind. The pass over all wallets finds any others."""

BEGINNING: Final = WalletKey("", "")


class RollupRounds:
    """Makes rounds of one rollup, on the calling thread."""

    def __init__(self, database: Database, clock: DatabaseClock, label: str, search_label: str = "") -> None:
        """Add up what is in ``database``; a rollup that has not begun yet goes by ``label``.

        Values of ``search_label`` are noted on the way, if one is named.
        """
        self._database = database
        self._clock = clock
        self._label = label
        self._search_label = search_label
        self._due: list[WalletKey] = []
        self._edition = 0
        self._next_whole_look = Instant(0)

    def roll_up(self, state: int = SERVED) -> "Round":
        """Make a round with the rollup in a state. Blocks."""
        now = self._clock.now()
        with self._database.transaction() as connection:
            rollup = usage_rollups.take_turn(connection, state)
            if rollup is None:
                self._due = []
                return Round(usage_rollups.rollup_of(connection, state), entries=0, has_more=False, is_ours=False)
            due = self._due if self._edition == rollup.edition else []
            look = _Look(now, may_be_whole=now >= self._next_whole_look)
            made, due = _round(connection, _begun(rollup, self._label, now), look, due, self._search_label)
            if made.rollup != rollup and made.rollup is not None:
                usage_rollups.write_rollup(connection, made.rollup)
        self._edition, self._due = rollup.edition, due
        if made.is_late and look.may_be_whole:
            # As much is new in the next round, and the pass goes on meanwhile.
            self._next_whole_look = Instant(now + WHOLE_LOOK)
        return made


class Round(NamedTuple):
    """What a round came to: the rollup as it is, how many entries it added, and whether there are more right away.

    With ``is_ours`` false another goes on with it, or there is none. With ``is_late`` a look at all that may have been
    committed late was due, and could not be made.
    """

    rollup: UsageRollup | None
    entries: int
    has_more: bool
    is_ours: bool = True
    is_late: bool = False


class _Look(NamedTuple):
    """When a round looks for wallets that have moved, and whether it may look at all that may have come late."""

    now: Instant
    may_be_whole: bool


class UsageRoller:
    """Keeps the rollup that is served up with the ledger, in the ``background``."""

    def __init__(
        self,
        database: Database,
        clock: DatabaseClock,
        in_thread: InThread,
        label: str,
        interval_seconds: float = ROUND_SECONDS,
        search_label: str = "",
    ) -> None:
        """Look for what is new every ``interval_seconds``."""
        self._clock = clock
        self._in_thread = in_thread
        self._rounds = RollupRounds(database, clock, label, search_label)
        self._complete_time: Instant | None = None
        self.background = Background(self._catch_up, interval_seconds, "usage rollup")

    @property
    def lag_seconds(self) -> float:
        """How long ago the rollup had all that was committed; not a number until that is known."""
        if self._complete_time is None:
            return nan
        return max(0.0, (self._clock.now() - self._complete_time - LATENESS) / SECOND)

    async def _catch_up(self) -> None:
        # Each round is a job of its own, so that others have their turns on the threads of the background.
        while self._clock.is_read and await self._in_thread(self.roll_up_once):
            pass

    def roll_up_once(self) -> bool:
        """Make a round; return whether more can be added right away. Blocks."""
        made = self._rounds.roll_up()
        self._complete_time = made.rollup.complete_time if made.rollup else None
        return made.has_more


def _begun(rollup: UsageRollup, label: str, now: Instant) -> UsageRollup:
    """Return the rollup as this round starts from it."""
    if rollup.label is None:
        rollup = rollup._replace(label=label)
    if rollup.complete_time is not None and now - rollup.complete_time > MOST_BEHIND:
        rollup = rollup._replace(complete_time=None, after=BEGINNING)
    if rollup.after == BEGINNING:
        rollup = rollup._replace(pass_time=now)
    return rollup


def _round(
    connection: Connection, rollup: UsageRollup, look: _Look, due: Sequence[WalletKey], search_label: str
) -> tuple[Round, list[WalletKey]]:
    """Make a round; return also the wallets for whose sums there was no room. Those of the round before are ``due``."""
    edition, label = rollup.edition, rollup.label or ""
    found, is_whole = _moved(connection, rollup, look)
    is_late = _is_due(rollup, look.now) and not is_whole
    count = WALLETS_AT_A_TIME if found is None or is_late else WALLETS_BESIDE
    moved = found or []
    page = usage_rollups.wallets_after(connection, edition, rollup.after, count)
    stretches = _stretches(moved, page)
    reached: Mapping[WalletKey, int] = {}
    if stretches:
        reached, rankings = usage_rollups.add_up(connection, edition, label, stretches, WEIGHT_AT_A_TIME)
        usage_leaders.keep_leaders(connection, edition, rankings)
        if search_label:
            come_to = [one._replace(version=reached[one.wallet]) for one in stretches if one.wallet in reached]
            account_labels.note(connection, search_label, come_to)
    looked_at = {one.wallet: one for one in (*page, *moved)}
    if missing := [wallet for wallet in due if wallet not in looked_at]:
        looked_at |= {one.wallet: one for one in usage_rollups.wallets_of(connection, edition, missing)}
    left = _sum_up(connection, rollup, looked_at.values(), reached)
    added = sum(reached[one.wallet] - one.position for one in stretches if one.wallet in reached)
    is_all_moved = _is_done(moved, reached)
    if is_whole and is_all_moved:
        rollup = rollup._replace(complete_time=max(rollup.complete_time or look.now, Instant(look.now - LATENESS)))
    rollup, is_page_done = _gone_on(rollup, page, reached, is_last=len(page) < count)
    has_more = not (is_all_moved and is_page_done) or rollup.complete_time is None or bool(left)
    return Round(rollup, added, has_more, is_late=is_late), left


def _sum_up(
    connection: Connection, rollup: UsageRollup, wallets: Iterable[Unadded], reached: Mapping[WalletKey, int]
) -> list[WalletKey]:
    """Bring accounts' own sums on where enough entries were added up since; return the wallets that are left."""
    stretches, room, unsummed = [], SUMMED_AT_A_TIME, []
    for one in wallets:
        position = reached.get(one.wallet, one.position)
        if position - one.summed >= SUMMED_AT:
            unsummed.append(Unadded(one.wallet, position, one.summed))
    for one in sorted(unsummed, key=lambda one: one.position - one.version):
        if entries := min(one.version - one.position, room):
            stretches.append(one._replace(version=one.position + entries))
            room -= entries
    if not stretches:
        return []
    came_to = usage_account_sums.sum_up(
        connection, rollup.edition, rollup.label or "", stretches, SUMMED_WEIGHT_AT_A_TIME
    )
    left = [one.wallet for one in unsummed if one.version - came_to.get(one.wallet, one.position) >= SUMMED_AT]
    return left[:MOST_DUE]


def _is_due(rollup: UsageRollup, now: Instant) -> bool:
    """Tell whether it is time to look at all that may have been committed late."""
    return rollup.complete_time is not None and now - rollup.complete_time >= LATENESS + WHOLE_LOOK


def _moved(connection: Connection, rollup: UsageRollup, look: _Look) -> tuple[list[Unadded] | None, bool]:
    """Return wallets that have moved, and whether it was looked for all that are not added up.

    None where they cannot be found by time.
    """
    complete = rollup.complete_time
    if complete is None:
        return None, False
    looks = [(max(complete, Instant(look.now - NEWEST)), False)]
    if look.may_be_whole and _is_due(rollup, look.now):
        looks.insert(0, (complete, True))
    usage_moves.go_by_indexes(connection)
    for since, is_whole in looks:
        moved = usage_moves.wallets_moved_since(connection, rollup.edition, since, MOST_LOOKED_AT)
        if moved is not None:
            return moved, is_whole
    return None, False


def _stretches(moved: Sequence[Unadded], page: Sequence[Unadded]) -> list[Unadded]:
    """Return what is to be added: of each wallet a stretch, as far as there is room."""
    room, stretches, known = ENTRIES_AT_A_TIME, [], {one.wallet for one in moved}
    for one in (*moved, *(one for one in page if one.wallet not in known)):
        entries = min(one.version - one.position, STRETCH_ENTRIES, room)
        if entries > 0:
            stretches.append(one._replace(version=one.position + entries))
            room -= entries
    return stretches


def _is_done(wallets: Iterable[Unadded], reached: Mapping[WalletKey, int]) -> bool:
    return all(one.position >= one.version or reached.get(one.wallet, 0) >= one.version for one in wallets)


def _gone_on(
    rollup: UsageRollup, page: Sequence[Unadded], reached: Mapping[WalletKey, int], *, is_last: bool
) -> tuple[UsageRollup, bool]:
    """Return the rollup with its pass moved past the wallets of a page that are added up, and whether all are."""
    for place, one in enumerate(page):
        if not _is_done([one], reached):
            return rollup._replace(after=page[place - 1].wallet if place else rollup.after), False
    if not is_last:
        return rollup._replace(after=page[-1].wallet), True
    # Whatever was committed when the pass began has been come by.
    complete = Instant(rollup.pass_time - LATENESS)
    return rollup._replace(after=BEGINNING, complete_time=max(rollup.complete_time or complete, complete)), True
