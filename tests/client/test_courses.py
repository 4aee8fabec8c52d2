"""What a block calls comes to the right end, however its calls are answered."""

import pytest
from grpc import StatusCode

from credit.v1.credit_service_pb2 import DeductRequest, GetBalanceRequest
from credit.v1.reservation_pb2 import Reservation
from credit_client import Hold, Manner, NoAnswer
from credit_client.block import end, end_failed, extend
from credit_client.failure import Failure
from credit_client.observer import Nobody
from credit_client.tries import MOST_TRY_SECONDS, Course, Result, Send, call

pytestmark = pytest.mark.requirement("H4")

AT_ONCE = Manner(call_seconds=0.0, confirm_seconds=0.0)
"""One try of each call."""

LOST = Failure(StatusCode.UNAVAILABLE, "")


def result(course: Course[Result], outcome: Failure | Exception) -> Result:
    """Return what a course comes to whose one call comes to this."""
    assert isinstance(course.send(None), Send)
    try:
        if isinstance(outcome, Failure):
            course.send(outcome)
        else:
            course.throw(outcome)
    except StopIteration as done:
        value: Result = done.value
        return value
    raise AssertionError


@pytest.fixture
def hold() -> Hold:
    """Return a hold of a minute."""
    reservation = Reservation(name="accounts/ann/wallets/chat/reservations/7", amount=30)
    reservation.remaining_ttl.FromSeconds(60)
    return Hold(reservation, "work-7", spent_stands=False)


@pytest.mark.parametrize(
    "outcome",
    [
        Failure(StatusCode.INTERNAL, "", "INTERNAL"),
        Failure(StatusCode.UNAUTHENTICATED, "", "TOKEN_EXPIRED"),
        Failure(StatusCode.RESOURCE_EXHAUSTED, "", "OVERLOADED", pushback_seconds=600.0),
        OSError("there is no token"),
    ],
    ids=["a bug", "a token that has expired", "a long push-back", "no token"],
)
def test_a_bad_answer_does_not_end_the_extending(hold: Hold, outcome: Failure | Exception) -> None:
    assert result(extend(hold, AT_ONCE), outcome)
    assert hold.is_to_be_extended
    # Some of the time is left for the next try, and some for the one after that.
    assert hold.extends_after_seconds + hold.extends_within_seconds <= 60


@pytest.mark.parametrize(
    "reason", ["RESERVATION_CONFIRMED", "RESERVATION_EXPIRED", "RESERVATION_NOT_FOUND", "RESERVATION_REFUNDED"]
)
def test_a_hold_that_is_gone_is_extended_no_more(hold: Hold, reason: str) -> None:
    assert not result(extend(hold, AT_ONCE), Failure(StatusCode.FAILED_PRECONDITION, "", reason))


@pytest.mark.parametrize("outcome", [LOST, ValueError("closed")], ids=["no answer", "a closed client"])
def test_what_cannot_be_given_back_is_told_in_the_log(
    hold: Hold, outcome: Failure | Exception, caplog: pytest.LogCaptureFixture
) -> None:
    hold.spend(0)
    result(end(hold, AT_ONCE), outcome)
    result(end_failed(hold, AT_ONCE), outcome)
    assert caplog.text.count("was not ended, and expires") == 2


def test_what_cannot_be_confirmed_is_raised(hold: Hold) -> None:
    with pytest.raises(NoAnswer) as error:
        result(end(hold, AT_ONCE), LOST)
    assert error.value.request_id == "work-7.confirm"


def test_an_answer_that_is_lost_is_asked_for_again_in_time() -> None:
    moving, reading = (next(call(request, Nobody(), 60.0)) for request in (DeductRequest(), GetBalanceRequest()))
    assert isinstance(moving, Send)
    assert isinstance(reading, Send)
    # What takes no request id may take long.
    assert moving.seconds <= MOST_TRY_SECONDS < reading.seconds
