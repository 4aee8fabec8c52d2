"""The answers to providers, each with its reason. The reason is for the log: the answer reveals nothing."""

from collections.abc import Mapping
from http import HTTPStatus
from typing import Final, NamedTuple

import grpc
from google.protobuf.message import DecodeError
from google.rpc.error_details_pb2 import ErrorInfo, RetryInfo
from google.rpc.status_pb2 import Status

from credit.v1.webhook_service_pb2 import IngestResult, IngestWebhookResponse

NOT_STORED: Final = HTTPStatus.SERVICE_UNAVAILABLE
"""For whatever is not known to be stored, so that the provider sends it again."""

RATE_LIMITED: Final = "RATE_LIMITED"
"""The service's reason, for what the adapter as a whole may send it."""

_DETAILS: Final = "grpc-status-details-bin"


class Answer(NamedTuple):
    """An HTTP status, the machine-readable reason that goes into the log, and when to try again, 0 if it is all one."""

    status: HTTPStatus
    reason: str
    retry_seconds: int = 0


def answer_to(response: IngestWebhookResponse) -> Answer:
    """Return the answer to a webhook that the service took. A result unknown to this version means stored too."""
    if response.result == IngestResult.INGEST_RESULT_UNSPECIFIED:
        # No service of ours says so: something else answers in its place.
        return Answer(NOT_STORED, "RESULT_UNSPECIFIED")
    return Answer(HTTPStatus.OK, _name(response.result))


def answer_to_failure(error: grpc.aio.AioRpcError) -> Answer:
    """Return the answer for what the service did not take.

    Only two failures are the sender's: a webhook that is refused for what it is (INVALID_ARGUMENT), and a provider that
    is not configured. All else is ours, the adapter's own token included, and a repeat can help: after a rate limit of
    the service when it says so.
    """
    reason, retry_seconds = _told(error)
    reason = reason or error.code().name
    if error.code() == grpc.StatusCode.INVALID_ARGUMENT:
        return Answer(HTTPStatus.BAD_REQUEST, reason)
    if reason == "PROVIDER_NOT_CONFIGURED":
        return Answer(HTTPStatus.NOT_FOUND, reason)
    if reason == RATE_LIMITED:
        return Answer(HTTPStatus.TOO_MANY_REQUESTS, reason, retry_seconds)
    return Answer(NOT_STORED, reason)


def _name(result: IngestResult) -> str:
    try:
        return IngestResult.Name(result).removeprefix("INGEST_RESULT_")
    except ValueError:
        return str(result)


def _told(error: grpc.aio.AioRpcError) -> tuple[str, int]:
    """Return the ErrorInfo's reason, or nothing, and the RetryInfo's seconds, or 0.

    What stands between us and the service sends neither.
    """
    trailing: Mapping[str, str | bytes] = dict(error.trailing_metadata() or ())
    details = trailing.get(_DETAILS)
    if not isinstance(details, bytes):
        return "", 0
    info, retry = ErrorInfo(), RetryInfo()
    try:
        for detail in Status.FromString(details).details:
            # Each takes what is of its own kind.
            detail.Unpack(info)
            detail.Unpack(retry)
    except DecodeError:
        return "", 0
    return info.reason, max(0, retry.retry_delay.seconds)
