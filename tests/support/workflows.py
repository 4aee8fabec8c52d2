"""Workflows in a word: the requests to make, change and archive them."""

from typing import Any, Final

from google.protobuf.field_mask_pb2 import FieldMask

from credit.v1 import workflow_pb2
from credit.v1 import workflow_service_pb2 as pb
from creditd.ledger.ids import uuid7

EXECUTOR: Final = "render"
"""The one that services under test have, where a test does not say so itself."""


def workflow(**fields: Any) -> workflow_pb2.Workflow:
    """Return a workflow as its caller states it, at the fixed cost of 5 unless stated otherwise."""
    usual: dict[str, Any] = {"display_name": "Render", "executor": EXECUTOR, "credit_type": "chat"}
    if "amount_range" not in fields:
        usual["fixed_amount"] = 5
    return workflow_pb2.Workflow(**usual | fields)


def creating(account_id: str, workflow_id: str = "render", **fields: Any) -> pb.CreateWorkflowRequest:
    """Return the request to create a workflow; ``fields`` are the request's own, and those of the workflow."""
    request_id, validate_only = fields.pop("request_id", uuid7()), fields.pop("validate_only", False)
    return pb.CreateWorkflowRequest(
        account_id=account_id,
        workflow_id=workflow_id,
        workflow=workflow(**fields),
        request_id=request_id,
        validate_only=validate_only,
    )


def updating(name: str, mask: str = "", **fields: Any) -> pb.UpdateWorkflowRequest:
    """Return the request to change a workflow; ``mask`` names fields with commas between them, empty for no mask."""
    request_id, validate_only = fields.pop("request_id", uuid7()), fields.pop("validate_only", False)
    return pb.UpdateWorkflowRequest(
        workflow=workflow_pb2.Workflow(name=name, **fields),
        update_mask=FieldMask(paths=mask.split(",")) if mask else None,
        request_id=request_id,
        validate_only=validate_only,
    )


def archiving(name: str, **fields: Any) -> pb.ArchiveWorkflowRequest:
    """Return the request to archive a workflow."""
    return pb.ArchiveWorkflowRequest(name=name, **{"request_id": uuid7()} | fields)
