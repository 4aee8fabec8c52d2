"""While an unlimited plan is active use is recorded and takes nothing; what was bought is set aside (A10)."""

import random
from typing import Any

import grpc
import pytest

from credit.v1 import account_pb2
from tests.contract.at_once import at_once, reasons
from tests.support.customer import Customer, kind_of, slices_of
from tests.support.refusals import refused

pytestmark = pytest.mark.requirement("A10")

UNLIMITED, STANDARD = account_pb2.PLAN_KIND_UNLIMITED, account_pb2.PLAN_KIND_STANDARD


def test_a_reserve_takes_nothing_and_is_recorded_with_its_amount(customer: Customer) -> None:
    customer.top_up(10)
    customer.go_unlimited()
    answer = customer.reserve(1_000)
    assert (answer.reservation.unlimited, answer.reservation.amount) == (True, 1_000)
    assert not slices_of(answer.reservation)
    entry = answer.entry
    assert (kind_of(entry), entry.amount, entry.available_delta, entry.reserved_delta) == ("RESERVE", 1_000, 0, 0)
    confirmed = customer.confirm(answer.reservation.name, 800)
    assert (confirmed.reservation.confirmed_amount, confirmed.entry.amount) == (800, 800)
    assert customer.figures() == (10, 0)


def test_nothing_comes_back_for_spending_under_the_plan(customer: Customer) -> None:
    """A refund of it is recorded, and counts against what was spent."""
    customer.top_up(10)
    customer.go_unlimited()
    name = customer.deduct(500).reservation.name
    customer.go_standard()
    answer = customer.refund(name, 200)
    assert (answer.entry.amount, answer.entry.available_delta, slices_of(answer.entry)) == (200, 0, [])
    assert answer.reservation.refunded_amount == 200
    assert refused(customer.app.credit.Refund, customer.refunding(name, 301)).reason == "AMOUNT_EXCEEDS_CONFIRMED"
    assert customer.figures() == (10, 0)


def test_what_was_bought_is_untouched_and_spendable_again_when_the_plan_is_switched_off(customer: Customer) -> None:
    customer.top_up(10)
    customer.go_unlimited()
    customer.deduct(7)
    customer.top_up(5)
    assert customer.by_source() == {"PURCHASED": 15}
    assert customer.go_standard().plan.kind == STANDARD
    assert refused(customer.app.credit.Deduct, customer.deducting(16)).reason == "INSUFFICIENT_CREDIT"
    assert customer.deduct(15).balance.available == 0


def test_a_plan_with_an_end_ends_by_itself_at_that_instant(customer: Customer) -> None:
    customer.top_up(10)
    end = customer.go_unlimited(60).plan.end_time
    assert customer.account_balance().plan == account_pb2.Plan(kind=UNLIMITED, end_time=end)
    customer.service.clock.advance(50)
    assert customer.deduct(100).reservation.unlimited
    customer.service.clock.advance(10)
    assert customer.account_balance().plan == account_pb2.Plan(kind=STANDARD)
    assert slices_of(customer.deduct(4).reservation) == [("PURCHASED", 4)]
    assert refused(customer.app.credit.Deduct, customer.deducting(7)).reason == "INSUFFICIENT_CREDIT"


def test_a_hold_from_before_the_plan_spends_or_returns_what_it_took(customer: Customer) -> None:
    customer.top_up(30)
    spent, returned = customer.hold(10), customer.hold(10)
    customer.go_unlimited()
    customer.confirm(spent, 4)
    customer.refund(returned)
    assert customer.figures() == (26, 0)
    assert customer.refund(spent).balance.available == 30


def test_a_hold_from_within_the_plan_takes_nothing_after_it(customer: Customer) -> None:
    customer.top_up(10)
    customer.go_unlimited()
    name = customer.hold(100)
    customer.go_standard()
    assert customer.confirm(name).reservation.confirmed_amount == 100
    assert customer.figures() == (10, 0)


def test_an_excess_that_the_plan_covered_is_the_first_that_a_refund_undoes(customer: Customer) -> None:
    customer.top_up(10)
    name = customer.hold(10)
    customer.go_unlimited()
    customer.confirm(name, 25, allow_excess=True)
    assert customer.refund(name, 15).balance.available == 0
    assert customer.refund(name, 3).balance.available == 3


@pytest.mark.parametrize("seed", range(3))
def test_nothing_bought_disappears_in_any_order_of_upgrades_and_cancellations(customer: Customer, seed: int) -> None:
    """Top-ups, plans switched on, off and ended by themselves, use meanwhile: what was bought is all there."""
    chance = random.Random(seed)
    bought = 0
    for _ in range(20):
        match chance.randrange(4):
            case 0:
                bought += customer.top_up(chance.randint(1, 9)).amount
            case 1:
                customer.go_unlimited(chance.choice([None, 60]))
                customer.deduct(chance.randint(1, 99))
            case 2:
                customer.go_standard()
            case _:
                customer.service.clock.advance(30)
    customer.go_standard()
    assert customer.by_source().get("PURCHASED", 0) == bought


def test_a_plan_that_changes_under_concurrent_spending_leaves_no_doubt(customer: Customer) -> None:
    """Each spending is covered by the plan or paid for, as its entry says."""
    customer.top_up(100)
    calls: list[tuple[Any, Any]] = [(customer.app.credit.Deduct, customer.deducting(5)) for _ in range(20)]
    calls += [(customer.staff.admin.SetPlan, customer.planning(kind)) for kind in (UNLIMITED, STANDARD, UNLIMITED)]
    outcomes = at_once(lambda one: one[0](one[1]), calls)
    assert set(reasons(outcomes)) == {"OK"}
    deducted = [outcome for outcome in outcomes if hasattr(outcome, "reservation")]
    for answer in deducted:
        assert answer.reservation.unlimited == (answer.entry.available_delta == 0)
        assert answer.entry.available_delta in {0, -5}
    assert customer.figures() == (100 + sum(answer.entry.available_delta for answer in deducted), 0)


def test_an_end_that_has_passed_is_refused(customer: Customer) -> None:
    refusal = refused(customer.staff.admin.SetPlan, customer.planning(UNLIMITED, -1))
    assert (refusal.code, refusal.reason) == (grpc.StatusCode.INVALID_ARGUMENT, "EXPIRY_IN_PAST")
    assert refusal.violations == ["plan.end_time"]
    assert refusal.message == f"plan.end_time is in the past; the server's time is {refusal.metadata['server_time']}"
    assert customer.account_balance().plan.kind == STANDARD


def test_a_plan_of_no_kind_is_refused_and_switches_nothing_off(customer: Customer) -> None:
    customer.go_unlimited()
    for kind in (account_pb2.PLAN_KIND_UNSPECIFIED, 99):
        refusal = refused(customer.staff.admin.SetPlan, customer.planning(kind))  # type: ignore[arg-type]
        assert (refusal.code, refusal.violations) == (grpc.StatusCode.INVALID_ARGUMENT, ["plan.kind"])
    assert customer.account_balance().plan.kind == UNLIMITED
