"""What came of a call that has failed, read from what the service or gRPC says of it."""

from collections.abc import Iterable, Mapping
from typing import Final, NamedTuple, cast

import grpc
from google.protobuf.message import DecodeError, Message
from google.rpc.error_details_pb2 import BadRequest, ErrorInfo, LocalizedMessage, RetryInfo
from google.rpc.status_pb2 import Status

DETAILS: Final = "grpc-status-details-bin"
PUSHBACK: Final = "grpc-retry-pushback-ms"

NEVER: Final = -1.0
"""The push-back that says: do not try again."""


class FieldFault(NamedTuple):
    """A field of a request that breaks its rule; ``description`` says which, for developers."""

    field: str
    description: str


class Failure(NamedTuple):
    """What came of a call that has failed.

    ``reason`` is one of docs/errors.md, and empty where no server of ours has answered. ``facts`` are its figures.
    ``text`` says it to people. ``retry_seconds`` is when the same call may do better; None if nobody
    knows. ``pushback_seconds`` is how long a client has to wait before it tries again by itself; NEVER if it must not,
    None if nothing was said.
    """

    code: grpc.StatusCode
    message: str
    reason: str = ""
    facts: Mapping[str, str] = {}
    text: str = ""
    retry_seconds: float | None = None
    pushback_seconds: float | None = None
    faults: tuple[FieldFault, ...] = ()


def failure_of(error: grpc.RpcError) -> Failure:
    """Return what an error of gRPC's says, be it of a blocking or of an asyncio channel."""
    metadata = dict(cast(Iterable[tuple[str, str | bytes]], error.trailing_metadata() or ()))
    details = metadata.get(DETAILS, b"")
    pushback = metadata.get(PUSHBACK)
    said = (
        error.code(),
        error.details() or "",
        None if pushback is None else _seconds(str(pushback)),
    )
    try:
        return _read(*said, details if isinstance(details, bytes) else details.encode())
    except DecodeError:
        # What stands between us and the service may have put anything there.
        return _read(*said, b"")


def _read(code: grpc.StatusCode, message: str, pushback_seconds: float | None, details: bytes) -> Failure:
    info, texts, retry, request = ErrorInfo(), LocalizedMessage(), RetryInfo(), BadRequest()
    kinds: tuple[Message, ...] = (info, texts, retry, request)
    told = {id(kind) for detail in Status.FromString(details).details for kind in kinds if detail.Unpack(kind)}
    return Failure(
        code,
        message,
        info.reason,
        dict(info.metadata),
        texts.message,
        retry.retry_delay.ToNanoseconds() / 1e9 if id(retry) in told else None,
        pushback_seconds,
        tuple(FieldFault(fault.field, fault.description) for fault in request.field_violations),
    )


def _seconds(pushback: str) -> float:
    """Return the push-back in seconds; what is no number says, as gRFC A6 has it, not to try again."""
    return int(pushback) / 1_000 if pushback.isdecimal() else NEVER
