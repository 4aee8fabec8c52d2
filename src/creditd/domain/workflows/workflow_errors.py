"""Refusals about workflows and their runs."""

from creditd.domain.errors import Refusal


class WorkflowNotFound(Refusal):
    """The account has no such workflow. Facts: workflow."""

    reason = "WORKFLOW_NOT_FOUND"


class WorkflowExists(Refusal):
    """The account has a workflow of this id, or had one that is archived. Facts: workflow."""

    reason = "WORKFLOW_EXISTS"


class WorkflowChanged(Refusal):
    """The workflow has been changed since its etag was read. Facts: workflow, stated, current."""

    reason = "WORKFLOW_CHANGED"


class WorkflowArchived(Refusal):
    """The workflow is archived. Facts: workflow, archive_time."""

    reason = "WORKFLOW_ARCHIVED"


class WorkflowsFull(Refusal):
    """The account has as many workflows that are not archived as it may have. Facts: account_id, maximum."""

    reason = "WORKFLOWS_FULL"


class ExecutorUnknown(Refusal):
    """The deployment has no such executor. Facts: executor."""

    reason = "EXECUTOR_UNKNOWN"


class RunNotFound(Refusal):
    """The account has no such run. Facts: run."""

    reason = "RUN_NOT_FOUND"


class RunEnded(Refusal):
    """The run has ended otherwise. Facts: run, state."""

    reason = "RUN_ENDED"


class RunsFull(Refusal):
    """As many runs of the account have not ended as may be. Facts: account_id, maximum, retry_seconds."""

    reason = "RUNS_FULL"
