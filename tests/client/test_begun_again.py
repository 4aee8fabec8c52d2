"""A block begins again by its request id: how its hold stands is known before any work."""

import pytest

from credit_client import Hold, ReservationExpired, ReservationRefunded
from tests.client.styles import Style
from tests.support.customer import Customer

pytestmark = pytest.mark.requirement("H4")

REQUEST_ID = "work-7"


def fail(hold: Hold) -> None:
    """Fail after some of it was spent."""
    hold.spend(10)
    raise ZeroDivisionError


def never(hold: Hold) -> None:
    """Work for nothing."""
    raise AssertionError(hold.name)


def test_what_was_paid_is_charged_once_and_not_given_back(style: Style, customer: Customer) -> None:
    were_paid: list[bool] = []

    def work(hold: Hold) -> None:
        were_paid.append(hold.is_paid)
        hold.spend(10)

    style.pay(work, customer.account_id, 30, request_id=REQUEST_ID)
    with pytest.raises(ZeroDivisionError):
        style.pay(fail, customer.account_id, 30, request_id=REQUEST_ID)
    style.pay(work, customer.account_id, 30, request_id=REQUEST_ID)
    assert were_paid == [False, True]
    assert customer.figures() == (90, 0)
    assert customer.kinds()[:3] == ["CONFIRM", "EXTEND", "RESERVE"]


def test_what_was_given_back_is_not_worked_for(style: Style, customer: Customer) -> None:
    """Nor by the request id that the error tells."""
    with pytest.raises(ZeroDivisionError):
        style.pay(fail, customer.account_id, 30, request_id=REQUEST_ID)
    request_id = REQUEST_ID
    for _ in range(2):
        with pytest.raises(ReservationRefunded) as refusal:
            style.pay(never, customer.account_id, 30, request_id=request_id)
        request_id = refusal.value.request_id
        assert request_id == f"{REQUEST_ID}.reserve"
    assert customer.figures() == (100, 0)


def test_what_has_expired_is_not_worked_for(style: Style, customer: Customer) -> None:
    style.call(customer.reserving(30, seconds=60, request_id=f"{REQUEST_ID}.reserve"))
    customer.service.clock.advance(61)
    with pytest.raises(ReservationExpired):
        style.pay(never, customer.account_id, 30, ttl=60, request_id=REQUEST_ID)
    assert customer.figures() == (100, 0)
