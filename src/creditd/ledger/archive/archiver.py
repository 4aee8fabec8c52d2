"""Moving old entries to files, a part of a wallet's ledger at a time.

What is written is read again and proved by the seals before a transaction deletes it, so that a process that ends at
any moment has lost nothing: before the transaction a file is too many, and the next run writes it again or finds it.

No row is locked that a movement locks: what is deleted is old, and nobody writes it. A movement looks at most for a
request id, which is an entry's before and a claim's afterwards, in one snapshot or the next.
"""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final, NamedTuple

from creditd.domain.controls.audit_event import Act
from creditd.domain.controls.seal import EntrySeal
from creditd.domain.fold import Fold
from creditd.domain.instant import SECOND, Instant
from creditd.domain.resource_names import account_name
from creditd.domain.wallet import Origin, WalletKey
from creditd.ledger.archive import archive_files
from creditd.ledger.archive.archive_files import OtherContent, Witness, WrittenFile, file_of, unwatched
from creditd.ledger.archive.archive_proof import Content, Unproved, prove
from creditd.ledger.clock import DatabaseClock
from creditd.ledger.ids import Ids
from creditd.storage.archive import archive_acts, archives
from creditd.storage.archive.archives import EntryArchive, WalletStanding, checkpoint_to_json
from creditd.storage.controls import audit, seals
from creditd.storage.database import Connection, Database
from creditd.storage.entries import first_versions_at
from creditd.storage.failures import time_limit_told
from creditd.storage.usage.usage_rollups import BUILT

LEAST_DAYS: Final = 90
"""How old entries are at least: a request that is repeated until then gets its answer. A wallet's counts are of days
that are over, and what a reservation may still come to is long decided."""

DAY: Final = 86_400 * SECOND

ENTRIES_AT_A_TIME: Final = 5_000
"""Entries in a file, a seal more or less, and in a transaction: some hundred milliseconds, and 150 kB compressed."""

LEAST_ENTRIES: Final = 100
"""Entries for which a file is made: one takes 4 kB of a disk, and a checkpoint half a kilobyte of the database."""

WALLETS_AT_A_TIME: Final = 200
"""Wallets looked at by one statement."""


class OldPart(NamedTuple):
    """A part of a wallet's ledger that is to be moved: whole stretches of it, as they were sealed."""

    wallet: WalletKey
    sealed: tuple[EntrySeal, ...]

    @property
    def first_version(self) -> int:
        """The first entry of it."""
        return self.sealed[0].first_version

    @property
    def last_version(self) -> int:
        """The last one, which stays."""
        return self.sealed[-1].last_version

    @property
    def entries(self) -> int:
        """How many there are."""
        return self.last_version - self.first_version + 1

    @property
    def file(self) -> str:
        """Where it goes, within the folder."""
        return file_of(self.wallet, self.first_version, self.last_version)


class MovedPart(NamedTuple):
    """What became of a part: how many entries were deleted, and how many bytes its file takes."""

    part: OldPart
    removed: int
    size: int


OUTSIDE: Final = "creditd archive"
"""Who archives, as the audit log tells it: no caller of an RPC can."""


def tell(connection: Connection, kind: str, archive: EntryArchive, event_id: str, now: Instant) -> None:
    """Tell of an act on an archive in the audit log, which is sealed: what was away, and where, is known for good."""
    document = {
        "credit_type": archive.credit_type,
        "first_version": archive.first_version,
        "last_version": archive.last_version,
        "removed": archive.removed,
        "file": archive.file,
        "file_hash": archive.file_hash.hex(),
    }
    act = Act(Origin(OUTSIDE), kind, "", ())
    name, account_id = account_name(archive.account_id), archive.account_id
    audit.append(connection, act.done(event_id, now, name, account_id=account_id, after=document))


class UsageInTheWay(Exception):
    """Usage is added up anew, or was not added up yet: what is moved now would be missing from it."""


class Archiver:
    """Moves what is older than an age to files in a folder. Used by one thread."""

    def __init__(
        self, database: Database, clock: DatabaseClock, folder: Path, days: int, witness: Witness = unwatched
    ) -> None:
        """Move what is older than ``days``, at least LEAST_DAYS. ``database`` is used by the owner of the tables."""
        if days < LEAST_DAYS:
            message = f"at least {LEAST_DAYS} days"
            raise ValueError(message)
        self._database = database
        self._clock = clock
        self._make_id = Ids(clock.now)
        self._folder = folder
        self._horizon = Instant(clock.now() - days * DAY)
        self._witness = witness
        self._left_alone: set[WalletKey] = set()

    def parts(self, account_id: str | None = None) -> Iterator[OldPart]:
        """Give what is to be moved, in the order of wallets, the next part of each once the one before was moved."""
        after = WalletKey(account_id or "", "")
        while True:
            with self._database.listing() as connection:
                page = archives.wallets_standing(connection, after, WALLETS_AT_A_TIME)
            for standing in page:
                if account_id and standing.wallet.account_id != account_id:
                    return
                yield from self._parts_of(standing)
            if len(page) < WALLETS_AT_A_TIME:
                return
            after = page[-1].wallet

    def _parts_of(self, standing: WalletStanding) -> Iterator[OldPart]:
        archived = standing.archived
        while standing.version - archived >= LEAST_ENTRIES:
            with self._database.listing() as connection:
                part = self._next_part(connection, standing, archived)
            if part is None:
                return
            yield part
            if part.wallet in self._left_alone:
                return
            archived = part.last_version

    def _next_part(self, connection: Connection, standing: WalletStanding, archived: int) -> OldPart | None:
        """Return the next part of a wallet: whole seals, all old, added up, and before what any live hold has done."""
        account_id, credit_type = standing.wallet
        horizon = min(self._horizon, standing.first_hold or self._horizon)
        first = first_versions_at(connection, account_id, {credit_type: standing.version}, horizon)[credit_type]
        last = min(first - 1, standing.counted)
        sealed: list[EntrySeal] = []
        for seal in seals.entry_seals_after(connection, standing.wallet, archived, ENTRIES_AT_A_TIME, of_one=True):
            if seal.wallet != standing.wallet or seal.last_version > last:
                break
            if sealed and seal.last_version - archived > ENTRIES_AT_A_TIME:
                break
            sealed.append(seal)
        part = OldPart(standing.wallet, tuple(sealed))
        return part if sealed and part.entries >= LEAST_ENTRIES and part.first_version == archived + 1 else None

    def move(self, part: OldPart) -> MovedPart:
        """Write a part to its file, and delete it from the ledger.

        Raises Unproved, TookTooLong, UsageInTheWay, OSError, sqlalchemy.exc.DBAPIError; then the rest of the wallet is
        left alone.
        """
        self._left_alone.add(part.wallet)
        with time_limit_told():
            moved = self._moved(part)
        self._left_alone.remove(part.wallet)
        return moved

    def _moved(self, part: OldPart) -> MovedPart:
        written, content = self._file(part)
        self._witness("delete")
        archive = EntryArchive(
            *part.wallet,
            part.first_version,
            part.last_version,
            content.removed,
            content.last_time,
            part.file,
            written.hash,
            checkpoint_to_json(content.fold.checkpoint()),
            self._clock.now(),
        )
        with self._database.transaction() as connection:
            archive_acts.take_turn(connection)
            _require_usage(connection, part)
            require_sealed(connection, part.sealed)
            gone = archive_acts.move(connection, archive)
            if gone is None:
                message = "another one has archived it"
                raise Unproved(message)
            if gone != (content.claimed, content.removed):
                message = (
                    f"{content.removed} entries with {content.claimed} ids were to go, not {gone[1]} with {gone[0]}"
                )
                raise Unproved(message)
            tell(connection, "entries.archive", archive, self._make_id(), self._clock.now())
            self._witness("commit")
        self._witness("done")
        return MovedPart(part, content.removed, written.size)

    def _file(self, part: OldPart) -> tuple[WrittenFile, Content]:
        """Write the file, and prove by its seals what is in it now. Raises Unproved, OSError."""
        before = part.first_version - 1
        with self._database.listing() as connection:
            start = archives.checkpoints(connection, {part.wallet: 0}, {part.wallet: before})
            rows = archives.rows_between(connection, part.wallet, before, part.last_version)
            try:
                lines = (row.document for row in rows)
                written = archive_files.write(self._folder, part.file, lines, self._witness)
            except OtherContent:
                message = (
                    "a file of this name is there, with other entries in it: take it elsewhere if it is not needed"
                )
                raise Unproved(message) from None
        fold = Fold(start[part.wallet].checkpoint) if start else Fold()
        return written, prove(self._folder / part.file, part.sealed, fold)


def _require_usage(connection: Connection, part: OldPart) -> None:
    """Raise UsageInTheWay unless the rollup that is served has the part, and none is built to take its place."""
    states = archive_acts.usage_states(connection)
    if BUILT in states or archive_acts.counted_version(connection, part.wallet) < part.last_version:
        raise UsageInTheWay


def require_sealed(connection: Connection, sealed: Sequence[EntrySeal]) -> None:
    """Raise Unproved unless the entries of stretches are in the ledger as they were sealed."""
    now = seals.rehashed(connection, sealed)
    for seal in sealed:
        if now[seal.wallet, seal.last_version].hash != seal.hash:
            message = f"the entries up to version {seal.last_version} are not those that were sealed"
            raise Unproved(message)
