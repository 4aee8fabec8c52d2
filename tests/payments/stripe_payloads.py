"""What Stripe sends, in its shapes, for the tests of its adapter. One purchase of 1000 satang, or parts of it."""

import hashlib
import hmac
from typing import Any

import orjson

from creditd.domain.instant import SECOND, Instant
from creditd.domain.payments.package import Money
from creditd.domain.payments.provider import PaymentMethod
from creditd.domain.payments.purchase import PurchaseKey
from creditd.payments.provider import Delivery, Order, Webhook
from creditd.payments.stripe.reports import EVENT_TYPES

SECRET = "whsec_test_secret"  # noqa: S105 - nothing is kept secret in a test.
SECONDS = 1_750_000_000
NOW = Instant(SECONDS * SECOND)
NAME = PurchaseKey("account-1", "0197789a-8e00-7c4d-9f10-3a5b7c9d1e2f")
METADATA = NAME._asdict()
SESSION, INTENT, CHARGE, REFUND, DISPUTE = "cs_test_a1", "pi_1", "ch_1", "re_1", "dp_1"

ORDER = Order(
    name=NAME,
    price=Money(1000, "THB"),
    description="100 credits",
    method=PaymentMethod.CHECKOUT,
    return_url="https://shop.example/back",
    create_time=NOW,
)


def session(**fields: Any) -> dict[str, Any]:
    """Return a Checkout session that is paid, or as ``fields`` say."""
    paid = {
        "id": SESSION,
        "object": "checkout.session",
        "amount_total": 1000,
        "client_reference_id": NAME.purchase_id,
        "currency": "thb",
        "expires_at": SECONDS + 82_800,
        "livemode": False,
        "metadata": METADATA,
        "mode": "payment",
        "payment_intent": INTENT,
        "payment_status": "paid",
        "status": "complete",
        "url": "https://checkout.stripe.com/c/pay/cs_test_a1",
    }
    return paid | fields


def intent(**fields: Any) -> dict[str, Any]:
    """Return a payment intent that succeeded, or as ``fields`` say."""
    succeeded = {
        "id": INTENT,
        "object": "payment_intent",
        "amount": 1000,
        "amount_received": 1000,
        "currency": "thb",
        "last_payment_error": None,
        "latest_charge": CHARGE,
        "livemode": False,
        "metadata": METADATA,
        "status": "succeeded",
    }
    return succeeded | fields


def charge(refunded: int, **fields: Any) -> dict[str, Any]:
    """Return a charge of which so much is refunded."""
    paid = {
        "id": CHARGE,
        "object": "charge",
        "amount": 1000,
        "amount_refunded": refunded,
        "currency": "thb",
        "metadata": METADATA,
        "paid": True,
        "payment_intent": INTENT,
        "refunded": refunded == 1000,
        "status": "succeeded",
    }
    return paid | fields


def refund(amount: int, status: str, refund_id: str = REFUND, **fields: Any) -> dict[str, Any]:
    """Return a refund."""
    made = {
        "id": refund_id,
        "object": "refund",
        "amount": amount,
        "charge": CHARGE,
        "currency": "thb",
        "metadata": {},
        "payment_intent": INTENT,
        "status": status,
    }
    return made | fields


def dispute(status: str, *moves: int, **fields: Any) -> dict[str, Any]:
    """Return a dispute over all that was paid; ``moves`` are the amounts of its balance transactions."""
    made = {
        "id": DISPUTE,
        "object": "dispute",
        "amount": 1000,
        "balance_transactions": [{"id": f"txn_{number}", "amount": amount} for number, amount in enumerate(moves)],
        "charge": CHARGE,
        "currency": "thb",
        "metadata": {},
        "payment_intent": INTENT,
        "status": status,
    }
    return made | fields


def declined(**error: Any) -> dict[str, Any]:
    """Return a payment intent whose payment failed."""
    said = {"type": "card_error", "code": "card_declined", "message": "Your card was declined."}
    return intent(
        amount_received=0, latest_charge=None, status="requires_payment_method", last_payment_error=said | error
    )


def event(event_type: str, document: dict[str, Any], event_id: str = "evt_1") -> dict[str, Any]:
    """Return an event."""
    return {
        "id": event_id,
        "object": "event",
        "api_version": "2025-09-30.clover",
        "created": SECONDS,
        "data": {"object": document},
        "livemode": False,
        "pending_webhooks": 1,
        "type": event_type,
    }


def delivery(event_type: str, document: dict[str, Any]) -> Delivery:
    """Return an event as it is stored."""
    body = orjson.dumps(event(event_type, document)).decode()
    return Delivery("evt_1", event_type, live=False, body=body, is_of_interest=event_type in EVENT_TYPES)


def signature(body: bytes, seconds: int = SECONDS, secret: str = SECRET) -> str:
    """Return what Stripe signs a body with: https://docs.stripe.com/webhooks#verify-manually."""
    return hmac.new(secret.encode(), f"{seconds}.".encode() + body, hashlib.sha256).hexdigest()


def webhook(body: bytes, header: str | None = None) -> Webhook:
    """Return a body as it arrives, signed now unless ``header`` says otherwise."""
    signed = f"t={SECONDS},v1={signature(body)}" if header is None else header
    return Webhook(body, {"stripe-signature": signed, "content-type": "application/json; charset=utf-8"})
