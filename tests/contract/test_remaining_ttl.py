"""How much of a hold's time is left, told by the server's clock: a caller whose own is wrong goes by it."""

import pytest

from credit.v1.reservation_pb2 import Reservation
from tests.support.customer import Customer

pytestmark = pytest.mark.requirement("A2")

SLACK_SECONDS = 30


def seconds_left(reservation: Reservation) -> float:
    """Return what is told to be left; no less than nothing."""
    assert reservation.HasField("remaining_ttl")
    assert reservation.remaining_ttl.ToNanoseconds() >= 0
    return reservation.remaining_ttl.ToNanoseconds() / 1e9


def test_it_runs_down_while_the_hold_is_pending(customer: Customer) -> None:
    customer.top_up(10)
    held = customer.reserve(5, seconds=300).reservation
    assert 300 - SLACK_SECONDS < seconds_left(held) <= 300
    customer.service.clock.advance(200)
    assert 100 - SLACK_SECONDS < seconds_left(customer.reservation(held.name)) <= 100
    extended = customer.extend(held.name, 400).reservation
    assert 400 - SLACK_SECONDS < seconds_left(extended) <= 400


@pytest.mark.requirement("A7")
def test_a_repeat_tells_what_is_left_by_then(customer: Customer) -> None:
    """Its other facts are those of the first answer: whoever hears late must not believe in time that has passed."""
    customer.top_up(10)
    request = customer.reserving(5, seconds=300)
    first = customer.app.credit.Reserve(request).reservation
    customer.service.clock.advance(200)
    again = customer.app.credit.Reserve(request).reservation
    assert again.expire_time == first.expire_time
    assert 100 - SLACK_SECONDS < seconds_left(again) <= 100
    customer.service.clock.advance(200)
    assert seconds_left(customer.app.credit.Reserve(request).reservation) == 0


def test_what_is_not_pending_has_none(customer: Customer) -> None:
    customer.top_up(10)
    spent, ended = customer.hold(2), customer.hold(2, seconds=30)
    answers = [customer.confirm(spent).reservation, customer.refund(spent).reservation, customer.deduct(1).reservation]
    customer.service.clock.advance(31)
    assert not any(one.HasField("remaining_ttl") for one in [*answers, customer.reservation(ended)])


def test_a_dry_run_tells_what_there_would_be(customer: Customer) -> None:
    customer.top_up(10)
    assert 60 - SLACK_SECONDS < seconds_left(customer.reserve(5, seconds=60, validate_only=True).reservation) <= 60
