"""A client may state the balance version that it decided on (A14)."""

from typing import Any

import grpc
import pytest

from tests.contract.at_once import at_once, reasons
from tests.support.customer import Customer
from tests.support.refusals import refused

pytestmark = pytest.mark.requirement("A14")


@pytest.fixture(params=["Reserve", "Deduct", "Confirm", "Refund pending", "Refund confirmed"])
def decided(request: pytest.FixtureRequest, customer: Customer) -> tuple[Any, Any]:
    """Return a call, and how to ask for it with a version; the wallet has had some movements."""
    customer.top_up(100)
    held = customer.hold(10)
    spent = customer.deduct(10).reservation.name
    app = customer.app.credit
    return {
        "Reserve": (app.Reserve, lambda version: customer.reserving(5, expected_version=version)),
        "Deduct": (app.Deduct, lambda version: customer.deducting(5, expected_version=version)),
        "Confirm": (app.Confirm, lambda version: customer.confirming(held, expected_version=version)),
        "Refund pending": (app.Refund, lambda version: customer.refunding(held, expected_version=version)),
        "Refund confirmed": (app.Refund, lambda version: customer.refunding(spent, expected_version=version)),
    }[request.param]


def test_the_version_that_is_current_passes(customer: Customer, decided: tuple[Any, Any]) -> None:
    call, asking = decided
    version = customer.balance().version
    assert call(asking(version)).balance.version == version + 1


def test_any_other_version_is_refused(customer: Customer, decided: tuple[Any, Any]) -> None:
    """The refusal says both versions, and changes nothing."""
    call, asking = decided
    before = customer.balance()
    for stated in (0, before.version - 1, before.version + 1, 2**63 - 1):
        refusal = refused(call, asking(stated))
        assert (refusal.code, refusal.reason) == (grpc.StatusCode.ABORTED, "VERSION_MISMATCH")
        assert (refusal.metadata["stated"], refusal.metadata["current"]) == (str(stated), str(before.version))
    assert customer.balance() == before


def test_of_two_that_decided_on_the_same_version_one_wins(customer: Customer) -> None:
    customer.top_up(100)
    for _ in range(5):
        version = customer.balance().version
        requests = [customer.deducting(1, expected_version=version) for _ in range(4)]
        assert reasons(at_once(customer.app.credit.Deduct, requests)) == ["OK"] + ["VERSION_MISMATCH"] * 3


def test_an_untouched_wallet_has_version_0(customer: Customer) -> None:
    """Version 0 is a statement like any other, not the lack of one."""
    refusal = refused(customer.app.credit.Reserve, customer.reserving(1, expected_version=0))
    assert refusal.reason == "INSUFFICIENT_CREDIT"
    customer.top_up(1)
    assert refused(customer.app.credit.Reserve, customer.reserving(1, expected_version=0)).reason == "VERSION_MISMATCH"


@pytest.mark.requirement("A7")
def test_a_repeat_answers_the_first_answer_whatever_the_version_is_now(customer: Customer) -> None:
    customer.top_up(100)
    request = customer.deducting(1, expected_version=1)
    first = customer.app.credit.Deduct(request)
    customer.deduct(1)
    assert customer.app.credit.Deduct(request) == first
