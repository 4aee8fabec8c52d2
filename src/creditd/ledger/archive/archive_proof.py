"""What proves a file of archived entries: the seals of what it has, and that it adds up to a checkpoint."""

import hashlib
import zlib
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from creditd.domain.controls.seal import EntrySeal
from creditd.domain.fold import Fold
from creditd.domain.instant import Instant
from creditd.domain.wallet import WalletKey
from creditd.ledger.archive import archive_files
from creditd.storage.archive.archives import ArchivedRow
from creditd.storage.entries import COMMON_KINDS


class Unproved(Exception):
    """A part of a ledger, or a file of one, is not what it has to be. The text says in what."""


class Content(NamedTuple):
    """What a file comes to.

    ``removed`` are its entries that go from the ledger, and ``claimed`` how many of these have a request id.
    """

    fold: Fold
    last_time: Instant
    removed: int
    claimed: int


class _Reading:
    """A file that is read: its entries are added up, and each stretch of them is held against its seal."""

    def __init__(self, sealed: Sequence[EntrySeal], fold: Fold) -> None:
        self.fold = fold
        self.last_time = Instant(0)
        self.removed = self.claimed = 0
        self._left = list(sealed)
        self._last_version = sealed[-1].last_version
        self._digest = hashlib.sha256(sealed[0].previous_hash)

    def add(self, filed: ArchivedRow) -> None:
        """Take the next entry."""
        entry, document = filed
        if not self._left or WalletKey(entry.account_id, entry.credit_type) != self._left[0].wallet:
            message = f"version {entry.version} of {entry.account_id} {entry.credit_type} does not belong there"
            raise Unproved(message)
        if entry.version != self.fold.version + 1:
            message = f"version {entry.version} comes after {self.fold.version}"
            raise Unproved(message)
        self.fold.add(entry)
        if self.fold.differences:
            message = f"version {entry.version} does not add up"
            raise Unproved(message)
        self.last_time = entry.create_time
        if entry.kind in COMMON_KINDS and entry.ordinal == 0 and entry.version < self._last_version:
            self.removed += 1
            self.claimed += entry.request_id is not None
        self._digest.update(hashlib.sha256(document).digest())
        if entry.version == self._left[0].last_version:
            self._end_stretch()

    def _end_stretch(self) -> None:
        seal = self._left.pop(0)
        if self._digest.digest() != seal.hash:
            message = f"the entries up to version {seal.last_version} are not those that were sealed"
            raise Unproved(message)
        self._digest = hashlib.sha256(seal.hash)

    def end(self) -> Content:
        """Return what all of it comes to."""
        if self._left:
            message = f"it ends with version {self.fold.version} instead of {self._last_version}"
            raise Unproved(message)
        return Content(self.fold, self.last_time, self.removed, self.claimed)


def prove(path: Path, sealed: Sequence[EntrySeal], fold: Fold) -> Content:
    """Hold a file against the seals of what it has to have, and add it up after ``fold``. Raises Unproved."""
    reading = _Reading(sealed, fold)
    try:
        for filed in archive_files.read(path):
            reading.add(filed)
    except (OSError, EOFError, ValueError, KeyError, TypeError, zlib.error) as error:
        message = f"it cannot be read: {error}"
        raise Unproved(message) from error
    return reading.end()
