"""An error has the class of its reason, with its figures, and a text for people."""

import pickle
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar

import grpc
import pytest
from google.rpc.status_pb2 import Status

from credit.v1 import account_pb2
from credit.v1.credit_service_pb2 import ConfirmRequest, DeductRequest, GetReservationRequest, RefundRequest
from credit.v1.errors_pb2 import ErrorReason
from credit.v1.limits_pb2 import Limit
from credit_client import (
    AccountSuspended,
    InsufficientCredit,
    InvalidRequest,
    LimitExceeded,
    NoAnswer,
    NotAllowed,
    NotAuthenticated,
    Refusal,
    RequestIdReused,
    ReservationConfirmed,
    ReservationExpired,
    ReservationNotFound,
    ReservationRefunded,
    SpendExceedsHold,
)
from credit_client.errors import error_of
from credit_client.failure import DETAILS, NEVER, PUSHBACK, Failure, failure_of
from tests.client.styles import Style
from tests.support.customer import CHAT, Customer
from tests.support.error_reasons import documented
from tests.support.tokens import bearer

pytestmark = pytest.mark.requirement("H4")

Sent = TypeVar("Sent", bound=Exception)


def deducting(customer: Customer, amount: int, request_id: str = "") -> DeductRequest:
    """Return a request to spend."""
    account_id = customer.account_id
    return DeductRequest(account_id=account_id, credit_type=CHAT, amount=amount, request_id=request_id)


def test_too_little_credit(style: Style, customer: Customer) -> None:
    with pytest.raises(InsufficientCredit) as refusal:
        style.call(deducting(customer, 130))
    error = refusal.value
    assert (error.required, error.available, error.code) == (130, 100, grpc.StatusCode.FAILED_PRECONDITION)
    assert error.correlation_id
    assert "130" in error.text


@pytest.mark.usefixtures("same_day")
def test_a_limit_says_how_much_is_used_and_when_it_frees(style: Style, customer: Customer) -> None:
    customer.limit(Limit(credit_type=CHAT, most_per_day=10))
    style.call(deducting(customer, 7))
    with pytest.raises(LimitExceeded) as refusal:
        style.call(deducting(customer, 4))
    error = refusal.value
    assert (error.which, error.limit, error.used, error.requested) == ("MOST_PER_DAY", 10, 7, 4)
    now = datetime.fromtimestamp(customer.service.seconds, UTC)
    assert error.frees_time is not None
    assert now < error.frees_time <= now + timedelta(days=1)
    assert error.retry_seconds
    with pytest.raises(LimitExceeded) as never:
        style.call(deducting(customer, 11))
    assert (never.value.frees_time, never.value.retry_seconds) == (None, None)


def test_a_request_id_that_was_used_for_something_else(style: Style, customer: Customer) -> None:
    style.call(deducting(customer, 1, "work-7"))
    with pytest.raises(RequestIdReused) as refusal:
        style.call(deducting(customer, 2, "work-7"))
    assert refusal.value.used_by == "DEDUCT"
    assert refusal.value.use_time is not None
    assert refusal.value.request_id == "work-7"


def test_each_end_of_a_reservation(style: Style, customer: Customer) -> None:
    confirmed, refunded, expired = (customer.hold(1, seconds=60) for _ in range(3))
    customer.confirm(confirmed)
    customer.refund(refunded)
    customer.service.clock.advance(61)
    ends = {confirmed: ReservationConfirmed, refunded: ReservationRefunded, expired: ReservationExpired}
    for name, kind in ends.items():
        with pytest.raises(kind):
            style.call(ConfirmRequest(name=name))
    unknown = f"{confirmed[:-12]}{'0' * 12}"
    with pytest.raises(ReservationNotFound):
        style.call(RefundRequest(name=unknown))


def test_an_account_that_may_not_spend(style: Style, customer: Customer) -> None:
    customer.become(account_pb2.ACCOUNT_STATUS_SUSPENDED)
    with pytest.raises(AccountSuspended):
        style.call(deducting(customer, 1))


def test_fields_that_break_their_rules_are_named(style: Style, customer: Customer) -> None:
    with pytest.raises(InvalidRequest) as refusal:
        style.call(deducting(customer, 0))
    assert [fault.field for fault in refusal.value.faults] == ["amount"]


def test_who_calls_without_a_token_and_without_the_right(style: Style, customer: Customer) -> None:
    with pytest.raises(NotAuthenticated):
        style.with_(token="").call(deducting(customer, 1))
    reader = bearer("reader", ["SERVICE"], "credits.read").removeprefix("Bearer ")
    with pytest.raises(NotAllowed):
        style.with_(token=reader).call(deducting(customer, 1))


def test_a_request_that_is_answered_more_than_once_is_not_taken(style: Style) -> None:
    with pytest.raises(ValueError, match="by its stub"):
        style.call(Status())
    with pytest.raises(NotAllowed):
        style.with_(token=bearer("ann", ["USER"]).removeprefix("Bearer ")).call(
            GetReservationRequest(name="accounts/ben/wallets/chat/reservations/01975c5e-0000-7000-8000-000000000000")
        )


def test_every_reason_that_is_documented_has_a_class_and_only_those_to_be_repeated_leave_it_open() -> None:
    for one in documented().values():
        error = error_of(Failure(grpc.StatusCode[one.code], "", one.reason, one.metadata))
        is_open = one.retry or one.reason in ("INTERNAL", "DEADLINE_EXCEEDED")
        assert isinstance(error, NoAnswer if is_open else Refusal), one.reason
    assert len(documented()) == len(ErrorReason.values()) - 1


def test_it_reaches_another_process_as_it_is(style: Style, customer: Customer) -> None:
    with pytest.raises(InsufficientCredit) as refusal:
        style.call(deducting(customer, 130))
    error = sent(refusal.value)
    assert (error.required, error.available, error.text) == (130, 100, refusal.value.text)
    assert (error.request_id, error.tries, str(error)) == (refusal.value.request_id, 1, str(refusal.value))
    more = sent(SpendExceedsHold(30, 20, 11))
    assert (more.held, more.spent, more.more) == (30, 20, 11)


def sent(error: Sent) -> Sent:
    """Return what of an error comes out in another process."""
    received: Sent = pickle.loads(pickle.dumps(error))  # noqa: S301 - it is our own.
    return received


class _Answered(grpc.RpcError):
    """An error as gRPC raises it, with trailing metadata that anybody may have written."""

    def __init__(self, trailing: dict[str, bytes | str]) -> None:
        self._trailing = tuple(trailing.items())

    def code(self) -> grpc.StatusCode:
        return grpc.StatusCode.UNAVAILABLE

    def details(self) -> None:
        return None

    # Pairs indeed, whatever the stubs call them.
    def trailing_metadata(self) -> Any:
        return self._trailing


def test_what_others_have_put_into_the_answer_harms_nobody() -> None:
    assert failure_of(_Answered({})) == Failure(grpc.StatusCode.UNAVAILABLE, "")
    trailing: dict[str, bytes | str] = {DETAILS: b"\xff\xff", PUSHBACK: "soon"}
    assert failure_of(_Answered(trailing)) == Failure(grpc.StatusCode.UNAVAILABLE, "", pushback_seconds=NEVER)
