"""Refusals: one class for each business fact, with its figures as attributes.

``reason`` is the name that goes over the wire in ``google.rpc.ErrorInfo``; every fact goes with it as metadata.
"""

from typing import ClassVar

from creditd.domain.instant import Instant, instant_text


class Refusal(Exception):
    """A command was refused, and changed nothing."""

    reason: ClassVar[str]

    amounts: ClassVar[tuple[str, ...]] = ()
    """The facts that are amounts, in the smallest unit of what another fact names: a credit_type, or a currency."""

    def __init__(self, **facts: int | str) -> None:
        """Remember the figures that explain the refusal."""
        super().__init__(self.reason, facts)
        self.facts = facts


class InsufficientCredit(Refusal):
    """The available balance does not cover the amount. Facts: credit_type, required, available."""

    reason = "INSUFFICIENT_CREDIT"
    amounts = ("required", "available")


class RequestIdReused(Refusal):
    """The request id was used before for something else. Facts: request_id, used_by, use_time."""

    reason = "REQUEST_ID_REUSED"


def reused(request_id: str, used_by: str, use_time: Instant) -> RequestIdReused:
    """Return the refusal of a request id that was used before: for what kind of entry or change, and when."""
    return RequestIdReused(request_id=request_id, used_by=used_by, use_time=instant_text(use_time))


class ReservationNotFound(Refusal):
    """The wallet has no such reservation. Facts: reservation."""

    reason = "RESERVATION_NOT_FOUND"


class ReservationExpired(Refusal):
    """The reservation has expired, and its credits were returned. Facts: reservation."""

    reason = "RESERVATION_EXPIRED"


class ReservationPending(Refusal):
    """The reservation is pending, and can only be refunded whole.

    Facts: credit_type, reservation, requested, reserved.
    """

    reason = "RESERVATION_PENDING"
    amounts = ("requested", "reserved")


class ReservationConfirmed(Refusal):
    """The reservation is already confirmed. Facts: reservation."""

    reason = "RESERVATION_CONFIRMED"


class ReservationRefunded(Refusal):
    """The reservation is already refunded, without having been confirmed. Facts: reservation."""

    reason = "RESERVATION_REFUNDED"


class AmountExceedsReservation(Refusal):
    """The amount is more than is held, and an excess is not allowed. Facts: credit_type, requested, reserved."""

    reason = "AMOUNT_EXCEEDS_RESERVATION"
    amounts = ("requested", "reserved")


class AmountExceedsConfirmed(Refusal):
    """The amount is more than can be refunded. Facts: credit_type, requested, refundable."""

    reason = "AMOUNT_EXCEEDS_CONFIRMED"
    amounts = ("requested", "refundable")


class GrantNotFound(Refusal):
    """The wallet has no such grant. Facts: grant."""

    reason = "GRANT_NOT_FOUND"


class CreditTypeNotFound(Refusal):
    """The credit type does not exist. Facts: credit_type."""

    reason = "CREDIT_TYPE_NOT_FOUND"


class CreditTypeExists(Refusal):
    """The credit type exists already, with other properties. Facts: credit_type."""

    reason = "CREDIT_TYPE_EXISTS"


class SupportLimitExceeded(Refusal):
    """More than may be given to an account on a day. Facts: credit_type, limit, given, requested."""

    reason = "SUPPORT_LIMIT_EXCEEDED"
    amounts = ("limit", "given", "requested")


class AccountNotFound(Refusal):
    """The account does not exist. Facts: account_id."""

    reason = "ACCOUNT_NOT_FOUND"


class AccountSuspended(Refusal):
    """The account is suspended and may not spend. Facts: account_id."""

    reason = "ACCOUNT_SUSPENDED"


class AccountClosed(Refusal):
    """The account is closed. Facts: account_id."""

    reason = "ACCOUNT_CLOSED"


class AccountNotEmpty(Refusal):
    """The account still has credits, reservations or debt. Facts: account_id."""

    reason = "ACCOUNT_NOT_EMPTY"


class VersionMismatch(Refusal):
    """The balance has changed since the stated version. Facts: stated, current."""

    reason = "VERSION_MISMATCH"


class VersionAhead(Refusal):
    """The stated version is higher than the balance's. Facts: stated, current."""

    reason = "VERSION_AHEAD"


class EntriesArchived(Refusal):
    """What was asked of the past lies in entries that were moved to files.

    Facts: account_id, credit_type, before_version, before_time, file.
    """

    reason = "ENTRIES_ARCHIVED"


class BalanceTooLarge(Refusal):
    """The balance would exceed the largest int64. Facts: credit_type, amount, total, maximum."""

    reason = "BALANCE_TOO_LARGE"
    amounts = ("amount", "total", "maximum")


class ExpiryOutOfRange(Refusal):
    """A lifetime is not more than zero, or an end is beyond the maximum. Facts: field, maximum_seconds."""

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
    """The page token is not valid, or belongs to another query."""

    reason = "PAGE_TOKEN_INVALID"


class AmountExceedsDebt(Refusal):
    """The amount is more than the debt, or there is no debt. Facts: credit_type, requested, debt."""

    reason = "AMOUNT_EXCEEDS_DEBT"
    amounts = ("requested", "debt")


class StatementTooLong(Refusal):
    """The statement has more entries than a PDF takes. Facts: rows, maximum."""

    reason = "STATEMENT_TOO_LONG"


class LimitExceeded(Refusal):
    """A limit of the account, or of a spender within it, does not allow so much.

    Facts: credit_type, which, limit, requested; spender_id for a limit on a spender; for an hour or a day also used,
    and frees_time where waiting helps. ``wait`` is then the time until it frees, in microseconds.
    """

    reason = "LIMIT_EXCEEDED"
    amounts = ("limit", "requested", "used")

    def __init__(self, wait: int | None = None, /, **facts: int | str) -> None:
        """Remember the figures, and how long to wait."""
        super().__init__(**facts)
        self.wait = wait
