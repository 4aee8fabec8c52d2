"""The known traps of credit systems, each over the wire. Those of time stand in test_traps_of_time.py."""

from types import SimpleNamespace

import grpc
import pytest

from credit.v1 import credit_service_pb2 as credit
from credit.v1 import source_pb2
from tests.contract.at_once import at_once, reasons, was_replayed
from tests.support.answers import lasting
from tests.support.customer import Customer, kind_of, state_of
from tests.support.refusals import RefusedCall, refused


@pytest.mark.requirement("A8")
def test_trap_20_reserves_of_75_on_500_give_exactly_6(customer: Customer) -> None:
    """Concurrent holds never add up to more than there is."""
    customer.top_up(500)
    outcomes = at_once(customer.app.credit.Reserve, [customer.reserving(75) for _ in range(20)])
    assert reasons(outcomes) == ["INSUFFICIENT_CREDIT"] * 14 + ["OK"] * 6
    assert customer.figures() == (50, 450)


@pytest.mark.requirement("A7")
def test_trap_one_request_id_sent_100_times_at_once_holds_once(customer: Customer) -> None:
    """All 100 callers get the same answer, and all but one of them hear that it is a repeated one."""
    customer.top_up(500)
    request = customer.reserving(10)
    outcomes = at_once(customer.app.credit.Reserve.with_call, [request] * 100)
    first = outcomes[0][0]
    assert all(lasting(answer) == lasting(first) for answer, _ in outcomes)
    assert sum(was_replayed(call) for _, call in outcomes) == 99
    assert customer.figures() == (490, 10)
    assert customer.kinds() == ["RESERVE", "ADMIN_ADD"]


@pytest.mark.requirement("A7")
def test_trap_two_confirms_at_once_with_one_request_id_have_one_effect_and_the_same_answer(customer: Customer) -> None:
    customer.top_up(100)
    for _ in range(10):
        request = customer.confirming(customer.hold(10), 7)
        first, second = at_once(customer.app.credit.Confirm, [request] * 2)
        assert first == second
        assert first.reservation.confirmed_amount == 7
    assert customer.figures() == (30, 0)
    assert customer.kinds().count("CONFIRM") == 10


@pytest.mark.requirement("A3")
def test_trap_two_confirms_at_once_with_different_request_ids_have_one_winner(customer: Customer) -> None:
    """The other one is told where the reservation stands."""
    customer.top_up(100)
    for _ in range(10):
        name = customer.hold(10)
        outcomes = at_once(customer.app.credit.Confirm, [customer.confirming(name) for _ in range(2)])
        assert reasons(outcomes) == ["OK", "RESERVATION_CONFIRMED"]
    assert customer.figures() == (0, 0)


@pytest.mark.requirement("A3", "A4")
def test_trap_confirm_and_refund_at_once_have_one_winner(customer: Customer) -> None:
    """Credits are spent or given back, never both: a refund that comes second undoes what the confirm did."""
    customer.top_up(100)
    for _ in range(10):
        name = customer.hold(10)
        calls = {
            "confirm": (customer.app.credit.Confirm, customer.confirming(name)),
            "refund": (customer.app.credit.Refund, customer.refunding(name)),
        }
        outcomes = at_once(lambda which: which[0](which[1]), list(calls.values()))
        confirmed, refunded = (not isinstance(outcome, RefusedCall) for outcome in outcomes)
        assert refunded
        kinds = [kind_of(entry) for entry in customer.entries(reservation=name)]
        assert kinds == (["REFUND", "CONFIRM", "RESERVE"] if confirmed else ["REFUND", "RESERVE"])
        assert reasons(outcomes) == (["OK", "OK"] if confirmed else ["OK", "RESERVATION_REFUNDED"])
        assert customer.figures() == (100, 0)


@pytest.mark.requirement("A8")
def test_trap_two_quick_clicks_with_one_credit_give_one_success(customer: Customer) -> None:
    """A new account has one credit; it is spent once, whether held or deducted."""
    for number in range(10):
        clicker = customer.another(str(number))
        outcomes = at_once(customer.app.credit.Deduct, [clicker.deducting(1, credit_type="spec") for _ in range(2)])
        assert reasons(outcomes) == ["INSUFFICIENT_CREDIT", "OK"]
        assert clicker.figures("spec") == (0, 0)


@pytest.mark.requirement("A4")
def test_trap_refunds_never_sum_over_what_was_captured(customer: Customer) -> None:
    """Ten refunds of 30 at once of a spending of 100 give 90 back; the last 10 can still be had."""
    customer.top_up(150)
    name = customer.hold(120)
    customer.confirm(name, 100)
    outcomes = at_once(customer.app.credit.Refund, [customer.refunding(name, 30) for _ in range(10)])
    assert reasons(outcomes) == ["AMOUNT_EXCEEDS_CONFIRMED"] * 7 + ["OK"] * 3
    assert customer.figures() == (140, 0)
    assert customer.refund(name).entry.amount == 10
    assert refused(customer.app.credit.Refund, customer.refunding(name)).reason == "AMOUNT_EXCEEDS_CONFIRMED"
    assert customer.figures() == (150, 0)


@pytest.mark.requirement("A4")
def test_trap_a_refund_lowers_used(customer: Customer) -> None:
    """What was used is what was captured less what was refunded, by the reservation and by the ledger alike."""
    customer.top_up(100)
    name = customer.hold(60)
    customer.confirm(name, 50)
    customer.refund(name, 20)
    customer.refund(name, 5)
    reservation = customer.reservation(name)
    assert state_of(reservation) == "CONFIRMED"
    assert reservation.confirmed_amount - reservation.refunded_amount == 25
    amounts = {"CONFIRM": 0, "REFUND": 0}
    for entry in customer.entries(reservation=name):
        if kind_of(entry) in amounts:
            amounts[kind_of(entry)] += entry.amount
    assert amounts == {"CONFIRM": 50, "REFUND": 25}


@pytest.mark.requirement("A4")
def test_trap_purchased_never_becomes_free(customer: Customer) -> None:
    """Whatever way credits come back, each comes back as what it was."""
    sources = {"FREE": 10, "PROMO": 10, "PURCHASED": 10}
    customer.top_up(10, source_pb2.SOURCE_FREE)
    customer.top_up(10, source_pb2.SOURCE_PURCHASED)
    customer.top_up(10, source_pb2.SOURCE_PROMO)
    customer.refund(customer.hold(25))
    assert customer.by_source() == sources
    name = customer.hold(28)
    assert customer.confirm(name, 21).balance.available == 9
    assert customer.by_source() == {"PURCHASED": 9}
    customer.refund(name, 1)
    assert customer.by_source() == {"PURCHASED": 10}
    customer.refund(name, 15)
    assert customer.by_source() == {"FREE": 5, "PROMO": 10, "PURCHASED": 10}
    customer.refund(name)
    assert customer.by_source() == sources
    customer.refund(customer.deduct(30).reservation.name)
    assert customer.by_source() == sources


@pytest.mark.requirement("A3")
def test_trap_a_reservation_is_confirmed_by_its_whole_name_alone(customer: Customer, app: SimpleNamespace) -> None:
    """The same id under another account or credit type is no reservation at all."""
    customer.top_up(100)
    name = customer.hold(10)
    neighbour = customer.another("neighbour").account_id
    for other in (name.replace("/chat/", "/spec/"), name.replace(customer.account_id, neighbour)):
        refusal = refused(app.credit.Confirm, credit.ConfirmRequest(name=other, request_id="x"))
        assert (refusal.code, refusal.reason) == (grpc.StatusCode.NOT_FOUND, "RESERVATION_NOT_FOUND")
    assert customer.figures() == (90, 10)
