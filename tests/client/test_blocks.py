"""A block of work is paid for: spent when it ends, given back when it raises, extended while it runs."""

from typing import Any
from uuid import UUID

import pytest

from credit.v1.credit_service_pb2 import ReserveRequest
from credit_client import Hold, SpendExceedsHold
from tests.client.styles import Style
from tests.support.customer import CHAT, Customer, state_of
from tests.support.patience import eventually

pytestmark = pytest.mark.requirement("H4")


AGAIN = {"ttl": 60, "request_id": "work-7"}
"""What is said of a block that begins again."""


def nothing(hold: Hold) -> None:
    """Say nothing about what was spent."""
    assert hold.spent is None


def fail(hold: Hold) -> None:
    """Fail after some of it was spent."""
    hold.spend(10)
    raise ZeroDivisionError


def test_all_that_is_held_is_spent_if_nothing_is_said(style: Style, customer: Customer) -> None:
    style.pay(nothing, customer.account_id, 30)
    assert customer.figures() == (70, 0)
    assert customer.kinds()[:2] == ["CONFIRM", "RESERVE"]


def test_what_is_said_to_be_spent_adds_up_and_the_rest_comes_back(style: Style, customer: Customer) -> None:
    def spend(hold: Hold) -> None:
        hold.spend(5)
        hold.spend(7)
        assert hold.spent == 12

    style.pay(spend, customer.account_id, 30)
    assert customer.figures() == (88, 0)


def test_all_comes_back_if_nothing_was_spent(style: Style, customer: Customer) -> None:
    style.pay(lambda hold: hold.spend(0), customer.account_id, 30)
    assert customer.figures() == (100, 0)
    assert customer.kinds()[0] == "REFUND"


def test_all_comes_back_if_it_raises(style: Style, customer: Customer) -> None:
    with pytest.raises(ZeroDivisionError):
        style.pay(fail, customer.account_id, 30)
    assert customer.figures() == (100, 0)


def test_what_was_spent_stands_though_it_raises_if_that_was_said(style: Style, customer: Customer) -> None:
    with pytest.raises(ZeroDivisionError):
        style.pay(fail, customer.account_id, 30, spent_stands=True)
    assert customer.figures() == (90, 0)


def test_more_than_is_held_cannot_be_spent(style: Style, customer: Customer) -> None:
    def overspend(hold: Hold) -> None:
        hold.spend(30)
        with pytest.raises(SpendExceedsHold) as refusal:
            hold.spend(1)
        assert (refusal.value.held, refusal.value.spent, refusal.value.more) == (30, 30, 1)
        with pytest.raises(ValueError, match="0 or more"):
            hold.spend(-1)

    style.pay(overspend, customer.account_id, 30)
    assert customer.figures() == (70, 0)


def test_part_of_a_credit_cannot_be_spent(style: Style, customer: Customer) -> None:
    part: Any = 1.5

    def spend(hold: Hold) -> None:
        with pytest.raises(TypeError):
            hold.spend(part)
        hold.spend(1)

    style.pay(spend, customer.account_id, 30)
    assert customer.figures() == (99, 0)


def test_nothing_is_spent_once_it_has_ended(style: Style, customer: Customer) -> None:
    holds: list[Hold] = []
    style.pay(holds.append, customer.account_id, 30)
    with pytest.raises(RuntimeError, match="has ended"):
        holds[0].spend(1)
    with pytest.raises(RuntimeError, match="has ended"):
        list(holds[0].metered(["a", "b"], len))


def test_all_comes_back_if_it_cannot_be_watched(
    style: Style, customer: Customer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As when somebody interrupts the program right before the work."""

    def interrupt(_: Hold) -> float:
        raise ZeroDivisionError

    monkeypatch.setattr(Hold, "extends_after_seconds", property(interrupt))
    with pytest.raises(ZeroDivisionError):
        style.pay(nothing, customer.account_id, 30)
    assert customer.figures() == (100, 0)


def test_it_is_extended_again_and_again_while_it_runs(
    style: Style, customer: Customer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("credit_client.hold.SHARE", 0.001)

    def work_long(hold: Hold) -> None:
        eventually(lambda: customer.kinds().count("EXTEND") >= 2)
        assert state_of(customer.reservation(hold.name)) == "PENDING"

    style.pay(work_long, customer.account_id, 30, ttl=60)
    assert customer.figures() == (70, 0)
    # Of one that has ended nothing more is heard.
    assert customer.kinds()[0] == "CONFIRM"


def test_what_is_said_of_it_stands_in_the_ledger(style: Style, customer: Customer) -> None:
    particulars = {"ttl": 7, "reason": "an answer", "labels": {"model": "small"}, "spender_id": "agent-7"}

    def look(hold: Hold) -> None:
        reservation = customer.reservation(hold.name)
        assert (reservation.reason, dict(reservation.metadata)) == ("an answer", {"model": "small"})
        assert (reservation.spender_id, reservation.amount) == ("agent-7", 30)
        assert reservation.expire_time.seconds - reservation.create_time.seconds == 7

    style.pay(look, customer.account_id, 30, **particulars)


def test_a_program_that_died_in_it_and_begins_again_holds_and_spends_once(style: Style, customer: Customer) -> None:
    begun = ReserveRequest(account_id=customer.account_id, credit_type=CHAT, amount=30, request_id="work-7.reserve")
    held = style.call(begun).reservation.name

    def look(hold: Hold) -> None:
        assert hold.name == held

    for _ in range(2):
        style.pay(look, customer.account_id, 30, request_id="work-7")
    assert customer.figures() == (70, 0)
    assert customer.kinds()[:3] == ["CONFIRM", "EXTEND", "RESERVE"]


def test_one_that_begins_again_is_extended_though_its_first_time_is_over(
    style: Style, customer: Customer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The Reserve is answered as it was: with a hold that was to last until then."""
    monkeypatch.setattr("credit_client.hold.SHARE", 0.001)
    begun = customer.reserving(30, seconds=60, request_id="work-7.reserve")
    customer.extend(style.call(begun).reservation.name, 600)
    customer.service.clock.advance(61)
    style.pay(lambda _: eventually(lambda: customer.kinds().count("EXTEND") >= 3), customer.account_id, 30, **AGAIN)
    assert customer.figures() == (70, 0)


def test_a_request_id_leaves_room_for_what_the_block_adds(style: Style, customer: Customer) -> None:
    style.pay(nothing, customer.account_id, 1, request_id="x" * 230)
    with pytest.raises(ValueError, match="230"):
        style.pay(nothing, customer.account_id, 1, request_id="x" * 231)
    for none in ("", ".reserve"):
        with pytest.raises(ValueError, match="1 to 230"):
            style.pay(nothing, customer.account_id, 1, request_id=none)


def test_a_call_that_has_no_request_id_is_given_one_that_nobody_has(style: Style, customer: Customer) -> None:
    request = ReserveRequest(account_id=customer.account_id, credit_type=CHAT, amount=1)
    style.call(request)
    assert request.request_id
    again = ReserveRequest(account_id=customer.account_id, credit_type=CHAT, amount=1)
    style.call(again)
    assert again.request_id != request.request_id
    assert UUID(again.request_id).version == 7
    assert customer.figures() == (98, 2)
