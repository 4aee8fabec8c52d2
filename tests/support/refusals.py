"""How a call was refused: its code, its reason, and the details of its status."""

from dataclasses import dataclass
from typing import Any

import grpc
from google.rpc.error_details_pb2 import BadRequest, ErrorInfo, LocalizedMessage, QuotaFailure, RetryInfo
from google.rpc.status_pb2 import Status


@dataclass(frozen=True)
class RefusedCall:
    """How a call was refused, with its details read."""

    code: grpc.StatusCode
    message: str
    reason: str
    metadata: dict[str, str]
    localized: LocalizedMessage
    violations: list[str]
    retry: RetryInfo | None
    quota: QuotaFailure | None
    trailing: dict[str, Any]


def refused(call: Any, request: Any, **options: Any) -> RefusedCall:
    """Make a call that has to be refused, and return how."""
    try:
        answer = call(request, **options)
        if hasattr(answer, "__next__"):
            answer = list(answer)
    except grpc.RpcError as error:
        return read_refusal(error)
    message = f"it was not refused: {answer}"
    raise AssertionError(message)


def read_refusal(error: Any) -> RefusedCall:
    """Read the details of a refused call."""
    trailing = dict(error.trailing_metadata() or ())
    status = Status.FromString(trailing.get("grpc-status-details-bin", b""))
    return RefusedCall(error.code(), error.details(), **details_of(status), trailing=trailing)


def details_of(status: Status) -> dict[str, Any]:
    """Read the details of a status: of a call, or of one item of a batch."""
    found: dict[type, Any] = {}
    for kind in (ErrorInfo, LocalizedMessage, BadRequest, RetryInfo, QuotaFailure):
        for detail in status.details:
            message = kind()
            if detail.Unpack(message):
                found[kind] = message
    info = found.get(ErrorInfo, ErrorInfo())
    return {
        "reason": info.reason,
        "metadata": dict(info.metadata),
        "localized": found.get(LocalizedMessage, LocalizedMessage()),
        "violations": [violation.field for violation in found.get(BadRequest, BadRequest()).field_violations],
        "retry": found.get(RetryInfo),
        "quota": found.get(QuotaFailure),
    }
