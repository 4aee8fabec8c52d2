"""A refused call as people read it: code, reason, message, and every figure that came with it."""

from collections.abc import Iterator
from contextlib import suppress
from typing import Any

import grpc
from google.protobuf.message import DecodeError, Message
from google.rpc import error_details_pb2
from google.rpc.error_details_pb2 import BadRequest, ErrorInfo, LocalizedMessage, QuotaFailure, RetryInfo
from google.rpc.status_pb2 import Status


def explain(error: grpc.RpcError) -> str:
    """Return a call's error in lines: the first says what it was, the others give the details, one each."""
    call: Any = error
    reason = ""
    rows: list[tuple[str, str]] = []
    for detail in _details(call):
        if isinstance(detail, ErrorInfo):
            reason = f" {detail.reason}"
        rows += _rows(detail)
    width = max((len(name) for name, _ in rows), default=0)
    head = f"{call.code().name}{reason}: {call.details()}"
    return "\n".join([head, *(f"  {name:{width}}  {value}" for name, value in rows)])


def _details(error: Any) -> Iterator[Message]:
    trailing = dict(error.trailing_metadata() or ())
    # What cannot be read comes from no server of ours.
    with suppress(DecodeError):
        for detail in Status.FromString(trailing.get("grpc-status-details-bin", b"")).details:
            kind = getattr(error_details_pb2, detail.type_url.rpartition(".")[2], None)
            yield kind.FromString(detail.value) if kind else detail


def _rows(detail: Message) -> Iterator[tuple[str, str]]:
    match detail:
        case ErrorInfo():
            yield from sorted(detail.metadata.items())
        case BadRequest():
            for violation in detail.field_violations:
                yield violation.field or "request", violation.description
        case RetryInfo():
            yield "retry after", f"{detail.retry_delay.ToTimedelta().total_seconds():g} s"
        case QuotaFailure():
            for quota in detail.violations:
                yield "quota", f"{quota.subject}: {quota.description}"
        case LocalizedMessage():
            yield f"for people ({detail.locale})", detail.message
        case _:
            yield "detail", str(detail).replace("\n", " ").strip()
