"""A provider that does not answer: who buys there waits; it keeps nobody else from buying, and nobody elsewhere."""

from collections.abc import Iterator
from typing import Any

import grpc
import pytest

from credit.v1 import payment_service_pb2 as pb
from creditd.ledger.ids import uuid7
from creditd.service.payments.open_calls import MAX_OF_ACCOUNT
from tests.contract.payments.shopper import Shopper, state_of
from tests.support.market import OMISE, STRIPE
from tests.support.patience import eventually
from tests.support.refusals import read_refusal, refused

pytestmark = pytest.mark.requirement("J5")

MANY = 4 * MAX_OF_ACCOUNT


@pytest.fixture
def hung(shopper: Shopper) -> Iterator[list[Any]]:
    """Have Stripe hang, and yield the calls that are to be given up at the end."""
    shopper.misbehave(STRIPE, "slow", seconds=600)
    calls: list[Any] = []
    yield calls
    for call in calls:
        call.cancel()
    shopper.behave(STRIPE)


def reason_of(call: Any) -> str:
    """Return why a call was refused; empty for one that waits or was answered."""
    if not call.done() or call.code() is grpc.StatusCode.OK:
        return ""
    return read_refusal(call.exception()).reason


def bought_until_refused(shopper: Shopper, calls: list[Any]) -> None:
    """Buy at Stripe until there is no room."""

    def is_refused() -> bool:
        if len(calls) < MANY:
            calls.append(shopper.staff.payment.CreatePurchase.future(shopper.buying()))
        return any(reason_of(call) == "OVERLOADED" for call in calls)

    eventually(is_refused)


def test_one_account_takes_up_some_places_and_others_buy(shopper: Shopper, hung: list[Any]) -> None:
    bought_until_refused(shopper, hung)
    assert len(shopper.purchases(page_size=100)) < MANY
    another = shopper.another("beside")
    hung.append(another.staff.payment.CreatePurchase.future(another.buying()))
    # It is stored before Stripe is asked.
    eventually(another.purchases)
    assert reason_of(hung[-1]) != "OVERLOADED"
    assert another.bought(OMISE).credits_granted == 100
    assert shopper.bought(OMISE).credits_granted == 100


def test_a_cancellation_needs_a_place_too(shopper: Shopper, hung: list[Any]) -> None:
    shopper.behave(STRIPE)
    purchase = shopper.buy()
    shopper.misbehave(STRIPE, "slow", seconds=600)
    bought_until_refused(shopper, hung)
    request = pb.CancelPurchaseRequest(name=purchase.name, request_id=uuid7())
    refusal = refused(shopper.staff.payment.CancelPurchase, request)
    assert (refusal.code, refusal.reason) == (grpc.StatusCode.RESOURCE_EXHAUSTED, "OVERLOADED")
    assert refusal.retry
    for call in hung:
        call.cancel()
    shopper.behave(STRIPE)

    # That it was turned away has used nothing up: the same request is done once there is room.
    tries: list[Any] = []

    def is_done() -> bool:
        tries.append(shopper.staff.payment.CancelPurchase.future(request))
        return not reason_of_ended(tries[-1])

    eventually(is_done)
    assert {reason_of(call) for call in tries[:-1]} <= {"OVERLOADED"}
    assert state_of(tries[-1].result().purchase) == "CANCELLED"


def reason_of_ended(call: Any) -> str:
    """Wait until a call has ended, and return why it was refused."""
    call.exception()
    return reason_of(call)
