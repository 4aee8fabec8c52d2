"""A refused call as people read it: code, reason, message, and every figure that came with it."""

from collections.abc import Iterator

import grpc
from google.protobuf.any_pb2 import Any as AnyMessage
from google.protobuf.message import DecodeError
from google.rpc import error_details_pb2 as details
from google.rpc.status_pb2 import Status


def explain(error: grpc.RpcError) -> str:
    """Return a call's error in lines: the first says what it was, the others give the details, one each."""
    status = _status(error)
    reasons = [f" {_unpacked(any_, details.ErrorInfo).reason}" for any_ in status.details if _is_info(any_)]
    head = f"{error.code().name}{''.join(reasons)}: {error.details()}"
    rows = [row for any_ in status.details for row in _rows(any_)]
    width = max((len(name) for name, _ in rows), default=0)
    return "\n".join([head, *(f"  {name:{width}}  {value}" for name, value in rows)])


def _status(error: grpc.RpcError) -> Status:
    for key, value in error.trailing_metadata() or ():
        if key == "grpc-status-details-bin":
            try:
                return Status.FromString(value)
            except DecodeError:
                break
    return Status()


def _is_info(any_: AnyMessage) -> bool:
    return bool(any_.Is(details.ErrorInfo.DESCRIPTOR))


def _unpacked(any_: AnyMessage, kind: type[details.ErrorInfo]) -> details.ErrorInfo:
    message = kind()
    any_.Unpack(message)
    return message


def _rows(any_: AnyMessage) -> Iterator[tuple[str, str]]:
    kind = getattr(details, any_.type_url.rpartition(".")[2], None)
    if kind is None:
        yield "detail", any_.type_url
        return
    message = kind()
    any_.Unpack(message)
    match message:
        case details.ErrorInfo():
            yield from sorted(message.metadata.items())
        case details.BadRequest():
            for violation in message.field_violations:
                yield violation.field or "request", violation.description
        case details.RetryInfo():
            yield "retry after", f"{message.retry_delay.ToTimedelta().total_seconds():g} s"
        case details.QuotaFailure():
            for quota in message.violations:
                yield "quota", f"{quota.subject}: {quota.description}"
        case details.LocalizedMessage():
            yield f"for people ({message.locale})", message.message
        case _:
            yield "detail", str(message).replace("\n", " ").strip()
