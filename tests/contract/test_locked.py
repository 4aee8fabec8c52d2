"""A balance that something else holds: its calls wait or are refused alone, and say so; nobody else notices (B, H3)."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest

from credit.v1 import account_pb2
from credit.v1 import admin_service_pb2 as admin
from creditd.domain.resource_names import account_name
from creditd.ledger import waiting_room
from tests.support.customer import Customer
from tests.support.refusals import RefusedCall, refused
from tests.support.row_locks import ACCOUNT, WALLET, held


def assert_is_busy(refusal: RefusedCall) -> None:
    """Check that a refusal says that nothing was done and when to come back."""
    assert (refusal.code.name, refusal.reason) == ("UNAVAILABLE", "RECORD_BUSY")
    assert refusal.retry is not None


@pytest.mark.requirement("J5")
def test_a_call_on_a_balance_that_is_held_waits_while_others_are_answered(customer: Customer) -> None:
    customer.top_up(100)
    beside = customer.another("beside")
    beside.top_up(100)
    url = customer.service.config.database_url
    with ThreadPoolExecutor(1) as pool:
        with held(url, WALLET, customer.account_id):
            waiting = pool.submit(customer.deduct, 10)
            assert [beside.deduct(1).balance.available for _ in range(3)] == [99, 98, 97]
            assert customer.figures() == (100, 0)
            assert not waiting.done()
        assert waiting.result().balance.available == 90


@pytest.mark.requirement("H2", "J5")
def test_a_call_on_a_balance_that_stays_held_is_refused_alone_and_can_be_repeated(
    customer: Customer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(waiting_room, "LONGEST_WAIT_SECONDS", 0.1)
    customer.top_up(100)
    request = customer.deducting(10)
    with held(customer.service.config.database_url, WALLET, customer.account_id):
        assert_is_busy(refused(customer.app.credit.Deduct, request))
    assert customer.figures() == (100, 0)
    assert customer.app.credit.Deduct(request).balance.available == 90


@pytest.mark.requirement("B3", "H2")
@pytest.mark.parametrize("statement", [ACCOUNT, WALLET], ids=["account", "wallet"])
def test_a_change_of_an_account_that_is_held_gives_up_soon(customer: Customer, statement: str) -> None:
    customer.top_up(100)
    request = admin.SetPlanRequest(
        name=account_name(customer.account_id),
        plan=account_pb2.Plan(kind=account_pb2.PLAN_KIND_UNLIMITED),
        reason="test",
        request_id=customer.request_id(),
    )
    set_plan: Callable[..., object] = customer.staff.admin.SetPlan
    with held(customer.service.config.database_url, statement, customer.account_id):
        assert_is_busy(refused(set_plan, request))
    set_plan(request)
    assert customer.deduct(1_000).balance.available == 100
