"""What is written in the database, read by a connection of the test's own."""

from typing import NamedTuple

from creditd.domain.entry import Entry
from creditd.domain.instant import Instant
from creditd.domain.wallet import Wallet, WalletKey
from creditd.ledger.verification import Checked, Found, Verification
from creditd.storage.accounts import find
from creditd.storage.database import Database
from creditd.storage.verification import Stretch, entries_of
from creditd.storage.wallets import load_accounts
from tests.support.databases import clock_of
from tests.support.desk import RULES


class Figures(NamedTuple):
    """A wallet's figures as they are stored."""

    version: int
    available: int
    reserved: int


class Books:
    """Reads what was committed."""

    def __init__(self, database: Database) -> None:
        """Read from a database."""
        self._database = database

    def entries(self, account: str, credit_type: str = "chat") -> list[Entry]:
        """Return a wallet's ledger in order."""
        with self._database.autocommit() as connection:
            return entries_of(connection, {WalletKey(account, credit_type): Stretch(0, 10_000)}, 10_000)

    def kinds(self, account: str, credit_type: str = "chat") -> list[str]:
        """Return what happened to a wallet, in order."""
        return [entry.kind.name for entry in self.entries(account, credit_type)]

    def wallet(self, account: str, credit_type: str = "chat") -> Wallet:
        """Return a wallet as it is stored."""
        with self._database.autocommit() as connection:
            wallets = load_accounts(connection, [account], Instant(0), RULES.order)[account].wallets
        return wallets[credit_type].wallet

    def figures(self, account: str, credit_type: str = "chat") -> Figures:
        """Return a wallet's figures."""
        wallet = self.wallet(account, credit_type)
        return Figures(wallet.version, wallet.available, wallet.reserved)

    def knows(self, account: str) -> bool:
        """Tell whether an account was opened."""
        with self._database.autocommit() as connection:
            return find(connection, account) is not None

    def are_whole(self, account: str) -> bool:
        """Tell whether the account's ledger adds up to what is stored, without a gap in the versions."""
        found = self.verified(account)
        return isinstance(found[0], Checked) and not found[0].differences

    def verified(self, account: str) -> list[Found | Checked]:
        """Return every difference in the account's ledger, then how much was checked."""
        verification = Verification(self._database, clock_of(self._database).now, account)
        found: list[Found | Checked] = []
        while not verification.is_done:
            found += verification.step()
        return found
