"""How a run begins: its row, and the reservation that holds its credits, in one transaction."""

from collections.abc import Callable, Collection
from typing import Final, NamedTuple

from creditd.domain.commands import Reserve
from creditd.domain.entry import Entry
from creditd.domain.errors import reused
from creditd.domain.instant import Instant
from creditd.domain.wallet import Origin
from creditd.domain.workflows.run import Run, RunKey, RunState, hold_ttl, run_name
from creditd.domain.workflows.workflow import Workflow, workflow_name
from creditd.domain.workflows.workflow_errors import RunNotFound, RunsFull, WorkflowNotFound
from creditd.ledger.transaction import Transaction
from creditd.ledger.work import Step
from creditd.service.call import metadata_text
from creditd.storage.requests import RequestKey, load_claims, load_requests
from creditd.storage.workflows import runs, workflows

MAX_OPEN_RUNS: Final = 100
"""Of one account: more than people or their programs wait for at once. Each holds credits, and a row that is due."""

RETRY_SECONDS: Final = 5
"""After how long a caller with MAX_OPEN_RUNS may ask again: some of a hundred have ended by then."""

WORKFLOW_LABEL: Final = "workflow"
"""The label under which movements of a run name its workflow."""


class WantedRun(NamedTuple):
    """Which workflow is to be run, on what (a JSON object; empty for ``{}``), and by whom within the account."""

    account_id: str
    workflow_id: str
    input: str
    spender_id: str


class RunStarts:
    """Makes runs."""

    def __init__(self, executors: Collection[str], max_ttl: int, make_id: Callable[[], str]) -> None:
        """Have them run by ``executors``, by name; ``max_ttl`` is the longest hold (µs) that is configured."""
        self._executors = executors
        self._max_ttl = max_ttl
        self._make_id = make_id

    def make(self, transaction: Transaction, wanted: WantedRun, origin: Origin) -> tuple[Run, bool]:
        """Hold what a run costs at most, and make it: both, or neither if it raises.

        Return the run, and whether the request id had made it before. Raises as ``Runs.run`` does.
        """
        connection = transaction.connection
        transaction.hold(wanted.account_id)
        known = known_movement(transaction, wanted.account_id, origin)
        if known is not None and known.reservation is not None:
            key = RunKey(wanted.account_id, known.reservation.reservation_id)
            found = runs.find(connection, key)
            if found is None:
                raise RunNotFound(run=run_name(key))
            return found, True
        workflow = workflows.find(connection, wanted.account_id, wanted.workflow_id)
        if workflow is None:
            raise WorkflowNotFound(workflow=workflow_name(wanted.account_id, wanted.workflow_id))
        workflow.require_live()
        workflow.require_executor(self._executors)
        if runs.count_open(connection, wanted.account_id) >= MAX_OPEN_RUNS:
            raise RunsFull(account_id=wanted.account_id, maximum=MAX_OPEN_RUNS, retry_seconds=RETRY_SECONDS)
        run = self._new(workflow, wanted, origin, transaction.now)
        labelled = origin._replace(metadata=metadata_text({WORKFLOW_LABEL: run.workflow_id}))
        hold = Reserve(
            labelled,
            run.run_id,
            run.held_amount,
            ttl=hold_ttl(workflow.timeout_microseconds, self._max_ttl),
            spender_id=run.spender_id,
        )
        outcome = transaction.perform(run.account_id, labelled, (Step(run.wallet, hold),))
        (reservation,) = outcome.reservations
        if reservation is not None and reservation.expire_time is not None:
            run = run._replace(hold_expire_time=reservation.expire_time)
        runs.add(connection, run)
        return run, False

    def _new(self, workflow: Workflow, wanted: WantedRun, origin: Origin, now: Instant) -> Run:
        return Run(
            account_id=workflow.account_id,
            run_id=self._make_id(),
            workflow_id=workflow.workflow_id,
            executor=workflow.executor,
            credit_type=workflow.credit_type,
            held_amount=workflow.most_amount,
            least_amount=workflow.least_amount,
            is_fixed=workflow.is_fixed,
            spender_id=wanted.spender_id,
            reason=origin.reason,
            input=wanted.input,
            state=RunState.WAITING,
            version=1,
            attempts=0,
            lease=0,
            due_time=now,
            deadline=Instant(now + workflow.timeout_microseconds),
            hold_expire_time=Instant(now + hold_ttl(workflow.timeout_microseconds, self._max_ttl)),
            progress_percent=None,
            progress_message="",
            output="",
            used_amount=0,
            failure_reason="",
            failure_message="",
            create_time=now,
            update_time=now,
            end_time=None,
        )


def known_movement(transaction: Transaction, account_id: str, origin: Origin) -> Entry | None:
    """Return the first movement of a request id, if it has brought any. Raises RequestIdReused for other content."""
    key = RequestKey(account_id, origin.request_id or "")
    found = load_requests(transaction.connection, [key]).get(key)
    if found:
        if found[0].fingerprint != origin.fingerprint:
            raise reused(key.request_id, found[0].kind.name, found[0].create_time)
        return found[0]
    claimed = load_claims(transaction.connection, [key]).get(key)
    if claimed is not None:
        raise claimed
    return None
