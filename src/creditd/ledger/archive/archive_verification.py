"""The files of the archive held against the chain of seals, the checkpoints, and what was left in the ledger."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final, NamedTuple

import orjson

from creditd.domain.checkpoint import Checkpoint
from creditd.domain.controls.seal import EntrySeal
from creditd.domain.fold import BEGINNING, Fold
from creditd.domain.wallet import WalletKey
from creditd.ledger.archive import archive_files
from creditd.ledger.archive.archive_proof import Content, Unproved, prove
from creditd.storage.archive import archives
from creditd.storage.archive.archives import EntryArchive, checkpoint_from
from creditd.storage.controls import seals
from creditd.storage.database import Database

ARCHIVES_AT_A_TIME: Final = 20
"""Files of which the rows are read by one statement."""

SEALS_AT_A_TIME: Final = 1_000
"""Seals read by one statement."""


class BrokenFile(NamedTuple):
    """A file that is not what it has to be, and why."""

    file: str
    problem: str


class ArchiveVerification:
    """All files, in the order of wallets and versions. ``steps`` gives what does not hold."""

    def __init__(self, database: Database, folder: Path) -> None:
        """Look into ``folder``."""
        self.checked = self.entries = 0
        self._database = database
        self._folder = folder

    def steps(self) -> Iterator[BrokenFile]:
        """Check every file."""
        before: EntryArchive | None = None
        after, first_version = WalletKey("", ""), 0
        while True:
            with self._database.listing() as connection:
                found = archives.archives_after(connection, after, first_version, ARCHIVES_AT_A_TIME)
            for archive in found:
                if before and before.wallet != archive.wallet:
                    before = None
                try:
                    proved(self._database, self._folder, archive, before)
                    self.entries += archive.last_version - archive.first_version + 1
                except Unproved as problem:
                    if self._is_there(archive):
                        yield BrokenFile(archive.file, str(problem))
                before = archive
                self.checked += 1
            if len(found) < ARCHIVES_AT_A_TIME:
                return
            after, first_version = found[-1].wallet, found[-1].first_version

    def _is_there(self, archive: EntryArchive) -> bool:
        """Tell whether it is still one: its entries may have come back meanwhile."""
        with self._database.listing() as connection:
            return archives.archives_after(connection, archive.wallet, archive.first_version - 1, 1) == [archive]


class Proved(NamedTuple):
    """A file that is what it has to be: what it comes to, and the seals of what it has."""

    content: Content
    sealed: Sequence[EntrySeal]


def proved(database: Database, folder: Path, archive: EntryArchive, before: EntryArchive | None) -> Proved:
    """Hold an archive, which comes after the one ``before``, against all that tells of it. Raises Unproved."""
    fold = Fold(_checkpoint(before) if before else BEGINNING)
    if archive.first_version != fold.version + 1:
        message = f"it begins with version {archive.first_version}, and what is before it ends with {fold.version}"
        raise Unproved(message)
    path = folder / archive.file
    _require_file(path, archive)
    sealed = _seals_of(database, archive)
    content = prove(path, sealed, fold)
    if content.fold.checkpoint() != _checkpoint(archive):
        message = "the checkpoint is not what the entries add up to"
        raise Unproved(message)
    if (content.removed, content.last_time) != (archive.removed, archive.last_time):
        message = "its row does not tell what is in it"
        raise Unproved(message)
    _require_left(database, path, archive)
    return Proved(content, sealed)


def _checkpoint(archive: EntryArchive) -> Checkpoint:
    checkpoint = checkpoint_from(archive.last_version, orjson.loads(archive.state))
    if checkpoint is None:
        message = f"the checkpoint after version {archive.last_version} cannot be read"
        raise Unproved(message)
    return checkpoint


def _require_file(path: Path, archive: EntryArchive) -> None:
    try:
        found = archive_files.hash_of(path)
    except OSError as error:
        message = f"it cannot be read: {error.strerror}"
        raise Unproved(message) from error
    if found != archive.file_hash:
        message = "it is not the file that was written"
        raise Unproved(message)


def _seals_of(database: Database, archive: EntryArchive) -> list[EntrySeal]:
    """Return the seals of what a file has; they have to begin and end with it."""
    found: list[EntrySeal] = []
    version = archive.first_version - 1
    with database.listing() as connection:
        while version < archive.last_version:
            page = seals.entry_seals_after(connection, archive.wallet, version, SEALS_AT_A_TIME, of_one=True)
            page = [seal for seal in page if seal.wallet == archive.wallet]
            if not page:
                break
            found += page
            version = page[-1].last_version
    found = [seal for seal in found if seal.last_version <= archive.last_version]
    if not found or (found[0].first_version, found[-1].last_version) != (archive.first_version, archive.last_version):
        message = "its seals are missing"
        raise Unproved(message)
    return found


def _require_left(database: Database, path: Path, archive: EntryArchive) -> None:
    """Raise Unproved if what was left in the ledger is not what the file has."""
    with database.listing() as connection:
        left = archives.rows_left(connection, archive.wallet, archive.first_version, archive.last_version)
    expected = archive.last_version - archive.first_version + 1 - archive.removed
    same = sum(left.get(entry.version) == document for entry, document in archive_files.read(path))
    if not same == len(left) == expected:
        message = f"of the {expected} entries that were left in the ledger {same} are as they were, of {len(left)}"
        raise Unproved(message)
