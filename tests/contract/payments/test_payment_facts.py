"""What staff are told of a payment without knowing its provider: what was read, how much waits, a look at once (J6)."""

from typing import Any

import psycopg
import pytest

from credit.v1 import payment_admin_service_pb2 as pb
from credit.v1 import payment_event_pb2 as event_pb
from credit.v1 import payment_service_pb2 as payment
from creditd.ledger.ids import uuid7
from creditd.storage.payments import payment_events
from tests.contract.payments.events import events_listed, stripe_event_ingested
from tests.contract.payments.reconciliation import paid_unheard
from tests.contract.payments.shopper import Shopper, event_state, state_of
from tests.support.market import LEMON_SQUEEZY, OMISE, PRICE, STRIPE
from tests.support.patience import eventually
from tests.support.refusals import refused
from tests.support.signed_webhooks import stripe_payment

pytestmark = pytest.mark.requirement("J6")

PARKED = event_pb.PAYMENT_EVENT_STATE_PARKED
PAYMENT = event_pb.PAYMENT_FACT_KIND_PAYMENT


def paid_in(shopper: Shopper, name: str) -> list[tuple[str, int, str]]:
    """Return each payment that was read in an event: its id, and how much was paid in which currency."""
    facts = shopper.shown(name).facts
    paid = [fact for fact in facts if (fact.kind, fact.stage) == (PAYMENT, "PAID")]
    return [(fact.subject, fact.amount, fact.currency) for fact in paid]


@pytest.mark.parametrize("provider", [STRIPE, OMISE, LEMON_SQUEEZY])
def test_the_facts_of_a_payment_are_told_in_the_same_words_whoever_took_it(shopper: Shopper, provider: int) -> None:
    purchase = shopper.bought(provider)
    expected = (purchase.payment_id, PRICE, "THB")

    def read() -> bool:
        events = events_listed(shopper, purchase=purchase.name)
        return any(expected in paid_in(shopper, event.name) for event in events)

    eventually(read)


def test_a_parked_event_tells_what_was_read_in_it_though_nothing_is_recorded(shopper: Shopper) -> None:
    payment_said = stripe_payment(shopper.buy().name, amount_received=PRICE + 1)
    event = stripe_event_ingested(shopper, "payment_intent.succeeded", payment_said)
    assert event_state(event) == "PARKED"
    assert paid_in(shopper, event.name) == [(payment_said["id"], PRICE + 1, "THB")]


def test_a_payment_in_another_currency_tells_in_which(shopper: Shopper) -> None:
    payment_said = stripe_payment(shopper.buy().name, currency="jpy")
    event = stripe_event_ingested(shopper, "payment_intent.succeeded", payment_said)
    assert event_state(event) == "PARKED"
    assert paid_in(shopper, event.name) == [(payment_said["id"], PRICE, "JPY")]


def test_what_is_in_each_state_is_counted_only_when_asked(shopper: Shopper, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("creditd.server.payment_messages.MOST_COUNTED", 10**6)

    def counts(**fields: Any) -> dict[int, tuple[int, bool]]:
        answer = shopper.staff.payment_admin.ListPaymentEvents(pb.ListPaymentEventsRequest(page_size=1, **fields))
        return {one.state: (one.count, one.is_minimum) for one in answer.counts}

    before = counts(show_counts=True)
    assert list(before) == list(event_pb.PaymentEventState.values())[1:]
    stripe_event_ingested(
        shopper, "payment_intent.succeeded", stripe_payment(shopper.buy().name, amount_received=PRICE + 1)
    )
    after = counts(show_counts=True)
    assert (after[PARKED][0] - before[PARKED][0], after[PARKED][1]) == (1, False)
    assert counts() == {}
    monkeypatch.setattr("creditd.server.payment_messages.MOST_COUNTED", 0)
    assert counts(show_counts=True)[PARKED] == (0, True)
    assert payment_events.MOST_COUNTED == 1_000


def looked_at_next(shopper: Shopper, name: str) -> int:
    """Return when a purchase is looked at next, in seconds; 0 for never."""
    return int(shopper.staff.payment.GetPurchase(payment.GetPurchaseRequest(name=name)).next_poll_time.seconds)


def inspecting(name: str) -> pb.InspectPurchaseRequest:
    """Return the request to have a purchase looked at."""
    return pb.InspectPurchaseRequest(name=name, reason="paid, she says", request_id=uuid7())


def polls(shopper: Shopper) -> int:
    """Return how often purchases of a shopper were looked at."""
    with psycopg.connect(shopper.market.service.config.database_url) as connection:
        row = connection.execute("SELECT sum(polls)::int FROM purchases WHERE account_id = %s", [shopper.account_id])
        return int(row.fetchone()[0])  # type: ignore[index]


def test_a_purchase_whose_webhook_was_lost_is_found_paid_at_once(shopper: Shopper) -> None:
    purchase = paid_unheard(shopper, STRIPE)
    before = polls(shopper)
    answer = shopper.staff.payment_admin.InspectPurchase(inspecting(purchase.name))
    assert answer.next_poll_time.seconds <= shopper.market.service.clock.now() // 1_000_000
    shopper.becomes(purchase.name, "COMPLETED")
    assert polls(shopper) > before


def test_a_purchase_that_is_paid_is_looked_at_once_and_stays_as_it_is(shopper: Shopper) -> None:
    purchase = shopper.bought()
    shopper.quiet()
    version, before = shopper.purchase(purchase.name).version, polls(shopper)
    shopper.staff.payment_admin.InspectPurchase(inspecting(purchase.name))
    eventually(lambda: polls(shopper) > before)
    eventually(lambda: not looked_at_next(shopper, purchase.name))
    assert shopper.purchase(purchase.name).version == version
    assert state_of(shopper.purchase(purchase.name)) == "COMPLETED"
    assert polls(shopper) == before + 1


def test_a_look_that_is_due_already_is_not_put_off(shopper: Shopper) -> None:
    request = inspecting(shopper.buy().name)
    shopper.misbehave(STRIPE, "error")
    first = shopper.staff.payment_admin.InspectPurchase(request).next_poll_time
    again = shopper.staff.payment_admin.InspectPurchase(request).next_poll_time
    assert again == first


def test_what_there_is_not_cannot_be_looked_at(shopper: Shopper) -> None:
    name = f"accounts/{shopper.account_id}/purchases/01890000-0000-7000-8000-000000000000"
    assert refused(shopper.staff.payment_admin.InspectPurchase, inspecting(name)).reason == "PURCHASE_NOT_FOUND"
