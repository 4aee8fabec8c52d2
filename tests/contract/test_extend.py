"""ExtendReservation gives a pending reservation more time, never less (A2)."""

import grpc
import pytest

from credit.v1 import credit_service_pb2 as credit
from tests.support.answers import lasting
from tests.support.customer import Customer, kind_of, state_of
from tests.support.refusals import refused

pytestmark = pytest.mark.requirement("A2")


def test_it_gives_more_time(customer: Customer) -> None:
    customer.top_up(10)
    name = customer.hold(10, seconds=60)
    customer.service.clock.advance(50)
    answer = customer.extend(name, 100)
    assert abs(answer.reservation.expire_time.seconds - customer.after(100).seconds) < 60
    customer.service.clock.advance(20)
    assert lasting(customer.reservation(name)) == lasting(answer.reservation)
    assert customer.confirm(name).balance.available == 0


@pytest.mark.requirement("A6")
def test_it_is_a_row_of_the_ledger_that_moves_no_credits(customer: Customer) -> None:
    customer.top_up(10)
    name = customer.hold(10, seconds=60)
    before = customer.balance()
    answer = customer.extend(name, 100)
    entry = answer.entry
    assert (kind_of(entry), entry.amount, entry.reservation) == ("EXTEND", 10, name)
    assert (entry.available_delta, entry.reserved_delta, entry.debt_delta) == (0, 0, 0)
    assert (answer.balance.available, answer.balance.reserved) == (before.available, before.reserved)
    assert answer.balance.version == before.version + 1


def test_it_never_takes_time_away(customer: Customer) -> None:
    customer.top_up(10)
    held = customer.reserve(10, seconds=600).reservation
    assert customer.extend(held.name, 10).reservation.expire_time == held.expire_time


def test_an_instant_in_the_past_is_refused(customer: Customer) -> None:
    customer.top_up(10)
    request = credit.ExtendReservationRequest(
        name=customer.hold(10), expire_time=customer.after(-1), request_id=customer.request_id()
    )
    refusal = refused(customer.app.credit.ExtendReservation, request)
    assert (refusal.reason, refusal.violations) == ("EXPIRY_IN_PAST", ["expire_time"])
    assert customer.kinds()[0] == "RESERVE"


@pytest.mark.parametrize("seconds", [0, -5, 86_401])
def test_a_lifetime_of_no_length_or_beyond_the_maximum_is_refused(customer: Customer, seconds: int) -> None:
    """The maximum counts from now, so that one may extend again and again."""
    customer.top_up(10)
    name = customer.hold(10)
    refusal = refused(customer.app.credit.ExtendReservation, customer.extending(name, seconds))
    assert (refusal.code, refusal.reason) == (grpc.StatusCode.INVALID_ARGUMENT, "EXPIRY_OUT_OF_RANGE")
    assert refusal.violations == ["ttl"]
    assert customer.kinds()[0] == "RESERVE"


def test_the_maximum_is_that_of_one_request_so_that_long_work_extends_again_and_again(customer: Customer) -> None:
    customer.top_up(10)
    name = customer.hold(10)
    for _ in range(3):
        until = customer.extend(name, 86_400).reservation.expire_time
        assert abs(until.seconds - customer.after(86_400).seconds) < 60
        customer.service.clock.advance(86_390)
    assert customer.confirm(name).balance.available == 0


def test_an_ended_one_gets_no_more_time(customer: Customer) -> None:
    customer.top_up(30)
    spent, returned, expired = customer.hold(10), customer.hold(10), customer.hold(10, seconds=60)
    customer.confirm(spent)
    customer.refund(returned)
    customer.service.clock.advance(61)
    for name, reason in (
        (spent, "RESERVATION_CONFIRMED"),
        (returned, "RESERVATION_REFUNDED"),
        (expired, "RESERVATION_EXPIRED"),
    ):
        refusal = refused(customer.app.credit.ExtendReservation, customer.extending(name, 60))
        assert (refusal.code, refusal.reason) == (grpc.StatusCode.FAILED_PRECONDITION, reason)
    assert state_of(customer.reservation(expired)) == "EXPIRED"
