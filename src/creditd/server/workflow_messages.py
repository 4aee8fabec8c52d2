"""Workflows as messages of credit.v1, and what an update of one states."""

from collections.abc import Callable, Collection, Mapping
from typing import Any, Final

from credit.v1 import workflow_pb2 as pb
from creditd.domain.errors import InvalidField
from creditd.domain.instant import Instant
from creditd.domain.workflows.workflow import USUAL_TIMEOUT_MICROSECONDS, Workflow
from creditd.server.credit_messages import microseconds, timestamp, write_time

_COST: Final = frozenset({"fixed_amount", "amount_range"})


def _cost(message: pb.Workflow) -> dict[str, Any]:
    is_fixed = message.HasField("fixed_amount")
    least = message.fixed_amount if is_fixed else message.amount_range.least_amount
    most = message.fixed_amount if is_fixed else message.amount_range.most_amount
    return {"least_amount": least, "most_amount": most, "is_fixed": is_fixed}


def _timeout(message: pb.Workflow) -> int:
    return microseconds(message.timeout) if message.HasField("timeout") else USUAL_TIMEOUT_MICROSECONDS


_VALUES: Final[Mapping[str, Callable[[pb.Workflow], dict[str, Any]]]] = {
    "display_name": lambda message: {"display_name": message.display_name},
    "description": lambda message: {"description": message.description},
    "executor": lambda message: {"executor": message.executor},
    "credit_type": lambda message: {"credit_type": message.credit_type},
    "fixed_amount": _cost,
    "amount_range": _cost,
    "timeout": lambda message: {"timeout_microseconds": _timeout(message)},
}
"""The fields that callers state, each as what it changes of the domain's workflow."""

_OF_SERVER: Final = frozenset({"name", "etag", "create_time", "update_time", "archive_time"})
"""The other fields. A mask may name them, so that one mask reads and writes, and they are passed over (AIP-161)."""

ALL_FIELDS: Final = "*"
"""Stands in a mask for everything that callers state (AIP-134)."""


def workflow_from(account_id: str, workflow_id: str, message: pb.Workflow) -> Workflow:
    """Read a new workflow. Its fields are valid by themselves; the service sets its version and times."""
    values: dict[str, Any] = {}
    for read in _VALUES.values():
        values |= read(message)
    return Workflow(account_id, workflow_id, 0, **values, create_time=Instant(0), update_time=Instant(0))


def changes_from(message: pb.Workflow, mask: Collection[str]) -> dict[str, Any]:
    """Return what an update changes, by the names of the domain's fields: what its mask names (AIP-134).

    Without a mask that is what is set in the message. Raises InvalidField for a mask that names nothing to change,
    something that there is not, or a cost that is not stated.
    """
    named = set(mask) or {field.name for field, _ in message.ListFields()}
    if named == {ALL_FIELDS}:
        named = set(_VALUES)
    unknown = named - _VALUES.keys() - _OF_SERVER
    if unknown:
        raise InvalidField(field="update_mask", rule=f"{ALL_FIELDS} alone, or of {', '.join(_VALUES)}")
    named -= _OF_SERVER
    if not named:
        raise InvalidField(field="update_mask", rule=f"at least one of {', '.join(_VALUES)}")
    if named & _COST and message.WhichOneof("cost") not in named:
        # It would take the cost away, and there is no workflow without one.
        raise InvalidField(field=f"workflow.{min(named & _COST)}", rule="stated if update_mask names it")
    changes: dict[str, Any] = {}
    for field in named:
        changes |= _VALUES[field](message)
    return changes


def workflow_message(workflow: Workflow) -> pb.Workflow:
    """Write a workflow."""
    message = pb.Workflow(
        name=workflow.name,
        display_name=workflow.display_name,
        description=workflow.description,
        executor=workflow.executor,
        credit_type=workflow.credit_type,
        etag=workflow.etag,
        create_time=timestamp(workflow.create_time),
        update_time=timestamp(workflow.update_time),
    )
    if workflow.is_fixed:
        message.fixed_amount = workflow.most_amount
    else:
        message.amount_range.least_amount = workflow.least_amount
        message.amount_range.most_amount = workflow.most_amount
    write_time(message.timeout, workflow.timeout_microseconds)
    if workflow.archive_time is not None:
        message.archive_time.CopyFrom(timestamp(workflow.archive_time))
    return message
