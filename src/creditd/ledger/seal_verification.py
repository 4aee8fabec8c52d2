"""The chain held against what it seals: every difference is found, and where it is.

Like the verification of the ledger it goes in steps, and holds nothing between two of them. What is sealed never
changes, so that it can be read at any time.
"""

from collections.abc import Iterator
from typing import Final, NamedTuple

from creditd.domain.controls.seal import NO_HASH, NO_SEAL, EntrySeal, Seal, hash_of
from creditd.domain.wallet import WalletKey
from creditd.storage.archive.archives import archived_versions
from creditd.storage.controls import seals
from creditd.storage.controls.seals import Rehashed
from creditd.storage.database import Connection, Database

SEALS_AT_A_TIME: Final = 20
"""Of the chain, read in one step: each holds some thousands of events and seals at most."""

ENTRY_SEALS_AT_A_TIME: Final = 500
"""Seals of entries read in one step."""

ENTRIES_AT_A_TIME: Final = 50_000
"""Entries hashed in one step, one seal more or less: some hundred milliseconds of PostgreSQL."""

BEGINNING: Final = WalletKey("", "")


class BrokenSeal(NamedTuple):
    """A seal of the chain that does not hold, and why."""

    seal_number: int
    problem: str


class BrokenStretch(NamedTuple):
    """A sealed stretch of a ledger that is not what was sealed, and why; ``version`` is the last one of it."""

    wallet: WalletKey
    version: int
    problem: str


class ChainVerification:
    """The chain from a seal that is known to be right, or from its beginning. ``step`` it until it is done."""

    def __init__(self, database: Database, known: Seal = NO_SEAL) -> None:
        """Begin after ``known``."""
        self.is_done = False
        self.checked = 0
        self.head = known
        self._database = database

    def step(self) -> list[BrokenSeal]:
        """Check the next seals; return those that do not hold."""
        with self._database.autocommit() as connection:
            found = seals.seals_after(connection, self.head.seal_number, SEALS_AT_A_TIME)
            broken = [BrokenSeal(seal.seal_number, why) for seal in found for why in self._check(connection, seal)]
        self.is_done = not found
        return broken

    def _check(self, connection: Connection, seal: Seal) -> Iterator[str]:
        before, self.head = self.head, seal
        self.checked += 1
        if seal.seal_number != before.seal_number + 1:
            yield f"the seals between {before.seal_number} and it are missing"
            return
        if seal.previous_hash != before.hash:
            yield "it does not follow from the one before"
        events = seals.events_between(connection, before.last_event_id, seal.last_event_id, seal.event_count + 1)
        held = seals.held_by(connection, seal.seal_number, seal.entry_seal_count + 1)
        if len(events) != seal.event_count:
            there = _so_many(len(events), seal.event_count)
            yield f"{seal.event_count} audit events were sealed, and {there} are there"
        elif len(held) != seal.entry_seal_count:
            there = _so_many(len(held), seal.entry_seal_count)
            yield f"{seal.entry_seal_count} seals of entries were sealed, and {there} are there"
        elif hash_of(seal, (event.hash for event in events), held) != seal.hash:
            yield "an audit event, a seal of entries or the seal itself is not what it was"


def _so_many(there: int, sealed: int) -> str:
    # No more are read than tell that they are too many.
    return f"more than {sealed}" if there > sealed else str(there)


class EntrySealVerification:
    """The seals of all ledgers, or of one account's, held against the entries. ``step`` it until it is done.

    Of ``archived`` ones the entries are in files, and only the chain of the seals is looked at.
    """

    def __init__(self, database: Database, account_id: str | None = None) -> None:
        """Check one account, or all for None."""
        self.is_done = False
        self.checked = self.archived = 0
        self._database = database
        self._of_one = account_id is not None
        self._last = EntrySeal(account_id or "", "", 0, 0, NO_HASH, NO_HASH, 0)

    def step(self) -> list[BrokenStretch]:
        """Check the next seals; return those that do not hold."""
        last = self._last
        # In one snapshot: an entry is there, or its wallet is archived up to it.
        with self._database.snapshot() as connection:
            found = seals.entry_seals_after(
                connection, last.wallet, last.last_version, ENTRY_SEALS_AT_A_TIME, of_one=self._of_one
            )
            sealed = _first(found)
            archived = archived_versions(connection, {seal.wallet for seal in sealed}) if sealed else {}
            there = [seal for seal in sealed if seal.last_version > archived.get(seal.wallet, 0)]
            now = seals.rehashed(connection, there) if there else {}
        self.is_done = not found
        self.archived += len(sealed) - len(there)
        return [broken for seal in sealed for broken in self._check(seal, now.get((seal.wallet, seal.last_version)))]

    def _check(self, seal: EntrySeal, now: Rehashed | None) -> Iterator[BrokenStretch]:
        before, self._last = self._last, seal
        self.checked += 1
        known_hash, version = (before.hash, before.last_version) if before.wallet == seal.wallet else (NO_HASH, 0)
        sealed = seal.last_version - seal.first_version + 1
        problem = ""
        if seal.first_version != version + 1:
            problem = f"the seals between versions {version} and {seal.first_version} are missing"
        elif seal.previous_hash != known_hash:
            problem = "its seal does not follow from the one before"
        elif now is None:
            pass
        elif now.entries != sealed:
            problem = f"{sealed} entries were sealed, and {now.entries} are there"
        elif now.hash != seal.hash:
            problem = "an entry or the seal is not what it was"
        if problem:
            yield BrokenStretch(seal.wallet, seal.last_version, problem)


def _first(found: list[EntrySeal]) -> list[EntrySeal]:
    """Return the first seals that come to so many entries together as one step takes."""
    room = ENTRIES_AT_A_TIME
    for count, seal in enumerate(found, 1):
        room -= seal.last_version - seal.first_version + 1
        if room <= 0:
            return found[:count]
    return found
