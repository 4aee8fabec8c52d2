"""validate_only answers as if it had been done, and does nothing (AIP-163)."""

from typing import Any

import pytest

from credit.v1 import account_pb2
from tests.contract.at_once import was_replayed
from tests.support.customer import Customer, slices_of, state_of
from tests.support.refusals import refused


@pytest.fixture(params=["Reserve", "Deduct"])
def spending(request: pytest.FixtureRequest, customer: Customer) -> Any:
    """Return how to spend, and how to ask for it."""
    if request.param == "Reserve":
        return customer.app.credit.Reserve, customer.reserving
    return customer.app.credit.Deduct, customer.deducting


def test_it_answers_what_would_be_and_changes_nothing(customer: Customer, spending: Any) -> None:
    call, asking = spending
    customer.top_up(100)
    before = customer.account_balance()
    answer = call(asking(30, validate_only=True))
    assert slices_of(answer.reservation) == [("PURCHASED", 30)]
    assert (answer.balance.available, answer.balance.version) == (70, 2)
    assert not answer.HasField("entry")
    assert customer.account_balance() == before
    assert customer.kinds() == ["ADMIN_ADD"]


def test_the_reservation_that_it_shows_does_not_exist(customer: Customer) -> None:
    customer.top_up(100)
    shown = customer.reserve(30, validate_only=True).reservation
    assert state_of(shown) == "PENDING"
    assert refused(customer.app.credit.Confirm, customer.confirming(shown.name)).reason == "RESERVATION_NOT_FOUND"


def test_it_is_refused_for_the_same_reasons(customer: Customer, spending: Any) -> None:
    call, asking = spending
    customer.top_up(10)

    def reason(**fields: Any) -> str:
        return refused(call, asking(**fields, validate_only=True)).reason

    assert reason(amount=11) == "INSUFFICIENT_CREDIT"
    assert reason(amount=0) == "INVALID_FIELD"
    assert reason(amount=1, credit_type="nothing") == "CREDIT_TYPE_NOT_FOUND"
    assert reason(amount=1, expected_version=7) == "VERSION_MISMATCH"
    customer.become(account_pb2.ACCOUNT_STATUS_SUSPENDED)
    assert reason(amount=1) == "ACCOUNT_SUSPENDED"


def test_its_request_id_is_not_used_up(customer: Customer, spending: Any) -> None:
    call, asking = spending
    customer.top_up(10)
    request_id = customer.request_id()
    call(asking(4, request_id=request_id, validate_only=True))
    answer, made = call.with_call(asking(4, request_id=request_id))
    assert answer.HasField("entry")
    assert not was_replayed(made)


def test_it_decides_on_what_others_have_done_meanwhile(customer: Customer, spending: Any) -> None:
    """Not on a copy in memory: another call's effect shows at once."""
    call, asking = spending
    customer.top_up(10)
    for left in (10, 7, 4, 1):
        assert call(asking(1, validate_only=True)).balance.available == left - 1
        if left > 3:
            customer.deduct(3)
