"""The same request id with the same content answers with the very first answer (A7)."""

from collections.abc import Callable, Iterator
from types import SimpleNamespace
from typing import Any

import pytest

from credit.v1 import account_pb2
from credit.v1 import admin_service_pb2 as admin
from credit.v1.limits_pb2 import Limit
from tests.contract.at_once import was_replayed
from tests.support.answers import lasting
from tests.support.customer import Customer
from tests.support.refusals import refused
from tests.support.service import RunningService, running_service

pytestmark = pytest.mark.requirement("A7")


def adding(customer: Customer) -> admin.AddCreditsRequest:
    """Return the request to add credits of two types."""
    amounts = [admin.CreditAmount(credit_type=code, amount=7) for code in ("chat", "THB")]
    return admin.AddCreditsRequest(
        account_id=customer.account_id, amounts=amounts, reason="a gift", request_id=customer.request_id()
    )


MUTATIONS: dict[str, Callable[[Customer], tuple[Any, Any]]] = {
    "Reserve": lambda c: (c.app.credit.Reserve, c.reserving(10, reason="work", metadata={"a": "b", "z": "ü"})),
    "Reserve until": lambda c: (c.app.credit.Reserve, c.reserving(10, expire_time=c.after(77))),
    "Confirm": lambda c: (c.app.credit.Confirm, c.confirming(c.hold(10))),
    "Confirm less": lambda c: (c.app.credit.Confirm, c.confirming(c.hold(10), 4, metadata={"k": "v"})),
    "Confirm more": lambda c: (c.app.credit.Confirm, c.confirming(c.hold(10), 14, allow_excess=True)),
    "Refund pending": lambda c: (c.app.credit.Refund, c.refunding(c.hold(10), reason="failed")),
    "Refund part": lambda c: (c.app.credit.Refund, c.refunding(c.deduct(10).reservation.name, 3)),
    "Refund rest": lambda c: (c.app.credit.Refund, c.refunding(c.deduct(10).reservation.name)),
    "Deduct": lambda c: (c.app.credit.Deduct, c.deducting(10, metadata={"k": "v"})),
    "ExtendReservation": lambda c: (c.app.credit.ExtendReservation, c.extending(c.hold(10, seconds=60), 500)),
    "AddCredits": lambda c: (c.staff.admin.AddCredits, adding(c)),
    "RemoveCredits": lambda c: (c.staff.admin.RemoveCredits, c.removing(5)),
    "SetPlan": lambda c: (c.staff.admin.SetPlan, c.planning(account_pb2.PLAN_KIND_UNLIMITED, 60)),
    "SetLimits": lambda c: (
        c.staff.admin.SetLimits,
        c.limiting(Limit(credit_type="chat", spender="*", most_per_day=1)),
    ),
    "SetBalanceAlerts": lambda c: (c.staff.admin.SetBalanceAlerts, c.alerting(chat=7)),
    "SetAccountStatus": lambda c: (
        c.staff.admin.SetAccountStatus,
        c.becoming(account_pb2.ACCOUNT_STATUS_SUSPENDED),
    ),
}


def change_everything(customer: Customer, answer: Any) -> None:
    """Let all happen that can happen to the account, and to the reservation if there is one."""
    customer.become(account_pb2.ACCOUNT_STATUS_ACTIVE)
    reservation = getattr(answer, "reservation", None)
    if reservation is not None and reservation.state == 1:
        customer.extend(reservation.name, 1_000)
        customer.confirm(reservation.name, 3)
    if reservation is not None and reservation.confirmed_amount > reservation.refunded_amount:
        customer.refund(reservation.name, 1)
    customer.top_up(50)
    customer.go_unlimited(30)
    customer.deduct(60)
    customer.go_standard()
    customer.service.clock.advance(100_000)
    customer.become(account_pb2.ACCOUNT_STATUS_CLOSED, allow_balance=True)


@pytest.fixture(params=MUTATIONS)
def mutation(request: pytest.FixtureRequest, customer: Customer) -> tuple[Any, Any]:
    """Return a call and its request, for a customer with 100 credits."""
    customer.top_up(60)
    customer.top_up(40, seconds=9_000)
    return MUTATIONS[request.param](customer)


def test_a_repeat_answers_with_the_first_answer_and_says_so(customer: Customer, mutation: tuple[Any, Any]) -> None:
    call, request = mutation
    first, made = call.with_call(request)
    after = customer.account_balance()
    again, repeated = call.with_call(request)
    assert lasting(again) == lasting(first)
    assert (was_replayed(made), was_replayed(repeated)) == (False, True)
    assert customer.account_balance() == after


def test_a_repeat_answers_with_the_first_answer_after_all_has_changed(
    customer: Customer, mutation: tuple[Any, Any]
) -> None:
    """Also on an account that is closed by then, days later: what was done is told before any state is looked at."""
    call, request = mutation
    first = call(request)
    change_everything(customer, first)
    again, repeated = call.with_call(request)
    assert lasting(again) == lasting(first)
    assert was_replayed(repeated)


@pytest.fixture(scope="module")
def another(service: RunningService, tmp_path_factory: pytest.TempPathFactory) -> Iterator[SimpleNamespace]:
    """Run another server on the same database; return its stubs."""
    with running_service(tmp_path_factory.mktemp("another"), database_url=service.config.database_url) as server:
        yield server.as_caller("another", "ADMIN")


def test_another_server_repeats_the_first_answer(another: SimpleNamespace, mutation: tuple[Any, Any]) -> None:
    """As one does that was started after the first had died."""
    call, request = mutation
    first = call(request)
    name = type(request).__name__.removesuffix("Request")
    again, repeated = (getattr(another.credit, name, None) or getattr(another.admin, name)).with_call(request)
    assert lasting(again) == lasting(first)
    assert was_replayed(repeated)


def test_a_repeat_is_the_same_though_the_servers_clock_was_behind(customer: Customer) -> None:
    """Servers' clocks differ by a little; a wallet's times never go back, and what is told of them is one truth."""
    topped_up = customer.top_up(10)
    customer.service.clock.advance(-30)
    try:
        request = customer.reserving(1)
        first = customer.app.credit.Reserve(request)
        assert lasting(customer.app.credit.Reserve(request)) == lasting(first)
        assert lasting(customer.reservation(first.reservation.name)) == lasting(first.reservation)
    finally:
        customer.service.clock.advance(30)
    assert first.entry.create_time == topped_up.create_time
    assert first.reservation.create_time == first.reservation.update_time == first.entry.create_time


@pytest.mark.parametrize("request_id", ["x" * 255, "ก" * 255, "a\nb\t\"'\\{}%", "  ", "NULL", "👩‍👩‍👧"])
def test_a_request_id_is_any_string(customer: Customer, request_id: str) -> None:
    customer.top_up(10)
    request = customer.deducting(1, request_id=request_id)
    first = customer.app.credit.Deduct(request)
    assert first.entry.request_id == request_id
    assert customer.app.credit.Deduct(request) == first
    assert customer.figures() == (9, 0)


def test_request_ids_are_the_accounts_own(customer: Customer) -> None:
    """Two accounts may use the same one."""
    other = customer.another("other")
    for one in (customer, other):
        one.top_up(10)
        assert one.deduct(1, request_id="the same").balance.available == 9


def test_a_refusal_is_no_answer_to_repeat(customer: Customer) -> None:
    request = customer.deducting(5)
    assert refused(customer.app.credit.Deduct, request).reason == "INSUFFICIENT_CREDIT"
    customer.top_up(5)
    answer, made = customer.app.credit.Deduct.with_call(request)
    assert answer.balance.available == 0
    assert not was_replayed(made)
