"""Lemon Squeezy's payloads, in the shapes that it sends, and a provider whose store they are of."""

import asyncio
import hashlib
import hmac
import json
from collections.abc import Callable
from typing import Any

import httpx

from creditd.domain.instant import SECOND, Instant
from creditd.domain.payments.package import Money
from creditd.domain.payments.provider import PaymentMethod
from creditd.domain.payments.purchase import PurchaseKey
from creditd.payments.lemonsqueezy.provider import LemonSqueezy, LemonSqueezySettings
from creditd.payments.provider import Delivery, Order, Said, Webhook

SECRET = "six-characters-at-least"  # noqa: S105 - of tests alone.
NOW = Instant(1_700_000_000 * SECOND)

LATER = Instant(NOW + 2 * 86_400 * SECOND)
"""The provider's clock: the checkouts of these payloads are over."""
STORE, VARIANT, PLAN, OTHER = 7, 11, 22, 33
PURCHASE = PurchaseKey("alice", "0190b5c2-7d3e-7a41-9c55-0b8f6d1e2a34")
IDENTIFIER = "89b36d62-4f5c-4353-853f-0c769d0535c8"
CHECKOUT_ID = "ac470bd4-7c41-474d-b6cd-0f296f5be02a"
ORDER = Order(
    PURCHASE, Money(999, "USD"), "500 credits", PaymentMethod.CHECKOUT, "https://shop.example/thanks", NOW, CHECKOUT_ID
)

Answer = Callable[[httpx.Request], httpx.Response]


def lemon_squeezy(answer: Answer | None = None, *, secrets: tuple[str, ...] = (SECRET,)) -> LemonSqueezy:
    """Return a provider in live mode, whose calls are answered by a function; without one it is not to be called."""
    settings = LemonSqueezySettings(
        api_key="a key",
        webhook_secrets=secrets,
        api_url="https://api.lemonsqueezy.example",
        store_id=str(STORE),
        variant_id=str(VARIANT),
        plan_variant_ids=(str(PLAN),),
        live=True,
    )
    return LemonSqueezy(settings, lambda: LATER, httpx.MockTransport(answer or _no_answer))


def _no_answer(request: httpx.Request) -> httpx.Response:
    raise AssertionError(request.url)


def order_object(number: int = 1, *, item: dict[str, Any] | None = None, **attributes: Any) -> dict[str, Any]:
    """Return an order of 9.99 dollars with taxes on top, unless told otherwise."""
    first_item = {"variant_id": VARIANT, "product_name": f"500 credits ({PURCHASE.purchase_id})", "test_mode": False}
    known: dict[str, Any] = {
        "store_id": STORE,
        "identifier": IDENTIFIER,
        "currency": "USD",
        "subtotal": 999,
        "discount_total": 0,
        "tax": 200,
        "tax_inclusive": False,
        "total": 1199,
        "refunded_amount": 0,
        "refunded": False,
        "refunded_at": None,
        "status": "paid",
        "first_order_item": first_item | (item or {}),
        "created_at": "2023-11-14T22:13:20.000000Z",
        "updated_at": "2023-11-14T22:13:20.000000Z",
        "test_mode": False,
    }
    return {"type": "orders", "id": str(number), "attributes": known | attributes}


def subscription_object(**attributes: Any) -> dict[str, Any]:
    """Return an active subscription to the plan, unless told otherwise."""
    known: dict[str, Any] = {
        "store_id": STORE,
        "variant_id": PLAN,
        "status": "active",
        "pause": None,
        "cancelled": False,
        "ends_at": None,
        "created_at": "2023-11-14T22:13:20.000000Z",
        "updated_at": "2023-11-14T22:13:20.000001Z",
        "test_mode": False,
    }
    return {"type": "subscriptions", "id": "1", "attributes": known | attributes}


def checkout_object(**attributes: Any) -> dict[str, Any]:
    """Return the checkout of the purchase, unless told otherwise."""
    known: dict[str, Any] = {
        "store_id": STORE,
        "variant_id": VARIANT,
        "custom_price": 999,
        "checkout_data": {"custom": PURCHASE._asdict()},
        "expires_at": "2023-11-15T22:13:20.000000Z",
        "created_at": "2023-11-14T22:13:20.000000Z",
        "test_mode": False,
        "url": f"https://my-store.lemonsqueezy.com/checkout/custom/{CHECKOUT_ID}?signature=ee3fd2",
    }
    return {"type": "checkouts", "id": CHECKOUT_ID, "attributes": known | attributes}


def page(*objects: dict[str, Any], last: int = 1) -> httpx.Response:
    """Return an answer that is a page of a list."""
    return httpx.Response(200, json={"meta": {"page": {"lastPage": last}}, "data": list(objects)})


def event(name: str, data: dict[str, Any], **meta: Any) -> bytes:
    """Return the body of a webhook, with the custom data of the purchase unless told otherwise."""
    known = {"event_name": name, "test_mode": False, "custom_data": PURCHASE._asdict()}
    return json.dumps({"meta": known | meta, "data": data}).encode()


def signed(body: bytes, secret: str = SECRET) -> Webhook:
    """Return a webhook as Lemon Squeezy signs it."""
    signature = hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()
    return Webhook(body, {"x-signature": signature, "content-type": "application/json"})


def delivered(name: str, data: dict[str, Any], **meta: Any) -> Delivery:
    """Return what is stored of an event."""
    return lemon_squeezy().receive(signed(event(name, data, **meta)), NOW)


def told(name: str, data: dict[str, Any], **meta: Any) -> Said | None:
    """Return what an event tells."""
    return asyncio.run(lemon_squeezy().interpret(delivered(name, data, **meta)))
