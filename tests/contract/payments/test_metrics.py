"""What payments count of themselves follows what happens over the wire."""

import pytest
from prometheus_client import CollectorRegistry

from creditd.telemetry.payment_metrics import PaymentMetrics
from tests.contract.payments.shopper import Shopper, event_state
from tests.support.market import OMISE, PRICE, SECONDS, STRIPE
from tests.support.patience import eventually
from tests.support.signed_webhooks import body_of, key_of, signed, stripe_event, stripe_payment

pytestmark = pytest.mark.requirement("I4")


def measured(shopper: Shopper, name: str, **labels: str) -> float:
    """Return what a metric says."""
    registry = CollectorRegistry()
    registry.register(PaymentMetrics(shopper.market.service.core.payment_statistics))
    return registry.get_sample_value(f"creditd_payments_{name}", labels) or 0.0


def counts(shopper: Shopper) -> list[float]:
    """Return how many webhooks were stored and seen again, and how many events were applied and parked."""
    ingested = [measured(shopper, "ingested_total", provider="stripe", result=one) for one in ("stored", "duplicate")]
    applied = [measured(shopper, "applied_total", provider="stripe", outcome=one) for one in ("applied", "parked")]
    return ingested + applied


def ingest(shopper: Shopper, amount: int) -> None:
    """Hand the same payment of an amount in twice."""
    document = stripe_event("payment_intent.succeeded", stripe_payment(shopper.buy().name, amount_received=amount))
    for _ in range(2):
        shopper.staff.webhook.IngestWebhook(signed(shopper.market, STRIPE, body_of(document)))
    assert event_state(shopper.settled(key_of(document))) in {"APPLIED", "PARKED"}


def test_webhooks_taken_in_and_events_applied_or_parked_are_counted(shopper: Shopper) -> None:
    before = counts(shopper)
    ingest(shopper, PRICE)
    ingest(shopper, PRICE + 1)
    assert [now - then for now, then in zip(counts(shopper), before, strict=True)] == [2, 2, 1, 1]


def test_what_waits_is_counted_in_the_database(shopper: Shopper) -> None:
    ingest(shopper, PRICE + 1)
    document = stripe_event("payment_intent.succeeded", stripe_payment())
    shopper.staff.webhook.IngestWebhook(signed(shopper.market, STRIPE, body_of(document)))
    assert eventually(lambda: measured(shopper, "parked") >= 1, SECONDS)
    assert eventually(lambda: measured(shopper, "waiting") >= 1, SECONDS)
    # What is another's is no alarm. What cannot be read back is.
    purchase = shopper.buy(OMISE)
    shopper.misbehave(OMISE, "error")
    shopper.pay(purchase)
    assert eventually(lambda: measured(shopper, "pending") >= 1, SECONDS)
    assert eventually(lambda: measured(shopper, "oldest_pending_seconds") > 0, SECONDS)
