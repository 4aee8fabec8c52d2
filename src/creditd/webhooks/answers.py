"""The answers to providers, each with its reason. The reason is for the log: the answer reveals nothing."""

from collections.abc import Mapping
from http import HTTPStatus
from typing import Final, NamedTuple

import grpc
from google.protobuf.message import DecodeError
from google.rpc.error_details_pb2 import ErrorInfo
from google.rpc.status_pb2 import Status

from credit.v1.webhook_service_pb2 import IngestResult, IngestWebhookResponse

NOT_STORED: Final = HTTPStatus.SERVICE_UNAVAILABLE
"""For whatever is not known to be stored, so that the provider sends it again."""

_DETAILS: Final = "grpc-status-details-bin"


class Answer(NamedTuple):
    """An HTTP status, and the machine-readable reason that goes into the log."""

    status: HTTPStatus
    reason: str


def answer_to(response: IngestWebhookResponse) -> Answer:
    """Return the answer to a webhook that the service took. A result unknown to this version means stored too."""
    if response.result == IngestResult.INGEST_RESULT_UNSPECIFIED:
        # No service of ours says so: something else answers in its place.
        return Answer(NOT_STORED, "RESULT_UNSPECIFIED")
    return Answer(HTTPStatus.OK, _name(response.result))


def answer_to_failure(error: grpc.aio.AioRpcError) -> Answer:
    """Return the answer for what the service did not take.

    Only two failures are the sender's: a webhook that is refused for what it is (INVALID_ARGUMENT), and a provider that
    is not configured. All else is ours, the adapter's own token included, and a repeat can help.
    """
    reason = _reason(error) or error.code().name
    if error.code() == grpc.StatusCode.INVALID_ARGUMENT:
        return Answer(HTTPStatus.BAD_REQUEST, reason)
    if reason == "PROVIDER_NOT_CONFIGURED":
        return Answer(HTTPStatus.NOT_FOUND, reason)
    return Answer(NOT_STORED, reason)


def _name(result: IngestResult) -> str:
    try:
        return IngestResult.Name(result).removeprefix("INGEST_RESULT_")
    except ValueError:
        return str(result)


def _reason(error: grpc.aio.AioRpcError) -> str:
    """Return the ErrorInfo's reason, or nothing: what stands between us and the service sends none."""
    trailing: Mapping[str, str | bytes] = dict(error.trailing_metadata() or ())
    details = trailing.get(_DETAILS)
    if not isinstance(details, bytes):
        return ""
    try:
        found = Status.FromString(details).details
        info = ErrorInfo()
        return next((info.reason for detail in found if detail.Unpack(info)), "")
    except DecodeError:
        return ""
