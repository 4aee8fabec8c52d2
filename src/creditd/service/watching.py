"""Watching wallets: their movements in order and without a gap, read from the ledger."""

from creditd.domain.wallet import WalletKey
from creditd.storage.database import Database
from creditd.storage.rows import ListedEntry
from creditd.storage.transactions import entries_after
from creditd.storage.watching import versions

ENTRIES_AT_A_TIME = 100
"""Read for one watcher in one go, so that one far behind does not hold up the others."""


class Watching:
    """Looks what has moved. One look serves every watcher of a server."""

    def __init__(self, database: Database) -> None:
        """Read through ``database``."""
        self._database = database

    def versions(self, keys: list[WalletKey]) -> dict[WalletKey, int]:
        """Return the versions of the wallets that exist."""
        with self._database.autocommit() as connection:
            return versions(connection, keys)

    def entries_after(self, key: WalletKey, version: int) -> list[ListedEntry]:
        """Return the next movements of a wallet after a version, in order."""
        with self._database.autocommit() as connection:
            return entries_after(connection, key.account_id, key.credit_type, version, ENTRIES_AT_A_TIME)
