"""Refund gives credits back to exactly the sources that they were taken from, in reverse order (A4)."""

import grpc
import pytest

from credit.v1 import credit_service_pb2 as credit
from credit.v1 import source_pb2
from tests.contract.at_once import at_once, reasons, was_replayed
from tests.support.customer import Customer, kind_of, slices_of, state_of
from tests.support.patience import eventually
from tests.support.refusals import RefusedCall, refused

pytestmark = pytest.mark.requirement("A4")

CALLS: dict[type, str] = {credit.ConfirmRequest: "Confirm", credit.RefundRequest: "Refund"}


@pytest.mark.requirement("A6")
def test_a_pending_one_is_given_back_whole(customer: Customer) -> None:
    customer.top_up(10, source_pb2.SOURCE_FREE)
    customer.top_up(100)
    name = customer.hold(30)
    answer = customer.refund(name, reason="the work failed")
    assert state_of(answer.reservation) == "REFUNDED"
    assert (answer.reservation.confirmed_amount, answer.reservation.refunded_amount) == (0, 0)
    entry = answer.entry
    assert (kind_of(entry), entry.amount, entry.available_delta, entry.reserved_delta) == ("REFUND", 30, 30, -30)
    assert (entry.reservation, entry.reason) == (name, "the work failed")
    assert slices_of(entry) == [("PURCHASED", 20), ("FREE", 10)]
    assert customer.by_source() == {"FREE": 10, "PURCHASED": 100}
    assert customer.figures() == (110, 0)


def test_a_pending_one_is_not_given_back_in_part(customer: Customer) -> None:
    """To spend less is a Confirm; its whole amount may be stated."""
    customer.top_up(100)
    name = customer.hold(30)
    for amount in (1, 29, 31):
        refusal = refused(customer.app.credit.Refund, customer.refunding(name, amount))
        assert (refusal.code, refusal.reason) == (grpc.StatusCode.FAILED_PRECONDITION, "RESERVATION_PENDING")
        assert (refusal.metadata["requested"], refusal.metadata["reserved"]) == (str(amount), "30")
    assert customer.figures() == (70, 30)
    assert customer.refund(name, 30).balance.available == 100


def test_with_pending_only_what_is_confirmed_stays_spent(customer: Customer) -> None:
    customer.top_up(100)
    pending, spent = customer.hold(30), customer.hold(20)
    customer.confirm(spent, 15)
    for amount in (None, 5):
        refusal = refused(customer.app.credit.Refund, customer.refunding(spent, amount, pending_only=True))
        assert (refusal.code, refusal.reason) == (grpc.StatusCode.FAILED_PRECONDITION, "RESERVATION_CONFIRMED")
        assert refusal.metadata["reservation"] == spent
    assert refused(customer.app.credit.Refund, customer.refunding(pending, 5, pending_only=True)).reason == (
        "RESERVATION_PENDING"
    )
    assert customer.refund(pending, pending_only=True).balance.available == 85
    assert customer.figures() == (85, 0)
    assert customer.refund(spent).balance.available == 100


def test_pending_only_is_content_of_the_request(customer: Customer) -> None:
    """Unless it is set, a request is the same as one of a client that does not know it."""
    customer.top_up(100)
    request = customer.refunding(customer.hold(30), pending_only=True)
    first = customer.app.credit.Refund(request)
    again, call = customer.app.credit.Refund.with_call(request)
    assert was_replayed(call)
    assert again.entry == first.entry
    request.pending_only = False
    assert refused(customer.app.credit.Refund, request).reason == "REQUEST_ID_REUSED"
    plain = customer.refunding(customer.hold(30))
    customer.app.credit.Refund(plain)
    plain.pending_only = True
    assert refused(customer.app.credit.Refund, plain).reason == "REQUEST_ID_REUSED"


def test_of_a_confirm_and_refunds_of_what_is_pending_the_first_one_stands(customer: Customer) -> None:
    customer.top_up(100)
    for _ in range(5):
        name, before = customer.hold(10), sum(customer.figures())
        asked = [customer.confirming(name), *(customer.refunding(name, pending_only=True) for _ in range(3))]
        outcomes = at_once(lambda request: getattr(customer.app.credit, CALLS[type(request)])(request), asked)
        assert reasons(outcomes).count("OK") == 1
        is_spent = not isinstance(outcomes[0], RefusedCall)
        ended = "RESERVATION_CONFIRMED" if is_spent else "RESERVATION_REFUNDED"
        assert set(reasons(outcomes)) == {"OK", ended}
        assert customer.figures() == (before - 10 if is_spent else before, 0)


def test_one_that_was_given_back_is_not_given_back_again(customer: Customer) -> None:
    customer.top_up(100)
    name = customer.hold(30)
    customer.refund(name)
    refusal = refused(customer.app.credit.Refund, customer.refunding(name))
    assert (refusal.reason, refusal.metadata["reservation"]) == ("RESERVATION_REFUNDED", name)
    assert customer.figures() == (100, 0)


def test_a_confirmed_one_is_given_back_in_parts_last_taken_first(customer: Customer) -> None:
    customer.top_up(10, source_pb2.SOURCE_FREE)
    customer.top_up(10, source_pb2.SOURCE_PROMO)
    customer.top_up(10)
    name = customer.hold(30)
    customer.confirm(name, 25)
    assert slices_of(customer.refund(name, 3).entry) == [("PURCHASED", 3)]
    assert slices_of(customer.refund(name, 4).entry) == [("PURCHASED", 2), ("PROMO", 2)]
    last = customer.refund(name)
    assert slices_of(last.entry) == [("PROMO", 8), ("FREE", 10)]
    assert (state_of(last.reservation), last.reservation.confirmed_amount, last.reservation.refunded_amount) == (
        "CONFIRMED",
        25,
        25,
    )
    assert slices_of(last.reservation) == [("FREE", 10), ("PROMO", 10), ("PURCHASED", 5)]
    assert customer.by_source() == {"FREE": 10, "PROMO": 10, "PURCHASED": 10}


def test_more_than_was_spent_and_not_yet_refunded_is_refused(customer: Customer) -> None:
    customer.top_up(100)
    name = customer.hold(30)
    customer.confirm(name, 20)
    customer.refund(name, 15)
    refusal = refused(customer.app.credit.Refund, customer.refunding(name, 6))
    assert (refusal.code, refusal.reason) == (grpc.StatusCode.FAILED_PRECONDITION, "AMOUNT_EXCEEDS_CONFIRMED")
    assert (refusal.metadata["requested"], refusal.metadata["refundable"]) == ("6", "5")
    assert customer.figures() == (95, 0)
    customer.refund(name, 5)
    nothing_left = refused(customer.app.credit.Refund, customer.refunding(name))
    assert (nothing_left.reason, nothing_left.metadata["refundable"]) == ("AMOUNT_EXCEEDS_CONFIRMED", "0")


def test_credits_return_to_the_very_grants_that_they_were_taken_from(customer: Customer) -> None:
    first = customer.top_up(10, seconds=5_000).slices[0].grant_id
    second = customer.top_up(10, seconds=9_000).slices[0].grant_id
    name = customer.hold(15)
    customer.confirm(name)
    customer.refund(name, 8)
    left = {grant.grant_id: grant.available for grant in customer.wallet().grants}
    assert left == {first: 3, second: 10}


def test_what_comes_back_after_its_grant_expired_keeps_a_grace_of_24_hours(customer: Customer) -> None:
    """Then it lapses for good, with an entry; the part whose grant is alive stays."""
    customer.top_up(10, source_pb2.SOURCE_PROMO, seconds=100)
    customer.top_up(10)
    name = customer.hold(15)
    customer.confirm(name)
    customer.service.clock.advance(200)
    customer.refund(name)
    assert customer.by_source() == {"PROMO": 10, "PURCHASED": 10}
    customer.service.clock.advance(86_400 - 60)
    assert customer.by_source() == {"PROMO": 10, "PURCHASED": 10}
    customer.service.clock.advance(60)
    assert customer.by_source() == {"PURCHASED": 10}
    (lapsed,) = eventually(lambda: [entry for entry in customer.entries() if kind_of(entry) == "EXPIRE"])
    assert slices_of(lapsed) == [("PROMO", 10)]


def test_a_refund_long_after_is_still_possible(customer: Customer) -> None:
    customer.top_up(10)
    name = customer.deduct(10).reservation.name
    customer.service.clock.advance(400 * 86_400)
    assert customer.refund(name).balance.available == 10


def test_an_expired_one_has_nothing_to_give_back(customer: Customer) -> None:
    customer.top_up(10)
    name = customer.hold(10, seconds=60)
    customer.service.clock.advance(61)
    assert refused(customer.app.credit.Refund, customer.refunding(name)).reason == "RESERVATION_EXPIRED"
    assert customer.figures() == (10, 0)
