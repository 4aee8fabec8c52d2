"""Verification: fold every entry, and report each difference from what is stored.

It goes in steps of a few hundred entries. Between two steps it holds nothing: no snapshot, no connection, no thread.
What is stored of a wallet is read at one moment together with the version that its ledger has reached. The entries up
to that version never change again, so that they can be read at any time after it, while the wallet moves on. Those that
are in the archive, or come there meanwhile, are passed over: from their checkpoint on, nothing is missing.

Counts of further spenders are read once the wallet has been folded, with the version that it has come to by then.
"""

from collections import Counter
from collections.abc import Callable, Iterator
from typing import Final, NamedTuple

from creditd.domain.fold import Difference, Fold
from creditd.domain.instant import Instant
from creditd.domain.wallet import WalletKey
from creditd.storage.archive.archives import StoredCheckpoint, checkpoints
from creditd.storage.database import Connection, Database
from creditd.storage.verification import Kept, MoreCounts, Stretch, entries_of, kept_wallets, more_counts, next_accounts

ENTRIES_AT_A_TIME: Final = 500
"""Read and folded in one step: some ten milliseconds, in which other threads take turns with this one."""

COUNTS_AT_A_TIME: Final = 1_000
"""Of one wallet, read by one statement: more spenders than most have."""


class Found(NamedTuple):
    """A difference, and the wallet it was found in."""

    wallet: WalletKey
    difference: Difference


class Checked(NamedTuple):
    """How much was checked."""

    wallets: int
    entries: int
    differences: int


class _Wallet:
    """A wallet whose ledger is being folded."""

    __slots__ = ("_is_compared", "fold", "kept")

    def __init__(self, kept: Kept) -> None:
        self.kept = kept
        self.fold = Fold()
        self._is_compared = False

    @property
    def left(self) -> int:
        return self.kept.last_version - self.fold.version

    def found(self) -> list[Difference]:
        """Return what the fold has found since it was last asked: a bad ledger may have more than memory holds."""
        differences, self.fold.differences = self.fold.differences, []
        return differences

    def go_on_from(self, stored: StoredCheckpoint) -> None:
        """Go on from a checkpoint: the entries up to it are not all there any more, or were folded already."""
        checkpoint, after = stored
        differences = self.fold.differences
        self.fold = Fold(checkpoint)
        names = ("available_after", "reserved_after", "debt_after")
        expected = (checkpoint.available, checkpoint.reserved, checkpoint.debt)
        for name, one, other in zip(names, expected, after or (-1, -1, -1), strict=True):
            if one != other:
                differences.append(Difference(checkpoint.version, name, one, other))
        self.fold.differences = differences

    def compare(self) -> list[Difference]:
        """Return the differences from what is stored; once that was done, from the counts that were read since."""
        if self._is_compared:
            return self.fold.compare_counts(self.kept.wallet.counts)
        self._is_compared = True
        return self.fold.compare(self.kept.wallet)

    def go_on(self, more: MoreCounts) -> None:
        """Go on to further counts."""
        self.kept = Kept(self.kept.wallet._replace(counts=more.counts), more.last_version)


class Verification:
    """One verification, of one account or of all. ``step`` it until it ``is_done``. Used by one thread at a time."""

    def __init__(self, database: Database, now: Callable[[], Instant], account_id: str | None = None) -> None:
        """Check one account, or all for None; ``now`` tells which counts are of today."""
        self.is_done = False
        self._database = database
        self._now = now
        self._all = account_id is None
        self._accounts = [account_id] if account_id else []
        self._after = ""
        self._under_way: dict[WalletKey, _Wallet] = {}
        self._wallets = self._entries = self._differences = 0

    def step(self) -> list[Found | Checked]:
        """Take the next step, and return the differences that it found; the last step returns how much was checked."""
        with self._database.listing() as connection:
            if self._under_way:
                found: list[Found | Checked] = list(self._fold(connection))
                self._differences += len(found)
                return found
            self._load(connection)
        return [Checked(self._wallets, self._entries, self._differences)] if self.is_done else []

    def _load(self, connection: Connection) -> None:
        """Read what is stored of the next accounts' wallets."""
        if self._all:
            self._accounts = next_accounts(connection, self._after)
        if not self._accounts:
            self.is_done = True
            return
        kept = kept_wallets(connection, self._accounts, self._now(), COUNTS_AT_A_TIME)
        self._after, self._accounts = self._accounts[-1], []
        self._under_way = {wallet: _Wallet(kept[wallet]) for wallet in sorted(kept)}
        self._wallets += len(kept)

    def _fold(self, connection: Connection) -> Iterator[Found]:
        """Fold the next entries of the wallets under way, and compare those whose ledgers end with them."""
        stretches = self._stretches_there(connection)
        counts = Counter[WalletKey]()
        for entry in entries_of(connection, stretches, ENTRIES_AT_A_TIME):
            wallet = WalletKey(entry.account_id, entry.credit_type)
            self._under_way[wallet].fold.add(entry)
            counts[wallet] += 1
        self._entries += counts.total()
        more: dict[WalletKey, str] = {}
        for wallet in stretches:
            folded = self._under_way[wallet]
            yield from (Found(wallet, difference) for difference in folded.found())
            # Fewer than were asked for: between the versions something is missing, and nothing more will come.
            if counts[wallet] < ENTRIES_AT_A_TIME or not folded.left:
                yield from (Found(wallet, difference) for difference in folded.compare())
                last = folded.kept.wallet.counts.last
                if last is None:
                    del self._under_way[wallet]
                else:
                    more[wallet] = last
        if more:
            for wallet, counted in more_counts(connection, more, self._now(), COUNTS_AT_A_TIME).items():
                self._under_way[wallet].go_on(counted)

    def _stretches_there(self, connection: Connection) -> dict[WalletKey, Stretch]:
        """Return what to read next, having gone on from the checkpoints of what is in the archive."""
        stretches = self._stretches()
        after = {wallet: stretch.after for wallet, stretch in stretches.items()}
        ends = {wallet: stretch.last for wallet, stretch in stretches.items()}
        for wallet, stored in checkpoints(connection, after, ends).items():
            self._under_way[wallet].go_on_from(stored)
            stretches[wallet] = Stretch(stored.checkpoint.version, ends[wallet])
        return stretches

    def _stretches(self) -> dict[WalletKey, Stretch]:
        """Return what to read next: the first wallets under way that come to a few hundred entries together."""
        stretches: dict[WalletKey, Stretch] = {}
        room = ENTRIES_AT_A_TIME
        for wallet, folded in self._under_way.items():
            stretches[wallet] = Stretch(folded.fold.version, folded.kept.last_version)
            room -= min(folded.left, ENTRIES_AT_A_TIME)
            if room <= 0:
                break
        return stretches
