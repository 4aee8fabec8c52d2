"""Refusals: one class for each business fact, with its figures as attributes.

``reason`` is the name that goes over the wire in ``google.rpc.ErrorInfo``; every fact goes with it as metadata.
"""

from typing import ClassVar

from creditd.domain.instant import Instant, instant_text


class Refusal(Exception):
    """A command was refused, and nothing was changed by it."""

    reason: ClassVar[str]

    def __init__(self, **facts: int | str) -> None:
        """Remember the figures that explain the refusal."""
        super().__init__(self.reason, facts)
        self.facts = facts


class InsufficientCredit(Refusal):
    """The available balance does not cover the amount. Facts: required, available."""

    reason = "INSUFFICIENT_CREDIT"


class RequestIdReused(Refusal):
    """The request id was used before for something else. Facts: request_id, used_by, use_time."""

    reason = "REQUEST_ID_REUSED"


def reused(request_id: str, used_by: str, use_time: Instant) -> RequestIdReused:
    """Return the refusal of a request id that was used before: for what kind of entry or change, and when."""
    return RequestIdReused(request_id=request_id, used_by=used_by, use_time=instant_text(use_time))


class ReservationNotFound(Refusal):
    """No such reservation on this wallet. Facts: reservation."""

    reason = "RESERVATION_NOT_FOUND"


class ReservationExpired(Refusal):
    """The reservation's time is over and its credits are back. Facts: reservation."""

    reason = "RESERVATION_EXPIRED"


class ReservationPending(Refusal):
    """The reservation is pending: it is given back whole, and not in part. Facts: reservation, requested, reserved."""

    reason = "RESERVATION_PENDING"


class ReservationConfirmed(Refusal):
    """The reservation was confirmed before. Facts: reservation."""

    reason = "RESERVATION_CONFIRMED"


class ReservationRefunded(Refusal):
    """The reservation was given back before anything of it was spent. Facts: reservation."""

    reason = "RESERVATION_REFUNDED"


class AmountExceedsReservation(Refusal):
    """More was to be confirmed than is held, and the excess was not allowed. Facts: requested, reserved."""

    reason = "AMOUNT_EXCEEDS_RESERVATION"


class AmountExceedsConfirmed(Refusal):
    """More was to be given back than can be. Facts: requested, refundable."""

    reason = "AMOUNT_EXCEEDS_CONFIRMED"


class CreditTypeNotFound(Refusal):
    """No such credit type. Facts: credit_type."""

    reason = "CREDIT_TYPE_NOT_FOUND"


class CreditTypeExists(Refusal):
    """The credit type exists, with other properties. Facts: credit_type."""

    reason = "CREDIT_TYPE_EXISTS"


class AccountNotFound(Refusal):
    """No such account. Facts: account_id."""

    reason = "ACCOUNT_NOT_FOUND"


class AccountSuspended(Refusal):
    """The account may not spend. Facts: account_id."""

    reason = "ACCOUNT_SUSPENDED"


class AccountClosed(Refusal):
    """The account is closed. Facts: account_id."""

    reason = "ACCOUNT_CLOSED"


class AccountNotEmpty(Refusal):
    """The account still has credits, holds or debt. Facts: account_id."""

    reason = "ACCOUNT_NOT_EMPTY"


class VersionMismatch(Refusal):
    """The balance has moved since the version that the caller decided on. Facts: stated, current."""

    reason = "VERSION_MISMATCH"


class VersionAhead(Refusal):
    """A version is stated that the balance has not come to. Facts: stated, current."""

    reason = "VERSION_AHEAD"


class BalanceTooLarge(Refusal):
    """The balance would exceed what an int64 holds. Facts: amount, total, maximum."""

    reason = "BALANCE_TOO_LARGE"


class ExpiryOutOfRange(Refusal):
    """A lifetime is not more than zero, or an end is further away than is allowed. Facts: field, maximum_seconds."""

    reason = "EXPIRY_OUT_OF_RANGE"


class ExpiryInPast(Refusal):
    """A stated time is not after now. Facts: field, server_time."""

    reason = "EXPIRY_IN_PAST"


def require_future(field: str, stated: Instant | None, now: Instant) -> None:
    """Raise ExpiryInPast unless a stated time comes after now; None is never, and passes."""
    if stated is not None and stated <= now:
        # The server's time tells a caller whose clock is wrong by how much it is.
        raise ExpiryInPast(field=field, server_time=instant_text(now))


class InvalidField(Refusal):
    """A field breaks a rule that only the service can check. Facts: field, rule."""

    reason = "INVALID_FIELD"


class PageTokenInvalid(Refusal):
    """The page token is not one of ours, or belongs to another query."""

    reason = "PAGE_TOKEN_INVALID"


class AmountExceedsDebt(Refusal):
    """More debt was to be written off than there is, or there is none. Facts: requested, debt."""

    reason = "AMOUNT_EXCEEDS_DEBT"
