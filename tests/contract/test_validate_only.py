"""validate_only answers as if it had been done, and does nothing (AIP-163)."""

from typing import Any

import pytest

from credit.v1 import account_pb2
from credit.v1 import admin_service_pb2 as admin
from credit.v1.account_pb2 import ACCOUNT_STATUS_SUSPENDED as SUSPENDED
from credit.v1.account_pb2 import PLAN_KIND_UNLIMITED as UNLIMITED
from creditd.domain.resource_names import account_name
from tests.contract.at_once import was_replayed
from tests.support.customer import Customer, slices_of, state_of
from tests.support.refusals import refused


def _dry_runs(customer: Customer) -> dict[str, tuple[Any, Any]]:
    held, staff = customer.hold(10), customer.staff.admin
    return {
        "Confirm": (customer.app.credit.Confirm, customer.confirming(held, 4, validate_only=True)),
        "Refund": (customer.app.credit.Refund, customer.refunding(held, validate_only=True)),
        "ExtendReservation": (customer.app.credit.ExtendReservation, customer.extending(held, 900, validate_only=True)),
        "AddCredits": (staff.AddCredits, customer.adding(7, validate_only=True)),
        "RemoveCredits": (staff.RemoveCredits, customer.removing(7, validate_only=True)),
        "SetAccountStatus": (staff.SetAccountStatus, customer.becoming(SUSPENDED, validate_only=True)),
        "SetPlan": (staff.SetPlan, customer.planning(UNLIMITED, validate_only=True)),
    }


MOVED = {
    "Confirm": (96, 0),
    "Refund": (100, 0),
    "ExtendReservation": (90, 10),
    "AddCredits": (97, 10),
    "RemoveCredits": (83, 10),
}
"""What is available and reserved after each, of 100 with a hold of 10."""


@pytest.mark.parametrize("name", ["Confirm", "Refund", "ExtendReservation", "AddCredits", "RemoveCredits"])
def test_a_movement_that_is_tried_answers_with_the_balance_and_no_entry(customer: Customer, name: str) -> None:
    customer.top_up(100)
    call, request = _dry_runs(customer)[name]
    before = customer.account_balance()
    answer = call(request)
    (balance,) = answer.balances if hasattr(answer, "balances") else [answer.balance]
    assert (balance.available, balance.reserved) == MOVED[name]
    assert not (answer.entries if hasattr(answer, "entries") else answer.HasField("entry"))
    assert customer.account_balance() == before
    assert customer.kinds() == ["RESERVE", "ADMIN_ADD"]
    request.validate_only = False
    call(request)
    assert customer.figures() == MOVED[name]


@pytest.mark.parametrize("name", ["SetAccountStatus", "SetPlan"])
def test_a_change_of_an_account_that_is_tried_answers_with_it_and_leaves_it(customer: Customer, name: str) -> None:
    customer.top_up(100)
    call, request = _dry_runs(customer)[name]
    before = customer.account_balance()
    tried = call(request).account
    assert (tried.status, tried.plan.kind) != (before.status, before.plan.kind)
    assert customer.account_balance() == before
    request.validate_only = False
    done, made = call.with_call(request)
    assert not was_replayed(made)
    assert (done.account.status, done.account.plan) == (tried.status, tried.plan)
    assert done.account.version == tried.version


def test_an_account_that_nobody_has_seen_is_not_opened_by_a_try(customer: Customer) -> None:
    staff = customer.staff.admin
    assert staff.SetPlan(customer.planning(UNLIMITED, validate_only=True)).account.plan.kind == UNLIMITED
    assert staff.SetAccountStatus(customer.becoming(SUSPENDED, validate_only=True)).account.status == SUSPENDED
    assert staff.AddCredits(customer.adding(1, validate_only=True)).balances[0].available == 1
    looked_up = admin.GetAccountRequest(name=account_name(customer.account_id))
    assert refused(customer.staff.admin.GetAccount, looked_up).reason == "ACCOUNT_NOT_FOUND"


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
