"""Webhooks made by hand: signed as each provider signs, and handed to IngestWebhook as the adapter does."""

import base64
import hashlib
import hmac
import json
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from credit.v1 import webhook_service_pb2 as webhook_pb
from creditd.ledger.ids import uuid7
from tests.support.market import LEMON_SQUEEZY, OMISE, PRICE, STRIPE, Market

Headers = Iterable[tuple[str, str]]
Sign = Callable[[bytes, bytes, int], Mapping[str, str]]


def ingesting(provider: int, body: bytes, headers: Mapping[str, str] | Headers) -> webhook_pb.IngestWebhookRequest:
    """Return the request to take a webhook in."""
    pairs = headers.items() if isinstance(headers, Mapping) else headers
    return webhook_pb.IngestWebhookRequest(
        provider=provider,  # type: ignore[arg-type]
        body=body,
        headers=[webhook_pb.WebhookHeader(name=name, value=value) for name, value in pairs],
        remote_address="192.0.2.1",
    )


def secret_of(market: Market, provider: int) -> bytes:
    """Return what a provider signs with; Omise shows its own in base64."""
    secret = market.fakes.webhook_secret
    return base64.b64decode(secret) if provider == OMISE else secret.encode()


def seconds_now(market: Market) -> int:
    """Return the Unix time of the service's clock."""
    return market.service.clock.now() // 1_000_000


def signed(market: Market, provider: int, body: bytes, age_seconds: int = 0) -> webhook_pb.IngestWebhookRequest:
    """Return the request to take an authentic webhook in, signed so many seconds ago."""
    headers = SIGN[provider](secret_of(market, provider), body, seconds_now(market) - age_seconds)
    return ingesting(provider, body, headers)


def _hex(secret: bytes, message: bytes) -> str:
    return hmac.new(secret, message, hashlib.sha256).hexdigest()


def _by_stripe(secret: bytes, body: bytes, seconds: int) -> Mapping[str, str]:
    return {"stripe-signature": f"t={seconds},v1={_hex(secret, f'{seconds}.'.encode() + body)}"}


def _by_omise(secret: bytes, body: bytes, seconds: int) -> Mapping[str, str]:
    signature = _hex(secret, f"{seconds}.".encode() + body)
    return {"omise-signature": signature, "omise-signature-timestamp": str(seconds)}


def _by_lemon_squeezy(secret: bytes, body: bytes, seconds: int) -> Mapping[str, str]:
    del seconds
    return {"x-signature": _hex(secret, body)}


SIGN: Mapping[int, Sign] = {STRIPE: _by_stripe, OMISE: _by_omise, LEMON_SQUEEZY: _by_lemon_squeezy}


def new_id(prefix: str) -> str:
    """Return an id as Stripe makes them, that was never used. Letters alone: it looks like no card number."""
    return f"{prefix}_" + uuid7().replace("-", "").translate(str.maketrans("0123456789", "ghijklmnop"))


def stripe_event(event_type: str, about: Mapping[str, Any], *, live: bool = False, **fields: Any) -> dict[str, Any]:
    """Return an event of Stripe's."""
    known = {"id": new_id("evt"), "object": "event", "type": event_type, "livemode": live}
    return known | {"data": {"object": dict(about)}} | fields


def stripe_payment(purchase_name: str = "", **fields: Any) -> dict[str, Any]:
    """Return a payment intent of Stripe's that succeeded, for the price of the small package."""
    known = {
        "id": new_id("pi"),
        "object": "payment_intent",
        "amount_received": PRICE,
        "currency": "thb",
        "status": "succeeded",
        "latest_charge": new_id("ch"),
        "metadata": metadata_of(purchase_name) if purchase_name else {},
    }
    return known | fields


def lemon_squeezy_order(purchase_name: str, *, event: str = "order_created", **fields: Any) -> dict[str, Any]:
    """Return what Lemon Squeezy sends of a paid order for the price of the small package."""
    attributes = {
        "store_id": 1,
        "identifier": uuid7(),
        "currency": "THB",
        "subtotal": PRICE,
        "discount_total": 0,
        "tax": 0,
        "tax_inclusive": False,
        "total": PRICE,
        "refunded_amount": 0,
        "refunded": False,
        "refunded_at": None,
        "status": "paid",
        "first_order_item": {"variant_id": 11, "test_mode": True},
        "created_at": "2026-11-21T00:00:00.000000Z",
        "updated_at": "2026-11-21T00:00:00.000000Z",
        "test_mode": True,
    }
    order_id = str(int(uuid7().replace("-", ""), 16) % 10**11)
    data = {"type": "orders", "id": order_id, "attributes": attributes | fields}
    return {"meta": {"event_name": event, "test_mode": True, "custom_data": metadata_of(purchase_name)}, "data": data}


def metadata_of(purchase_name: str) -> dict[str, str]:
    """Return our own name of a purchase as providers hand it back."""
    _, account_id, _, purchase_id = purchase_name.split("/")
    return {"account_id": account_id, "purchase_id": purchase_id}


def body_of(document: Any) -> bytes:
    """Write what is sent."""
    return json.dumps(document).encode()


def key_of(document: Mapping[str, Any]) -> str:
    """Return what a delivery is known by: the event's id, or the hash of the body where there is none."""
    event_id = document.get("id")
    return event_id if isinstance(event_id, str) else hashlib.sha256(body_of(document)).hexdigest()


def omise_event(key: str, data: Any, *, live: bool = False) -> dict[str, Any]:
    """Return an event of Omise's with an id of its own."""
    event_id = new_id("evnt" if live else "evnt_test")
    return {"object": "event", "id": event_id, "livemode": live, "key": key, "data": data}
