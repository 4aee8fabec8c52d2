"""Deduct is Reserve and Confirm in one step, for work whose price is known and already done (A5)."""

import grpc
import pytest

from credit.v1 import source_pb2
from tests.support.customer import Customer, kind_of, slices_of, state_of
from tests.support.refusals import refused

pytestmark = pytest.mark.requirement("A5")


@pytest.mark.requirement("A6", "A9")
def test_it_spends_in_one_movement(customer: Customer) -> None:
    customer.top_up(10, source_pb2.SOURCE_FREE)
    customer.top_up(100)
    answer = customer.deduct(30, reason="a quiz", metadata={"quiz": "7"})
    reservation, entry = answer.reservation, answer.entry
    assert (state_of(reservation), reservation.amount, reservation.confirmed_amount) == ("CONFIRMED", 30, 30)
    assert not reservation.HasField("expire_time")
    assert (kind_of(entry), entry.amount, entry.available_delta, entry.reserved_delta) == ("DEDUCT", 30, -30, 0)
    assert (entry.reservation, entry.reason, dict(entry.metadata)) == (reservation.name, "a quiz", {"quiz": "7"})
    assert slices_of(entry) == slices_of(reservation) == [("FREE", 10), ("PURCHASED", 20)]
    assert (answer.balance.available, answer.balance.reserved) == customer.figures() == (80, 0)
    assert customer.kinds()[0] == "DEDUCT"


def test_it_is_refused_unless_the_available_balance_covers_it(customer: Customer) -> None:
    customer.top_up(100)
    customer.hold(90)
    refusal = refused(customer.app.credit.Deduct, customer.deducting(11))
    assert (refusal.code, refusal.reason) == (grpc.StatusCode.FAILED_PRECONDITION, "INSUFFICIENT_CREDIT")
    assert (refusal.metadata["required"], refusal.metadata["available"]) == ("11", "10")
    assert customer.figures() == (10, 90)


def test_it_can_be_refunded_like_any_spending(customer: Customer) -> None:
    customer.top_up(100)
    name = customer.deduct(30).reservation.name
    assert customer.refund(name, 10).balance.available == 80
    assert customer.refund(name).balance.available == 100


def test_it_can_be_neither_confirmed_nor_extended(customer: Customer) -> None:
    customer.top_up(100)
    name = customer.deduct(30).reservation.name
    for call, request in (
        (customer.app.credit.Confirm, customer.confirming(name)),
        (customer.app.credit.ExtendReservation, customer.extending(name, 60)),
    ):
        refusal = refused(call, request)
        assert (refusal.reason, refusal.metadata["reservation"]) == ("RESERVATION_CONFIRMED", name)


def test_it_never_expires(customer: Customer) -> None:
    customer.top_up(100)
    name = customer.deduct(30).reservation.name
    customer.service.clock.advance(90_000)
    assert state_of(customer.reservation(name)) == "CONFIRMED"
    assert customer.figures() == (70, 0)
