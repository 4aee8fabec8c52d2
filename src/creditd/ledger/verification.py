"""Verification: fold every entry, and report each difference from what is stored.

It goes in steps of a few hundred entries. Between two steps it holds nothing: no snapshot, no connection, no thread.
What is stored of a wallet is read at one moment together with the version that its ledger has reached. The entries up
to that version never change again, so that they can be read at any time after it, while the wallet moves on.
"""

from collections import Counter
from collections.abc import Iterator
from typing import Final, NamedTuple

from creditd.domain.fold import Difference, Fold
from creditd.domain.wallet import WalletKey
from creditd.storage.database import Connection, Database
from creditd.storage.verification import Kept, Stretch, entries_of, kept_wallets, next_accounts

ENTRIES_AT_A_TIME: Final = 500
"""Read and folded in one step: some ten milliseconds, in which other threads take turns with this one."""


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

    __slots__ = ("fold", "kept")

    def __init__(self, kept: Kept) -> None:
        self.kept = kept
        self.fold = Fold()

    @property
    def left(self) -> int:
        return self.kept.last_version - self.fold.version

    def found(self) -> list[Difference]:
        """Return what the fold has found since it was last asked: a bad ledger may have more than memory holds."""
        differences, self.fold.differences = self.fold.differences, []
        return differences


class Verification:
    """One verification, of one account or of all. ``step`` it until it ``is_done``. Used by one thread at a time."""

    def __init__(self, database: Database, account_id: str | None = None) -> None:
        """Check one account, or all for None."""
        self.is_done = False
        self._database = database
        self._all = account_id is None
        self._accounts = [account_id] if account_id else []
        self._after = ""
        self._under_way: dict[WalletKey, _Wallet] = {}
        self._wallets = self._entries = self._differences = 0

    def step(self) -> list[Found | Checked]:
        """Take the next step, and return the differences that it found; the last step returns how much was checked."""
        with self._database.autocommit() as connection:
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
        kept = kept_wallets(connection, self._accounts)
        self._after, self._accounts = self._accounts[-1], []
        self._under_way = {wallet: _Wallet(kept[wallet]) for wallet in sorted(kept)}
        self._wallets += len(kept)

    def _fold(self, connection: Connection) -> Iterator[Found]:
        """Fold the next entries of the wallets under way, and compare those whose ledgers end with them."""
        stretches = self._stretches()
        counts = Counter[WalletKey]()
        for entry in entries_of(connection, stretches, ENTRIES_AT_A_TIME):
            wallet = WalletKey(entry.account_id, entry.credit_type)
            self._under_way[wallet].fold.add(entry)
            counts[wallet] += 1
        self._entries += counts.total()
        for wallet in stretches:
            folded = self._under_way[wallet]
            yield from (Found(wallet, difference) for difference in folded.found())
            # Fewer than were asked for: between the versions something is missing, and nothing more will come.
            if counts[wallet] < ENTRIES_AT_A_TIME or not folded.left:
                del self._under_way[wallet]
                yield from (Found(wallet, difference) for difference in folded.fold.compare(folded.kept.wallet))

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
