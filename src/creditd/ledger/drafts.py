"""Drafts: batches that are decided from memory alone, while the one before is being saved.

A draft is decided on the state as it will be once what is being saved is saved. If that fails, what was decided on top
of it is taken back and decided anew; the save's own guards would refuse it anyway. A refusal that was found here is no
answer: it was not decided on what was loaded for it.
"""

import time
from collections.abc import Sequence
from collections.abc import Set as AbstractSet
from enum import Enum
from typing import Final, NamedTuple

from creditd.domain.errors import Refusal
from creditd.domain.instant import Instant
from creditd.ledger.attempt import Attempt, Written, nothing_written
from creditd.ledger.batch import Batch
from creditd.ledger.commit import why_unsaved
from creditd.ledger.work import Outcome, Work
from creditd.ledger.writer import Writer
from creditd.storage.columns import columns_of
from creditd.storage.connections.turns import Turn
from creditd.storage.failures import SaveFailure
from creditd.storage.requests import RequestKey
from creditd.storage.save import Saved

NO_TIME: Final = Instant(0)
"""Of a draft that holds nothing: each work is decided at its own instant."""


class Fate(Enum):
    """What became of a work that was to go into a draft."""

    DECIDED = "it is in the draft"
    LATE = "its deadline has passed"
    REPEATED = "what is being saved has its request id"
    REFUSED = "it was refused on copies, which may be stale"
    COLD = "memory does not suffice for it"


class Draft:
    """A batch that grows until it is saved: works decided from memory alone."""

    __slots__ = ("accounts", "attempt")

    def __init__(self, batch: Batch) -> None:
        """Start with nothing decided."""
        self.attempt = Attempt(batch, [], [], [])
        self.accounts: set[str] = set()

    @property
    def batch(self) -> Batch:
        """What was decided."""
        return self.attempt.batch

    @property
    def works(self) -> list[Work]:
        """The works that were decided, in order."""
        return [work for work, _ in self.attempt.answers]

    def __len__(self) -> int:
        """Return how many works were decided."""
        return len(self.attempt.answers)

    def late(self, now: float) -> list[Work]:
        """Return the works whose deadline has passed, on time.monotonic's clock."""
        return [work for work, _ in self.attempt.answers if work.deadline is not None and work.deadline <= now]

    def take_back(self, accounts: AbstractSet[str]) -> list[Work]:
        """Take back all that was copied and decided for accounts; return their works in order."""
        # Also what was only copied for works that were refused.
        self.batch.take_back(accounts)
        if self.accounts.isdisjoint(accounts):
            return []
        self.accounts -= accounts
        answers = self.attempt.answers
        taken = [work for work, _ in answers if work.account_id in accounts]
        answers[:] = [answer for answer in answers if answer[0].account_id not in accounts]
        return taken


class Committed(NamedTuple):
    """What became of a draft: what was written of it, and the works of which nothing was."""

    written: Written
    unsaved: list[Work]


class DraftWriter(Writer):
    """A writer whose batches can also be decided, saved and taken over by one thread and another.

    Only ``save``, ``recover`` and ``write_cold`` wait for the database. While one of the latter two is under way,
    nothing else of it may be used; beside ``save`` the next draft may be decided.
    """

    def draft(self) -> Draft:
        """Return a batch with nothing decided."""
        return Draft(Batch(self._terms, NO_TIME, takes_heavy=False))

    def add(self, draft: Draft, work: Work, below: Draft | None) -> Fate:
        """Decide a work from memory, on top of what ``below``, which is being saved, has changed."""
        if work.deadline is not None and work.deadline <= time.monotonic():
            self._statistics.dropped += 1
            return Fate.LATE
        if not self._clock.is_read or self._trust.has_doubts(work.keys) or work.act:
            # The save of a draft is one statement, and an act is told in the audit log beside it.
            return Fate.COLD
        batch = draft.attempt.batch
        batch.now = self._clock.now()
        beneath = None if below is None else below.attempt.batch
        if beneath and RequestKey(work.account_id, work.origin.request_id or "") in beneath.requests:
            return Fate.REPEATED
        if not self._loader.copy(batch, work, beneath):
            return Fate.COLD
        try:
            outcome = batch.decide(work)
        except Refusal:
            self._statistics.doubted += 1
            return Fate.REFUSED
        self._statistics.replays += outcome.replayed
        draft.attempt.answers.append((work, outcome))
        draft.accounts.add(work.account_id)
        return Fate.DECIDED

    def repeat(self, draft: Draft, work: Work) -> Outcome | None:
        """Return what a work did that a draft holds already, now saved; None if its request id stands for another."""
        try:
            outcome = draft.batch.decide(work)
        except Refusal:
            self._statistics.doubted += 1
            return None
        self._statistics.replays += 1
        return outcome

    def begin(self, draft: Draft) -> None:
        """Count a draft that is to be saved, and write its columns, so that its save has nothing to do but wait."""
        self._count_batch(len(draft))
        draft.batch.columns = columns_of(draft.batch.changes)

    def save(self, draft: Draft, turn: Turn) -> Saved | None:
        """Save what was decided. Raises errors of the database's; then nothing of it may be kept."""
        # What others are told of it is a statement of its own: rare, and committed with the save or not at all.
        opened = self._database.transaction if draft.batch.changes.announced else self._database.autocommit
        with turn.taken(), opened() as connection:
            return self._save(connection, draft.batch)

    def commit(self, draft: Draft, saved: Saved | None) -> Committed:
        """Take over what was saved."""
        written = nothing_written()
        self._note_copies(draft.batch.changes, saved)
        unsaved = self._commit(draft.attempt, saved, written)
        if unsaved:
            self._statistics.conflicts += why_unsaved(saved) is SaveFailure.MOVED
            self._statistics.retries += 1
        return Committed(written, unsaved)

    def recover(self, works: list[Work], error: Exception, turn: Turn) -> Written:
        """Do again what an error has kept from being saved, or from being known to be, in the turn of its save."""
        errors = iter((error,))

        def write_round(left: list[Work], written: Written) -> list[Work]:
            first = next(errors, None)
            return self._recover(left, first, written) if first else self._round(left, written)

        self._doubted = set()
        return self._finish(works, nothing_written(), write_round, turn)

    def write_cold(self, works: Sequence[Work], refused: AbstractSet[Work]) -> Written:
        """Decide and save works as ``write`` does, those that were ``refused`` on what is loaded for them."""
        self._count_batch(len(works))
        return self._write_all(works, refused)
