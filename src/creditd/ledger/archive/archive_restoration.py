"""Bringing archived entries back into the ledger, a file at a time and the last of each wallet first.

A file is proved as `archive verify` does it. What was written from it is proved once more, by the seals, in the
transaction that writes it: what comes back is what went, or nothing does.
"""

from collections.abc import Iterator
from itertools import islice
from pathlib import Path

from creditd.domain.wallet import WalletKey
from creditd.ledger.archive import archive_files
from creditd.ledger.archive.archive_files import Witness, unwatched
from creditd.ledger.archive.archive_proof import Unproved
from creditd.ledger.archive.archive_verification import proved
from creditd.ledger.archive.archiver import require_sealed, tell
from creditd.ledger.clock import DatabaseClock
from creditd.ledger.ids import Ids
from creditd.storage.archive import archive_acts, archives
from creditd.storage.archive.archives import ROWS_AT_A_TIME, EntryArchive
from creditd.storage.database import Connection, Database


class ArchiveRestoration:
    """Brings back what is in files. Used by one thread."""

    def __init__(self, database: Database, clock: DatabaseClock, folder: Path, witness: Witness = unwatched) -> None:
        """Read the files in ``folder``. ``database`` is used by the owner of the tables."""
        self._database = database
        self._clock = clock
        self._make_id = Ids(clock.now)
        self._folder = folder
        self._witness = witness

    def wallets(self, account_id: str | None = None) -> Iterator[WalletKey]:
        """Give the wallets of which something is in files, in the order of their keys."""
        wallet: WalletKey | None = WalletKey(account_id or "", "")
        while wallet is not None:
            with self._database.listing() as connection:
                wallet = archives.next_wallet(connection, wallet)
            if wallet is None or account_id not in (None, wallet.account_id):
                return
            yield wallet

    def restore(self, wallet: WalletKey) -> Iterator[EntryArchive]:
        """Bring a wallet's entries back; give each archive that is no more. Raises Unproved, OSError."""
        while True:
            with self._database.listing() as connection:
                newest = archives.newest_archives(connection, wallet, 2)
            if not newest:
                return
            self._restore(newest[0], newest[1] if len(newest) > 1 else None)
            yield newest[0]

    def _restore(self, archive: EntryArchive, before: EntryArchive | None) -> None:
        content, sealed = proved(self._database, self._folder, archive, before)
        with self._database.transaction() as connection:
            archive_acts.take_turn(connection)
            if archives.newest_archives(connection, archive.wallet, 1) != [archive]:
                message = "another one is at work on it"
                raise Unproved(message)
            back = self._put_back(connection, archive)
            if back != (content.claimed, content.removed):
                message = (
                    f"{content.removed} entries with {content.claimed} ids were away, not {back[1]} with {back[0]}"
                )
                raise Unproved(message)
            require_sealed(connection, sealed)
            archive_acts.forget(connection, archive)
            tell(connection, "entries.restore", archive, self._make_id(), self._clock.now())
            self._witness("commit")

    def _put_back(self, connection: Connection, archive: EntryArchive) -> tuple[int, int]:
        claimed = written = 0
        filed = archive_files.read(self._folder / archive.file)
        while some := list(islice(filed, ROWS_AT_A_TIME)):
            ids, entries = archive_acts.put_back(connection, archive.account_id, some)
            claimed += ids
            written += entries
        return claimed, written
