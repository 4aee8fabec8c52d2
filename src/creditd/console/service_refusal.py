"""What the service has refused, or could not do, as a page tells of it."""

from collections.abc import Mapping
from typing import Final

import grpc
from google.protobuf.message import DecodeError
from google.rpc.error_details_pb2 import BadRequest, ErrorInfo, LocalizedMessage, RetryInfo
from google.rpc.status_pb2 import Status

_DETAILS: Final = "grpc-status-details-bin"

_AWAY: Final = frozenset({grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.DEADLINE_EXCEEDED, grpc.StatusCode.CANCELLED})

SESSION_OVER: Final = frozenset({"SESSION_OVER", "REFRESH_TOKEN_INVALID", "REFRESH_TOKEN_REUSED"})
"""Reasons after which only another sign-in helps."""


class ServiceRefusal(Exception):
    """A call that was not done.

    ``reason`` is the service's own, or the name of the code where it gave none; ``text`` is for people, in their
    language, and empty if there is none; ``fields`` are the faults of a request's fields, by their names.
    """

    def __init__(
        self,
        code: grpc.StatusCode,
        reason: str,
        text: str = "",
        fields: Mapping[str, str] | None = None,
        facts: Mapping[str, str] | None = None,
        retry_seconds: int = 0,
    ) -> None:
        """State what is known of it."""
        super().__init__(reason)
        self.code = code
        self.reason = reason
        self.text = text
        self.fields = fields or {}
        self.facts = facts or {}
        self.retry_seconds = retry_seconds

    @property
    def is_unknown(self) -> bool:
        """Whether it is not known if it was done: to be asked again with the same request id."""
        return self.code in _AWAY

    @property
    def is_token_refused(self) -> bool:
        """Whether the access token is not taken; another one may be."""
        return self.code is grpc.StatusCode.UNAUTHENTICATED and self.reason.startswith("TOKEN_")

    @property
    def is_session_over(self) -> bool:
        """Whether only another sign-in helps."""
        return self.reason in SESSION_OVER or self.is_token_refused

    @property
    def needs_sign_in(self) -> bool:
        """Whether another sign-in helps, or a code alone: what was typed goes through it."""
        return self.is_session_over or self.reason == "MFA_REQUIRED"

    @property
    def concerns_the_page(self) -> bool:
        """Whether it is about whoever asks, and so about all of a page and not a part of it."""
        return self.needs_sign_in or self.reason == "PERMISSION_DENIED"


def refusal_of(error: grpc.aio.AioRpcError) -> ServiceRefusal:
    """Return what a failed call says, as far as it is the service that speaks."""
    trailing: Mapping[str, str | bytes] = dict(error.trailing_metadata() or ())
    details = trailing.get(_DETAILS)
    info, text, fields, retry = ErrorInfo(), LocalizedMessage(), BadRequest(), RetryInfo()
    try:
        for detail in Status.FromString(details if isinstance(details, bytes) else b"").details:
            # Each takes what is of its own kind.
            for message in (info, text, fields, retry):
                detail.Unpack(message)
    except DecodeError:
        info.Clear()
    return ServiceRefusal(
        error.code(),
        info.reason or error.code().name,
        text.message,
        {violation.field: violation.description for violation in fields.field_violations},
        dict(info.metadata),
        retry.retry_delay.seconds,
    )


def text_of(status: Status) -> str:
    """Return what a status says to people, in their language; what it says to programs if that is all there is."""
    text = LocalizedMessage()
    any(detail.Unpack(text) for detail in status.details)
    return text.message or status.message
