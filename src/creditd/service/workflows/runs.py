"""Runs as their accounts see them: made, shown, and given up (requirement G2).

A run is made together with the reservation that holds its credits, and ended together with what becomes of that: in one
transaction, so that neither is there without the other (decision 0064).
"""

from collections.abc import Callable
from typing import Protocol

import orjson

from creditd.domain.errors import InvalidField
from creditd.domain.wallet import Origin
from creditd.domain.workflows.run import (
    GivenUp,
    Run,
    RunKey,
    RunState,
    run_name,
)
from creditd.domain.workflows.workflow_errors import RunEnded, RunNotFound
from creditd.ledger.transaction import Transaction, TransactionLedger
from creditd.service.call import require_text
from creditd.service.pages import SCANNED_ROWS, Asked, Page, PageTokens, Shown, query_of
from creditd.service.threads import Bulkhead, Threads
from creditd.service.workflows.run_ends import end_run
from creditd.service.workflows.run_starts import RunStarts, WantedRun, known_movement
from creditd.storage.database import Database
from creditd.storage.workflows import runs
from creditd.storage.workflows.runs import RunFilter


class RunWork(Protocol):
    """Works on runs in this process."""

    def wake(self) -> None:
        """Look for due runs now."""

    def drop(self, key: RunKey) -> None:
        """Work no more on a run that has ended, and have its executor told."""


class Runs:
    """Makes runs, shows them and gives them up. All raise DatabaseUnavailable, Overloaded, ShuttingDown."""

    def __init__(
        self,
        database: Database,
        ledger: TransactionLedger,
        starts: RunStarts,
        threads: Threads,
        tokens: PageTokens,
        worker: RunWork,
    ) -> None:
        """Keep them by ``ledger``, made by ``starts``; have ``worker`` work on them."""
        self._database = database
        self._ledger = ledger
        self._starts = starts
        self._threads = threads
        self._changes: Bulkhead = threads.runs
        self._tokens = tokens
        self._worker = worker

    async def run(self, wanted: WantedRun, origin: Origin, *, dry_run: bool = False) -> tuple[Run, bool]:
        """Hold what a run costs at most, and have it run; a ``dry_run`` does neither.

        Return the run as it is by now, and whether the request id had made it before. Raises InvalidField,
        WorkflowNotFound, WorkflowArchived, ExecutorUnknown, RunsFull, VersionConflict, RecordBusy, RequestIdReused, and
        what a Reserve raises.
        """
        wanted = wanted._replace(input=_as_object(wanted.input))
        made, is_repeat = await self._changes.submit(
            lambda: self._ledger.transact(lambda it: self._starts.make(it, wanted, origin), dry_run=dry_run),
            owner=wanted.account_id,
        )
        if not (is_repeat or dry_run):
            self._worker.wake()
        return made, is_repeat

    async def cancel(self, key: RunKey, why: str, origin: Origin) -> tuple[Run, bool]:
        """Give a run up: its credits go back, and its executor is told. One that was cancelled stays as it is.

        Return the run, and whether the request id had cancelled it before. Raises RunNotFound, RunEnded,
        VersionConflict, RecordBusy, RequestIdReused.
        """
        cancelled, is_repeat = await self._changes.submit(
            lambda: self._ledger.transact(lambda it: _cancelled(it, key, why, origin)), owner=key.account_id
        )
        self._worker.drop(key)
        return cancelled, is_repeat

    async def get(self, key: RunKey) -> Run:
        """Return a run. Raises RunNotFound."""
        return await self._threads.lookups.submit(lambda: self._get(key), owner=key.account_id)

    def _get(self, key: RunKey) -> Run:
        with self._database.autocommit() as connection:
            return _required(runs.find(connection, key), key)

    async def page(self, wanted: RunFilter, asked: Asked, show: Callable[[Run], Shown]) -> Page[Shown]:
        """Return a page of an account's runs, newest first, without input and output, each as ``show`` writes it.

        A page for which SCANNED_ROWS were looked at ends there, with a token to go on from. Raises PageTokenInvalid.
        """
        return await self._threads.pages.submit(lambda: self._page(wanted, asked, show), owner=wanted.account_id)

    def _page(self, wanted: RunFilter, asked: Asked, show: Callable[[Run], Shown]) -> Page[Shown]:
        query = query_of("runs", account=wanted.account_id, workflow=wanted.workflow_id, state=wanted.state)
        before = self._tokens.open(query, asked.page_token) if asked.page_token else ""
        with self._database.listing() as connection:
            look = runs.page(connection, wanted, before, count=asked.size + 1, rows=SCANNED_ROWS)
        page = self._tokens.page(query, look.runs, asked.size, show, lambda run: run.run_id)
        if look.end is not None and not page.next_page_token:
            return page._replace(next_page_token=self._tokens.seal(query, look.end))
        return page


def _cancelled(transaction: Transaction, key: RunKey, why: str, origin: Origin) -> tuple[Run, bool]:
    run = _required(runs.lock(transaction.connection, key), key)
    known = known_movement(transaction, key.account_id, origin)
    if run.state is RunState.CANCELLED:
        return run, known is not None
    if not run.is_open:
        raise RunEnded(run=run.name, state=run.state.name)
    return end_run(transaction, run, GivenUp(RunState.CANCELLED, why), origin), False


def _required(run: Run | None, key: RunKey) -> Run:
    if run is None:
        raise RunNotFound(run=run_name(key))
    return run


def _as_object(written: str) -> str:
    """Return what a run works on, ``{}`` if nothing is stated. Raises InvalidField unless it is a JSON object."""
    if not written:
        return "{}"
    require_text("input", written)
    try:
        is_object = isinstance(orjson.loads(written), dict)
    except orjson.JSONDecodeError:
        is_object = False
    if not is_object:
        raise InvalidField(field="input", rule="a JSON object")
    return written
