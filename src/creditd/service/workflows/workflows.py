"""Workflows of accounts: created, changed, archived and shown (requirement G1)."""

from collections.abc import Callable, Collection, Mapping
from typing import Any, NamedTuple

from creditd.domain.controls.audit_event import Act
from creditd.domain.errors import AccountNotFound
from creditd.domain.instant import Instant
from creditd.domain.workflows.workflow import MAX_WORKFLOWS, Workflow, archived, with_changes, workflow_name
from creditd.domain.workflows.workflow_errors import WorkflowExists, WorkflowNotFound, WorkflowsFull
from creditd.ledger.transaction import Transaction, TransactionLedger
from creditd.service.call import Call, require_text
from creditd.service.catalogue import Catalogue
from creditd.service.pages import Asked, Page, PageTokens, Shown, query_of
from creditd.service.threads import Threads
from creditd.storage import accounts
from creditd.storage.controls import audit
from creditd.storage.database import Connection, Database
from creditd.storage.requests import ClaimKind, RequestKey, known_answer
from creditd.storage.workflows import workflows

Change = Callable[[Connection, Workflow | None, Instant], Workflow]
"""Makes a workflow of its former state, None if there is none, and writes it."""


class _Asked(NamedTuple):
    """Which workflow is to be changed, by whom, and whether that is only tried."""

    call: Call
    account_id: str
    workflow_id: str
    act: Act
    dry_run: bool


class Workflows:
    """Keeps workflows, each change once for its request id. All raise DatabaseUnavailable, Overloaded, ShuttingDown.

    Changes also raise AccountClosed, RequestIdReused, VersionConflict, RecordBusy; AccountNotFound where staff name an
    account that was never seen. What staff change of others' is told in the audit log.
    """

    def __init__(
        self,
        database: Database,
        ledger: TransactionLedger,
        catalogue: Catalogue,
        executors: Collection[str],
        threads: Threads,
        tokens: PageTokens,
        make_id: Callable[[], str],
    ) -> None:
        """Keep them by ``ledger``; ``executors`` are the names of those that the deployment has."""
        self._database = database
        self._ledger = ledger
        self._catalogue = catalogue
        self._executors = executors
        self._threads = threads
        self._tokens = tokens
        self._make_id = make_id

    async def create(self, call: Call, wanted: Workflow, act: Act, *, dry_run: bool = False) -> Workflow:
        """Create a workflow, whose version and times are set here; a ``dry_run`` creates none.

        Raises InvalidField, CreditTypeNotFound, ExecutorUnknown, WorkflowExists, WorkflowsFull.
        """
        wanted.require_complete()
        _require_storable(wanted)
        await self._catalogue.require(wanted.credit_type)

        def make(connection: Connection, known: Workflow | None, now: Instant) -> Workflow:
            if known is not None:
                raise WorkflowExists(workflow=known.name)
            if workflows.count_live(connection, wanted.account_id) >= MAX_WORKFLOWS:
                raise WorkflowsFull(account_id=wanted.account_id, maximum=MAX_WORKFLOWS)
            wanted.require_executor(self._executors)
            made = wanted._replace(version=1, create_time=now, update_time=now)
            workflows.add(connection, made)
            return made

        asked = _Asked(call, wanted.account_id, wanted.workflow_id, act, dry_run)
        return await self._once(asked, ClaimKind.WORKFLOW, make)

    async def update(
        self,
        call: Call,
        account_id: str,
        workflow_id: str,
        changes: Mapping[str, Any],
        etag: str,
        act: Act,
        *,
        dry_run: bool = False,
    ) -> Workflow:
        """Put other values in some fields of a workflow, by name, if the etag is empty or that of its present state.

        A ``dry_run`` changes nothing. Raises InvalidField, CreditTypeNotFound, ExecutorUnknown, WorkflowNotFound,
        WorkflowArchived, WorkflowChanged.
        """
        if changes.get("credit_type"):
            await self._catalogue.require(changes["credit_type"])

        def change(connection: Connection, known: Workflow | None, now: Instant) -> Workflow:
            changed = with_changes(_required(known, account_id, workflow_id), changes, etag, now)
            _require_storable(changed)
            if "executor" in changes:
                changed.require_executor(self._executors)
            workflows.write(connection, changed)
            return changed

        return await self._once(_Asked(call, account_id, workflow_id, act, dry_run), ClaimKind.WORKFLOW_UPDATE, change)

    async def archive(
        self, call: Call, account_id: str, workflow_id: str, etag: str, act: Act, *, dry_run: bool = False
    ) -> Workflow:
        """Have a workflow not be run any more, if the etag is empty or that of its present state.

        One that is archived stays as it is; a ``dry_run`` changes nothing. Raises WorkflowNotFound, WorkflowChanged.
        """

        def change(connection: Connection, known: Workflow | None, now: Instant) -> Workflow:
            former = _required(known, account_id, workflow_id)
            changed = archived(former, etag, now)
            if changed is not former:
                workflows.write(connection, changed)
            return changed

        return await self._once(
            _Asked(call, account_id, workflow_id, act, dry_run), ClaimKind.WORKFLOW_ARCHIVAL, change
        )

    async def get(self, account_id: str, workflow_id: str) -> Workflow:
        """Return a workflow, archived ones too. Raises WorkflowNotFound."""
        return await self._threads.lookups.submit(lambda: self._get(account_id, workflow_id), owner=account_id)

    async def page(
        self, account_id: str, asked: Asked, show: Callable[[Workflow], Shown], *, with_archived: bool = False
    ) -> Page[Shown]:
        """Return a page of an account's workflows by id, each as ``show`` writes it. Raises PageTokenInvalid."""
        return await self._threads.pages.submit(
            lambda: self._page(account_id, asked, show, with_archived=with_archived), owner=account_id
        )

    async def _once(self, asked: _Asked, kind: ClaimKind, change: Change) -> Workflow:
        workflow, asked.call.replayed = await self._threads.changes.submit(
            lambda: self._ledger.transact(lambda it: self._changed(it, asked, kind, change), dry_run=asked.dry_run),
            owner=asked.account_id,
        )
        return workflow

    def _changed(
        self, transaction: Transaction, asked: _Asked, kind: ClaimKind, change: Change
    ) -> tuple[Workflow, bool]:
        call, account_id, workflow_id, act, _ = asked
        connection, origin, now = transaction.connection, act.origin, transaction.now
        if not call.opens and accounts.find(connection, account_id) is None:
            raise AccountNotFound(account_id=account_id)
        account = transaction.hold(account_id)
        request_id = origin.request_id or ""
        answer = known_answer(connection, RequestKey(account_id, request_id), origin.fingerprint)
        if answer is not None:
            return Workflow(**answer), True
        account.require_open()
        before = workflows.find(connection, account_id, workflow_id)
        after = change(connection, before, now)
        transaction.claim(account, request_id, kind, origin.fingerprint, after)
        if not call.opens:
            was = before._asdict() if before else None
            event = act.done(self._make_id(), now, after.name, account_id=account_id, before=was, after=after._asdict())
            audit.append(connection, event)
        return after, False

    def _get(self, account_id: str, workflow_id: str) -> Workflow:
        with self._database.autocommit() as connection:
            return _required(workflows.find(connection, account_id, workflow_id), account_id, workflow_id)

    def _page(
        self, account_id: str, asked: Asked, show: Callable[[Workflow], Shown], *, with_archived: bool
    ) -> Page[Shown]:
        query = query_of("workflows", account=account_id, archived=with_archived or None)
        after = self._tokens.open(query, asked.page_token) if asked.page_token else ""
        with self._database.listing() as connection:
            found = workflows.page(connection, account_id, after, asked.size + 1, with_archived=with_archived)
        return self._tokens.page(query, found, asked.size, show, lambda workflow: workflow.workflow_id)


def _required(known: Workflow | None, account_id: str, workflow_id: str) -> Workflow:
    if known is None:
        raise WorkflowNotFound(workflow=workflow_name(account_id, workflow_id))
    return known


def _require_storable(workflow: Workflow) -> None:
    require_text("workflow.display_name", workflow.display_name)
    require_text("workflow.description", workflow.description)
