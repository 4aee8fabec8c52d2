"""Workflows: work that an account has run by an executor, at a cost."""

from collections.abc import Collection, Mapping
from hashlib import blake2b
from typing import Any, Final, NamedTuple

from creditd.domain.errors import InvalidField
from creditd.domain.instant import SECOND, Instant, instant_text
from creditd.domain.workflows.workflow_errors import ExecutorUnknown, WorkflowArchived, WorkflowChanged

MAX_WORKFLOWS: Final = 1_000
"""Of one account that are not archived: as many as a person can look after, and as one count reads in a millisecond."""

USUAL_TIMEOUT_MICROSECONDS: Final = 300 * SECOND
"""How long a run may take if its workflow does not say: longer than nearly all work that somebody waits for."""

_ETAG_BYTES: Final = 8
"""Enough to tell the states of one workflow apart; nothing is proved by it."""


def workflow_name(account_id: str, workflow_id: str) -> str:
    """Write a workflow's resource name."""
    return f"accounts/{account_id}/workflows/{workflow_id}"


def parse_workflow_name(name: str) -> tuple[str, str]:
    """Return the account's id and the workflow's in a resource name. Its form has been validated."""
    _, account_id, _, workflow_id = name.split("/")
    return account_id, workflow_id


class Workflow(NamedTuple):
    """Work that an account has run by an executor, and what a run of it costs that succeeds.

    Amounts are in the credit type's smallest unit: a run holds ``most_amount`` and costs at least ``least_amount``.
    Where the cost ``is_fixed`` the two are equal, and it costs that much whatever was used. ``version`` counts its
    states from 1. ``archive_time`` is None while it can be run.
    """

    account_id: str
    workflow_id: str
    version: int
    display_name: str
    description: str
    executor: str
    credit_type: str
    least_amount: int
    most_amount: int
    is_fixed: bool
    timeout_microseconds: int
    create_time: Instant
    update_time: Instant
    archive_time: Instant | None = None

    @property
    def name(self) -> str:
        """The resource name."""
        return workflow_name(self.account_id, self.workflow_id)

    @property
    def etag(self) -> str:
        """What stands for this state of it (AIP-154)."""
        return blake2b(f"{self.name} {self.version}".encode(), digest_size=_ETAG_BYTES).hexdigest()

    def require_complete(self) -> None:
        """Raise InvalidField unless it has all that a run of it needs."""
        for field in ("display_name", "executor", "credit_type"):
            if not getattr(self, field):
                raise InvalidField(field=f"workflow.{field}", rule="required")
        if not self.most_amount:
            raise InvalidField(field="workflow.fixed_amount", rule="required, or amount_range")
        if self.least_amount > self.most_amount:
            raise InvalidField(field="workflow.amount_range.least_amount", rule="not more than most_amount")

    def require_executor(self, executors: Collection[str]) -> None:
        """Raise ExecutorUnknown unless its executor is one of those that the deployment has, by name."""
        if self.executor not in executors:
            raise ExecutorUnknown(executor=self.executor)

    def require_live(self) -> None:
        """Raise WorkflowArchived if it is not run any more."""
        if self.archive_time is not None:
            raise WorkflowArchived(workflow=self.name, archive_time=instant_text(self.archive_time))

    def require_state(self, etag: str) -> None:
        """Raise WorkflowChanged unless an etag is that of this state; an empty one is that of any."""
        if etag not in ("", self.etag):
            raise WorkflowChanged(workflow=self.name, stated=etag, current=self.etag)


def with_changes(workflow: Workflow, changes: Mapping[str, Any], etag: str, now: Instant) -> Workflow:
    """Return a workflow with other values in some of its fields, by name.

    Raises WorkflowArchived; WorkflowChanged if the etag is that of another state; InvalidField for what a run needs.
    """
    workflow.require_live()
    workflow.require_state(etag)
    changed = workflow._replace(**changes, version=workflow.version + 1, update_time=now)
    changed.require_complete()
    return changed


def archived(workflow: Workflow, etag: str, now: Instant) -> Workflow:
    """Return a workflow as one that is not run any more; one that is archived stays as it is.

    Raises WorkflowChanged if the etag is that of another state.
    """
    if workflow.archive_time is not None:
        return workflow
    workflow.require_state(etag)
    return workflow._replace(version=workflow.version + 1, update_time=now, archive_time=now)
