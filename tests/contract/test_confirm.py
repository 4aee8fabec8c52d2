"""Confirm spends what is held, or less; what is left over goes back in the same transaction (A3)."""

import grpc
import pytest

from credit.v1 import source_pb2
from tests.support.customer import Customer, kind_of, slices_of, state_of
from tests.support.refusals import refused

pytestmark = pytest.mark.requirement("A3")

UNKNOWN = "01890000-0000-7000-8000-000000000000"


@pytest.mark.requirement("A6")
def test_it_spends_all_that_is_held(customer: Customer) -> None:
    customer.top_up(100)
    name = customer.hold(30)
    answer = customer.confirm(name, reason="done", metadata={"tokens": "812"})
    assert (state_of(answer.reservation), answer.reservation.confirmed_amount) == ("CONFIRMED", 30)
    entry = answer.entry
    assert (kind_of(entry), entry.amount, entry.available_delta, entry.reserved_delta) == ("CONFIRM", 30, 0, -30)
    assert (entry.reservation, entry.reason, dict(entry.metadata)) == (name, "done", {"tokens": "812"})
    assert (answer.balance.available, answer.balance.reserved) == customer.figures() == (70, 0)
    assert customer.reservation(name) == answer.reservation


def test_what_is_not_spent_goes_back_to_where_it_came_from_in_the_same_movement(customer: Customer) -> None:
    customer.top_up(10, source_pb2.SOURCE_FREE)
    customer.top_up(100)
    name = customer.hold(30)
    answer = customer.confirm(name, 12)
    assert (answer.entry.amount, answer.entry.available_delta, answer.entry.reserved_delta) == (12, 18, -30)
    assert slices_of(answer.reservation) == [("FREE", 10), ("PURCHASED", 2)]
    assert customer.by_source() == {"PURCHASED": 98}
    assert customer.kinds() == ["CONFIRM", "RESERVE", "ADMIN_ADD", "ADMIN_ADD"]


def test_the_smallest_part_can_be_spent(customer: Customer) -> None:
    customer.top_up(10, source_pb2.SOURCE_FREE)
    customer.top_up(100)
    customer.confirm(customer.hold(30), 1)
    assert customer.by_source() == {"FREE": 9, "PURCHASED": 100}


def test_more_than_is_held_is_refused(customer: Customer) -> None:
    customer.top_up(100)
    name = customer.hold(30)
    refusal = refused(customer.app.credit.Confirm, customer.confirming(name, 31))
    assert (refusal.code, refusal.reason) == (grpc.StatusCode.FAILED_PRECONDITION, "AMOUNT_EXCEEDS_RESERVATION")
    assert (refusal.metadata["requested"], refusal.metadata["reserved"]) == ("31", "30")
    assert customer.figures() == (70, 30)


def test_an_allowed_excess_is_taken_in_spend_order(customer: Customer) -> None:
    customer.top_up(100)
    name = customer.hold(30)
    customer.top_up(3, source_pb2.SOURCE_FREE)
    answer = customer.confirm(name, 40, allow_excess=True)
    assert (answer.entry.amount, answer.entry.available_delta, answer.entry.reserved_delta) == (40, -10, -30)
    assert slices_of(answer.reservation) == [("PURCHASED", 30), ("FREE", 3), ("PURCHASED", 7)]
    assert (answer.reservation.amount, answer.reservation.confirmed_amount) == (30, 40)
    assert customer.by_source() == {"PURCHASED": 63}


def test_an_excess_that_is_not_covered_is_refused_whole(customer: Customer) -> None:
    """The hold stays as it was, and can still be confirmed."""
    customer.top_up(100)
    name = customer.hold(30)
    refusal = refused(customer.app.credit.Confirm, customer.confirming(name, 101, allow_excess=True))
    assert (refusal.reason, refusal.metadata["required"], refusal.metadata["available"]) == (
        "INSUFFICIENT_CREDIT",
        "71",
        "70",
    )
    assert customer.figures() == (70, 30)
    assert customer.confirm(name, 100, allow_excess=True).balance.available == 0


def test_a_confirmed_one_is_not_confirmed_again(customer: Customer) -> None:
    customer.top_up(100)
    name = customer.hold(30)
    customer.confirm(name, 10)
    refusal = refused(customer.app.credit.Confirm, customer.confirming(name, 10))
    assert (refusal.code, refusal.reason) == (grpc.StatusCode.FAILED_PRECONDITION, "RESERVATION_CONFIRMED")
    assert refusal.metadata["reservation"] == name
    assert customer.figures() == (90, 0)


def test_a_refunded_one_is_not_confirmed(customer: Customer) -> None:
    customer.top_up(100)
    name = customer.hold(30)
    customer.refund(name)
    refusal = refused(customer.app.credit.Confirm, customer.confirming(name))
    assert (refusal.reason, refusal.metadata["reservation"]) == ("RESERVATION_REFUNDED", name)
    assert customer.figures() == (100, 0)


@pytest.mark.parametrize("call", ["Confirm", "Refund", "ExtendReservation"])
def test_one_that_never_was_is_not_found_and_opens_no_account(customer: Customer, call: str) -> None:
    name = f"accounts/{customer.account_id}/wallets/chat/reservations/{UNKNOWN}"
    request = {
        "Confirm": customer.confirming(name),
        "Refund": customer.refunding(name),
        "ExtendReservation": customer.extending(name, 60),
    }[call]
    refusal = refused(getattr(customer.app.credit, call), request)
    assert (refusal.code, refusal.reason) == (grpc.StatusCode.NOT_FOUND, "RESERVATION_NOT_FOUND")
    assert refusal.metadata["reservation"] == name
    assert not customer.entries("")


@pytest.mark.requirement("A7")
def test_the_same_request_id_with_another_amount_is_refused(customer: Customer) -> None:
    customer.top_up(100)
    name = customer.hold(30)
    request_id = customer.confirm(name, 20).entry.request_id
    refusal = refused(customer.app.credit.Confirm, customer.confirming(name, 21, request_id=request_id))
    assert (refusal.code, refusal.reason) == (grpc.StatusCode.ALREADY_EXISTS, "REQUEST_ID_REUSED")
    assert customer.figures() == (80, 0)
