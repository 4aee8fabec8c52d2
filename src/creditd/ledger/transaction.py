"""Transactions on the ledger: commands and rows of one's own, saved together, decided on rows that are locked first.

A purchase's credits and the purchase's own row are committed together or not at all. Group commit is for the many;
this is for the few that must not come apart (design, section 6).
"""

import random
import time
from collections.abc import Callable
from contextlib import suppress
from typing import TypeVar

from creditd.domain.account import Account
from creditd.domain.instant import Instant
from creditd.domain.wallet import SYSTEM, Origin
from creditd.ledger.batch import Batch, Terms
from creditd.ledger.cache import WalletCache
from creditd.ledger.clock import DatabaseClock
from creditd.ledger.commit import failure_of, write_all
from creditd.ledger.loader import Loader, Locking
from creditd.ledger.work import DatabaseUnavailable, Outcome, RecordBusy, Step, VersionConflict, Work
from creditd.ledger.writer import FIRST_BACKOFF_SECONDS, MAX_RETRIES
from creditd.storage import accounts
from creditd.storage.database import Connection, Database
from creditd.storage.failures import SaveFailure
from creditd.storage.locks import lock_wallets_of, wait_briefly
from creditd.storage.requests import ClaimKind, RequestKey, Row, claim

Answer = TypeVar("Answer")


class Transaction:
    """A transaction on the ledger that is open: rows of one's own by ``connection``, credits by ``perform``."""

    def __init__(self, connection: Connection, terms: Terms, clock: DatabaseClock) -> None:
        """Work on a connection within a transaction."""
        self.connection = connection
        self._terms = terms
        self._clock = clock

    @property
    def now(self) -> Instant:
        """The instant that decisions are made at."""
        return self._clock.now()

    def perform(self, account_id: str, origin: Origin, steps: tuple[Step, ...]) -> Outcome:
        """Decide steps on locked wallets, and save them. Without steps the account is opened if it was never seen.

        Raises a Refusal, and then has changed nothing: the transaction may go on. Any other error ends it.
        """
        work = Work.of(steps) if steps else Work.opening(account_id, origin)
        while True:
            batch = Batch(self._terms, self._clock.now())
            Loader(WalletCache()).fill(self.connection, batch, [work], Locking.WAITING)
            if batch.unsettled.isdisjoint(work.keys):
                outcome = batch.decide(work)
                write_all(self.connection, batch, self._clock)
                return outcome
            # More is due in a wallet than one batch settles: that much is written down first.
            write_all(self.connection, batch, self._clock)

    def hold(self, account_id: str) -> Account:
        """Lock an account and its wallets until the end; it is opened if it was never seen."""
        account = accounts.lock(self.connection, account_id)
        if account is None:
            self.perform(account_id, SYSTEM, ())
            account = accounts.lock(self.connection, account_id)
        assert account is not None  # noqa: S101 - opened above if it was not there, and accounts are never deleted.
        lock_wallets_of(self.connection, account_id)
        return account

    def claim(
        self,
        account: Account,
        request_id: str,
        kind: ClaimKind,
        fingerprint: int | None = None,
        answer: Row | None = None,
    ) -> None:
        """Claim a request id of an account that is held, for what is no entry. Raises RequestIdReused.

        ``answer`` is kept for who brings it again with the same fingerprint: see ``known_answer``.

        It raises the account's version: what others have decided on before is decided again, and finds the claim.
        """
        claim(self.connection, RequestKey(account.account_id, request_id), kind, self.now, fingerprint, answer)
        accounts.raise_version(self.connection, account._replace(version=account.version + 1))

    def tried(self, change: Callable[[], Answer]) -> Answer:
        """Make a change and take it back; return its answer. Raises what it raises."""
        with self.connection.begin_nested() as savepoint:
            answer = change()
            savepoint.rollback()
        return answer


class _Undone(Exception):
    """Rolls a dry run back."""


class TransactionLedger:
    """Runs transactions on the ledger, each again while others were quicker."""

    def __init__(self, database: Database, terms: Terms, clock: DatabaseClock) -> None:
        """Write through ``database``."""
        self._database = database
        self._terms = terms
        self._clock = clock

    def transact(self, change: Callable[[Transaction], Answer], *, dry_run: bool = False) -> Answer:
        """Run ``change`` in a transaction and commit, unless it raises or is a ``dry_run``; return its answer.

        It may be run several times, and locks rows of its own before those of accounts and wallets. Blocks. Raises what
        ``change`` raises; VersionConflict or RecordBusy, and nothing was done; DatabaseUnavailable, and it may have
        been done: ``change`` has to find out when it is run again.
        """
        failure = SaveFailure.MOVED
        for retry in range(MAX_RETRIES + 1):
            if retry:
                time.sleep(random.uniform(0, FIRST_BACKOFF_SECONDS * 2**retry))  # noqa: S311 - jitter is no secret.
            try:
                return self._attempt(change, dry_run=dry_run)
            except Exception as error:
                failure = failure_of(error)
                if failure is SaveFailure.UNAVAILABLE:
                    self._database.forget_connections()
                if failure in {SaveFailure.UNAVAILABLE, SaveFailure.TOO_SLOW}:
                    raise DatabaseUnavailable from error
                if failure is SaveFailure.LOCKED:
                    # A thread and a connection are worth more than to wait with; and who waits may hold others' rows.
                    raise RecordBusy from error
                if failure is SaveFailure.OTHER:
                    raise
        raise VersionConflict

    def _attempt(self, change: Callable[[Transaction], Answer], *, dry_run: bool) -> Answer:
        answers: list[Answer] = []
        with suppress(_Undone), self._database.transaction() as connection:
            wait_briefly(connection)
            answers.append(change(Transaction(connection, self._terms, self._clock)))
            if dry_run:
                raise _Undone
        return answers[0]
