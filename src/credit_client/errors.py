"""What is raised when a call fails: a class for each fact that a program decides by, with its figures."""

from collections.abc import Mapping
from datetime import datetime
from typing import Final, Self

import grpc

from credit_client.failure import Failure, FieldFault


class CreditError(Exception):
    """A call has failed. ``reason`` and ``facts`` are those of docs/errors.md; ``text`` is for people.

    ``request_id`` is what the call was made by: the same call with it again is harmless, and tells the outcome.
    """

    def __init__(self, failure: Failure, request_id: str = "", tries: int = 1) -> None:
        super().__init__(f"{failure.reason or failure.code.name}: {failure.message}")
        self.failure = failure
        self.request_id = request_id
        self.tries = tries

    def __reduce__(self) -> tuple[type[Self], tuple[Failure, str, int]]:
        """Say what it is made of, for those that send it to another process."""
        return type(self), (self.failure, self.request_id, self.tries)

    @property
    def reason(self) -> str:
        """The machine-readable reason; empty where no server of the service has answered."""
        return self.failure.reason

    @property
    def facts(self) -> Mapping[str, str]:
        """The figures of the reason, as text."""
        return self.failure.facts

    @property
    def code(self) -> grpc.StatusCode:
        """The status code of gRPC."""
        return self.failure.code

    @property
    def text(self) -> str:
        """What to tell the person who asked; the developers' message if there is none."""
        return self.failure.text or self.failure.message

    @property
    def correlation_id(self) -> str:
        """What staff find the call by."""
        return self.facts.get("correlation_id", "")

    @property
    def retry_seconds(self) -> float | None:
        """In how many seconds the same call may do better; None if nobody knows."""
        return self.failure.retry_seconds

    def _number(self, fact: str) -> int:
        return int(self.facts.get(fact) or 0)


class NoAnswer(CreditError):
    """Nobody has decided in the time that there was, or nobody knows whether it was decided.

    What was asked for may have been done: the same call with the same ``request_id`` tells.
    """


class Refusal(CreditError):
    """The service has decided, and nothing was done. To ask again helps once what it was decided by has changed."""


class InsufficientCredit(Refusal):
    """The available balance does not cover the amount."""

    @property
    def required(self) -> int:
        """How many credits it takes."""
        return self._number("required")

    @property
    def available(self) -> int:
        """How many there are."""
        return self._number("available")


class LimitExceeded(Refusal):
    """A limit of the account, or of the spender, does not allow so much."""

    @property
    def which(self) -> str:
        """LEAST_PER_MOVEMENT, MOST_PER_MOVEMENT, MOST_PER_HOUR or MOST_PER_DAY."""
        return self.facts.get("which", "")

    @property
    def limit(self) -> int:
        """How much is allowed."""
        return self._number("limit")

    @property
    def requested(self) -> int:
        """How much was asked for."""
        return self._number("requested")

    @property
    def used(self) -> int:
        """How much of the hour or the day is used."""
        return self._number("used")

    @property
    def frees_time(self) -> datetime | None:
        """From when it is allowed again; None if waiting does not help."""
        return _instant(self.facts.get("frees_time", ""))


class AccountSuspended(Refusal):
    """The account may not spend."""


class AccountClosed(Refusal):
    """The account is closed."""


class AccountNotFound(Refusal):
    """There is no such account."""


class ReservationNotFound(Refusal):
    """The account has no such reservation."""


class ReservationExpired(Refusal):
    """The hold's time was over before it was confirmed; its credits went back."""


class ReservationConfirmed(Refusal):
    """The reservation is confirmed already."""


class ReservationRefunded(Refusal):
    """The reservation is refunded already."""


class RequestIdReused(Refusal):
    """The request id was used before, with other content or by another RPC."""

    @property
    def used_by(self) -> str:
        """The kind of what used it."""
        return self.facts.get("used_by", "")

    @property
    def use_time(self) -> datetime | None:
        """When."""
        return _instant(self.facts.get("use_time", ""))


class VersionMismatch(Refusal):
    """The balance has changed since the version that the call states."""

    @property
    def stated(self) -> int:
        """The version that the call states."""
        return self._number("stated")

    @property
    def current(self) -> int:
        """The version that there is."""
        return self._number("current")


class InvalidRequest(Refusal):
    """A field breaks its rule."""

    @property
    def faults(self) -> tuple[FieldFault, ...]:
        """Which fields, and what is wrong with each."""
        return self.failure.faults


class NotAuthenticated(Refusal):
    """The token is missing, wrong or has expired."""


class NotAllowed(Refusal):
    """The caller may not do this."""


_BY_REASON: Final[Mapping[str, type[Refusal]]] = {
    "INSUFFICIENT_CREDIT": InsufficientCredit,
    "LIMIT_EXCEEDED": LimitExceeded,
    "ACCOUNT_SUSPENDED": AccountSuspended,
    "ACCOUNT_CLOSED": AccountClosed,
    "ACCOUNT_NOT_FOUND": AccountNotFound,
    "RESERVATION_NOT_FOUND": ReservationNotFound,
    "RESERVATION_EXPIRED": ReservationExpired,
    "RESERVATION_CONFIRMED": ReservationConfirmed,
    "RESERVATION_REFUNDED": ReservationRefunded,
    "REQUEST_ID_REUSED": RequestIdReused,
    "VERSION_MISMATCH": VersionMismatch,
    # Their codes are also those of a server that is busy. A repeat would be answered the same.
    "WORKFLOW_CHANGED": Refusal,
    "MESSAGE_TOO_LARGE": Refusal,
    "METADATA_TOO_LARGE": Refusal,
}

_BY_CODE: Final[Mapping[grpc.StatusCode, type[CreditError]]] = {
    grpc.StatusCode.INVALID_ARGUMENT: InvalidRequest,
    grpc.StatusCode.UNAUTHENTICATED: NotAuthenticated,
    grpc.StatusCode.PERMISSION_DENIED: NotAllowed,
    grpc.StatusCode.NOT_FOUND: Refusal,
    grpc.StatusCode.ALREADY_EXISTS: Refusal,
    grpc.StatusCode.FAILED_PRECONDITION: Refusal,
    grpc.StatusCode.OUT_OF_RANGE: Refusal,
    grpc.StatusCode.UNIMPLEMENTED: Refusal,
}
"""All other codes leave open whether anything was decided."""


def error_of(failure: Failure, request_id: str = "", tries: int = 1) -> CreditError:
    """Return what to raise for a call that has failed after so many tries."""
    kind = _BY_REASON.get(failure.reason) or _BY_CODE.get(failure.code, NoAnswer)
    return kind(failure, request_id, tries)


def _instant(text: str) -> datetime | None:
    return datetime.fromisoformat(text) if text else None
