"""A block begins again by its request id: how its hold stands is known before any work."""

from concurrent.futures import ThreadPoolExecutor
from threading import Event

import pytest

from credit_client import Hold, ReservationExpired, ReservationRefunded
from tests.client.styles import Style
from tests.support.customer import Customer
from tests.support.patience import patience

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


def test_of_two_at_once_one_that_fails_gives_nothing_back_of_what_the_other_has_paid(
    style: Style, customer: Customer, caplog: pytest.LogCaptureFixture
) -> None:
    begun, paid = Event(), Event()

    def fail_later(hold: Hold) -> None:
        begun.set()
        assert paid.wait(patience(60))
        fail(hold)

    with ThreadPoolExecutor(1) as pool:
        failing = pool.submit(style.pay, fail_later, customer.account_id, 30, request_id=REQUEST_ID)
        assert begun.wait(patience(60))
        style.pay(lambda hold: hold.spend(20), customer.account_id, 30, request_id=REQUEST_ID)
        paid.set()
        with pytest.raises(ZeroDivisionError):
            failing.result(patience(60))
    assert customer.figures() == (80, 0)
    assert customer.kinds()[0] == "CONFIRM"
    assert "was confirmed by another run" in caplog.text


def test_of_two_at_once_one_whose_hold_the_other_has_given_back_is_told_at_its_end(
    style: Style, customer: Customer
) -> None:
    def spend_after_another_has_failed(hold: Hold) -> None:
        with pytest.raises(ZeroDivisionError):
            style.pay(fail, customer.account_id, 30, request_id=REQUEST_ID)
        hold.spend(20)

    with pytest.raises(ReservationRefunded):
        style.pay(spend_after_another_has_failed, customer.account_id, 30, request_id=REQUEST_ID)
    assert customer.figures() == (100, 0)
