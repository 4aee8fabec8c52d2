"""The rebuild of the rollup of usage: another one is added up beside the one that is served, and takes its place."""

import time
from collections.abc import Iterator
from typing import Final, NamedTuple

from creditd.domain.instant import SECOND, Instant
from creditd.domain.wallet import WalletKey
from creditd.ledger.clock import DatabaseClock
from creditd.service.usage.usage_rollup import BEGINNING, LATENESS, RollupRounds
from creditd.storage.archive.archives import has_archives
from creditd.storage.database import Database
from creditd.storage.usage import usage_rollups
from creditd.storage.usage.usage_rollups import BUILT, RETIRED, SERVED

WALLETS_AT_A_TIME: Final = 50
"""Wallets of which a retired rollup is deleted in a transaction: in a year each may have come to tens of thousands of
rows."""

ROWS_AT_A_TIME: Final = 10_000
"""The same of rows that are of no wallet."""

CURRENT: Final = 10 * SECOND
"""How long ago a rollup had everything, for it to be served: a few rounds, which its servers make up for at once."""

PAUSE_SECONDS: Final = 0.5
"""Until another look, while another rebuild has the rollup."""


class Progress(NamedTuple):
    """How far a rebuild is: entries that it has added up, of about how many there were at its start."""

    entries: int
    of: int
    is_deleting: bool = False

    def __str__(self) -> str:
        """Tell it in a line."""
        if self.is_deleting:
            return f"{self.entries} entries added up; what was served before is deleted"
        return f"{self.entries} of about {self.of} entries added up ({100 * self.entries // max(1, self.of)} %)"


class EntriesAreAway(Exception):
    """Entries are in the archive, so that usage cannot be added up anew from the ledger."""


class UsageRebuild:
    """Adds usage up anew. It can be interrupted at any point and begun again: it goes on from what was committed."""

    def __init__(self, database: Database, clock: DatabaseClock, label: str, search_label: str = "") -> None:
        """Add up what is in ``database``, and by the ``label``; values of ``search_label`` are noted on the way."""
        self._database = database
        self._clock = clock
        self._label = label
        self._rounds = RollupRounds(database, clock, label, search_label)
        self._edition = 0
        self.entries = 0
        self._of = 0
        self.is_done = False

    def left(self) -> Iterator[Progress]:
        """Delete what a rebuild that was ended early has left to be deleted, archives or not, a bounded step at a time.

        Then ``is_done`` tells whether that was all that was left of it: what is served is what it has added up. Blocks.
        """
        with self._database.autocommit() as connection:
            is_left = bool(usage_rollups.editions(connection, RETIRED))
            built, served = (usage_rollups.rollup_of(connection, state) for state in (BUILT, SERVED))
        yield from self._delete_retired()
        self.is_done = is_left and built is None and served is not None and served.label == self._label

    def begin(self) -> None:
        """Find the rollup that another rebuild left unfinished, or begin one. Blocks.

        Raises EntriesAreAway if any were archived: the rollup that is served has them, and another could not.
        """
        with self._database.transaction() as connection:
            newest = max(usage_rollups.lock_rollups(connection))
            # No archive is begun while these rows are held, nor while there is a rollup that is built.
            if has_archives(connection):
                raise EntriesAreAway
            built = usage_rollups.rollup_of(connection, BUILT)
            if built is not None and built.label != self._label:
                usage_rollups.move_rollup(connection, built.edition, RETIRED)
                built = None
            if built is None:
                usage_rollups.begin_rollup(connection, newest + 1, self._label)
                built = usage_rollups.rollup_of(connection, BUILT)
        self._edition = built.edition if built else 0
        with self._database.autocommit() as connection:
            self._of = usage_rollups.estimated_entries(connection)

    def steps(self) -> Iterator[Progress]:
        """Do it, a bounded step at a time, and tell after each how far it is. Blocks."""
        while True:
            made = self._rounds.roll_up(BUILT)
            if made.rollup is None or made.rollup.edition != self._edition:
                # Another rebuild has brought it to its end.
                break
            self.entries += made.entries
            yield Progress(self.entries, max(self._of, self.entries))
            if not made.is_ours:
                time.sleep(PAUSE_SECONDS)
            elif not made.has_more and self._is_current(made.rollup.complete_time):
                self._take_its_place()
                break
        yield from self._delete_retired()

    def _is_current(self, complete_time: Instant | None) -> bool:
        """Tell whether all that was committed is in it: at the end of a long pass there is what came in meanwhile."""
        return complete_time is not None and self._clock.now() - complete_time <= LATENESS + CURRENT

    def _take_its_place(self) -> None:
        with self._database.transaction() as connection:
            states = usage_rollups.lock_rollups(connection)
            if states.get(self._edition) != BUILT:
                return
            for edition in [one for one, state in states.items() if state == SERVED]:
                usage_rollups.move_rollup(connection, edition, RETIRED)
            usage_rollups.move_rollup(connection, self._edition, SERVED)

    def _delete_retired(self) -> Iterator[Progress]:
        told = Progress(self.entries, self._of, is_deleting=True)
        with self._database.autocommit() as connection:
            retired = usage_rollups.editions(connection, RETIRED)
        for edition in retired:
            after: WalletKey | None = BEGINNING
            while after is not None:
                after = self._delete_of_wallets(edition, after)
                yield told
            while self._delete_of_all(edition):
                yield told
            with self._database.transaction() as connection:
                usage_rollups.forget_rollup(connection, edition)

    def _delete_of_wallets(self, edition: int, after: WalletKey) -> WalletKey | None:
        """Delete what is of the next wallets; return the last of them, None if there are no more."""
        with self._database.transaction() as connection:
            page = usage_rollups.wallets_after(connection, edition, after, WALLETS_AT_A_TIME)
            wallets = [one.wallet for one in page if one.position]
            if wallets:
                usage_rollups.delete_of_wallets(connection, edition, wallets)
        return page[-1].wallet if len(page) == WALLETS_AT_A_TIME else None

    def _delete_of_all(self, edition: int) -> int:
        with self._database.transaction() as connection:
            return usage_rollups.delete_of_all(connection, edition, ROWS_AT_A_TIME)
