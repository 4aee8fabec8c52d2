"""A client may state the balance version that it decided on (A14)."""

from typing import Any

import grpc
import pytest

from credit.v1.account_pb2 import ACCOUNT_STATUS_SUSPENDED as SUSPENDED
from credit.v1.account_pb2 import PLAN_KIND_UNLIMITED as UNLIMITED
from tests.contract.at_once import at_once, reasons
from tests.support.customer import Customer
from tests.support.refusals import refused

pytestmark = pytest.mark.requirement("A14")


@pytest.fixture(
    params=[
        "Reserve",
        "Deduct",
        "Confirm",
        "Refund pending",
        "Refund confirmed",
        "Extend",
        "AddCredits",
        "RemoveCredits",
    ]
)
def decided(request: pytest.FixtureRequest, customer: Customer) -> tuple[Any, Any]:
    """Return a call, and how to ask for it with a version; the wallet has had some movements."""
    customer.top_up(100)
    held = customer.hold(10)
    spent = customer.deduct(10).reservation.name
    app, staff = customer.app.credit, customer.staff.admin
    return {
        "Reserve": (app.Reserve, lambda version: customer.reserving(5, expected_version=version)),
        "Deduct": (app.Deduct, lambda version: customer.deducting(5, expected_version=version)),
        "Confirm": (app.Confirm, lambda version: customer.confirming(held, expected_version=version)),
        "Refund pending": (app.Refund, lambda version: customer.refunding(held, expected_version=version)),
        "Refund confirmed": (app.Refund, lambda version: customer.refunding(spent, expected_version=version)),
        "Extend": (app.ExtendReservation, lambda version: customer.extending(held, 600, expected_version=version)),
        "AddCredits": (staff.AddCredits, lambda version: _stating(customer.adding(5), version)),
        "RemoveCredits": (staff.RemoveCredits, lambda version: _stating(customer.removing(5), version)),
    }[request.param]


def _stating(request: Any, version: int) -> Any:
    request.amounts[0].expected_version = version
    return request


def _version_after(answer: Any) -> int:
    (balance,) = answer.balances if hasattr(answer, "balances") else [answer.balance]
    version: int = balance.version
    return version


def test_the_version_that_is_current_passes(customer: Customer, decided: tuple[Any, Any]) -> None:
    call, asking = decided
    version = customer.balance().version
    assert _version_after(call(asking(version))) == version + 1


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


def test_of_several_amounts_each_states_the_version_of_its_own_balance(customer: Customer) -> None:
    """One that is wrong stops them all."""
    customer.top_up(1)
    request = customer.adding(5)
    request.amounts.add(credit_type="THB", amount=5, expected_version=0)
    request.amounts[0].expected_version = 2
    refusal = refused(customer.staff.admin.AddCredits, request)
    assert (refusal.reason, refusal.metadata["current"]) == ("VERSION_MISMATCH", "1")
    assert customer.figures("THB") == (0, 0)
    request.amounts[0].expected_version = 1
    customer.staff.admin.AddCredits(request)
    assert (customer.figures(), customer.figures("THB")) == ((6, 0), (5, 0))


@pytest.mark.parametrize("change", ["status", "plan"])
def test_an_account_is_changed_only_at_the_version_stated(customer: Customer, change: str) -> None:
    staff, version = customer.staff.admin, customer.go_standard().version

    def asking(stated: int) -> Any:
        if change == "status":
            return customer.becoming(SUSPENDED, expected_version=stated)
        return customer.planning(UNLIMITED, expected_version=stated)

    call = staff.SetAccountStatus if change == "status" else staff.SetPlan
    for stated in (0, version - 1, version + 1):
        refusal = refused(call, asking(stated))
        assert (refusal.code, refusal.reason) == (grpc.StatusCode.ABORTED, "VERSION_MISMATCH")
        assert (refusal.metadata["stated"], refusal.metadata["current"]) == (str(stated), str(version))
    request = asking(version)
    changed = call(request).account
    assert changed.version == version + 1
    assert call(request).account == changed
