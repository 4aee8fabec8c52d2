"""The objects of the fake Lemon Squeezy: JSON:API resources with the attributes that the real one has.

Sources: https://docs.lemonsqueezy.com/api/orders/the-order-object and the like. Times have microseconds where the real
one's have seconds, so that acts in quick succession keep their order.
"""

import uuid
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any, Final, NamedTuple

STORE_ID: Final = "1"

VARIANT_ID: Final = "11"
"""The product whose price every checkout sets anew."""

PLAN_VARIANT_ID: Final = "22"
"""The subscription that carries the unlimited plan."""

PLAN_PRICE: Final = 29_900
"""A month of the plan, in the smallest unit of the store's currency."""

PERIOD: Final = timedelta(days=30)

Object = dict[str, Any]


class OrderTerms(NamedTuple):
    """What a store sells on: its currency, and taxes on top of its prices or as a part of them."""

    currency: str
    tax_percent: int
    tax_inclusive: bool


def checkout_object(wanted: Mapping[str, Any], url: str, now: datetime) -> Object:
    """Return a checkout with the attributes asked for; its page is under ``url``."""
    checkout_id = str(uuid.uuid4())
    attributes = {
        "variant_id": int(VARIANT_ID),
        "custom_price": wanted["custom_price"],
        "product_options": wanted.get("product_options", {}),
        "checkout_data": {"custom": [], **wanted.get("checkout_data", {})},
        "expires_at": wanted.get("expires_at"),
        "url": f"{url}/{checkout_id}",
    }
    return _object("checkouts", checkout_id, attributes, now)


def order_object(
    number: int, terms: OrderTerms, price: int, discount: int, item: Mapping[str, Any], now: datetime
) -> Object:
    """Return a paid order of one thing."""
    net = price - discount
    on_top, within = net * terms.tax_percent // 100, net - round(net * 100 / (100 + terms.tax_percent))
    attributes = {
        "identifier": str(uuid.uuid4()),
        "order_number": number,
        "user_email": "buyer@example.com",
        "currency": terms.currency,
        "subtotal": price - within if terms.tax_inclusive else price,
        "setup_fee": 0,
        "discount_total": discount,
        "tax": within if terms.tax_inclusive else on_top,
        "tax_inclusive": terms.tax_inclusive,
        "total": net if terms.tax_inclusive else net + on_top,
        "refunded_amount": 0,
        "refunded": False,
        "refunded_at": None,
        **status_attributes("paid"),
        "first_order_item": {"quantity": 1, **item, "price": price, "test_mode": True},
    }
    return _object("orders", str(number), attributes, now)


def subscription_object(number: int, order_id: str, variant_id: str, now: datetime, *, trial: bool) -> Object:
    """Return a new subscription."""
    attributes = {
        "order_id": int(order_id),
        "variant_id": int(variant_id),
        "product_name": "Pro",
        "user_email": "buyer@example.com",
        **status_attributes("on_trial" if trial else "active"),
        "pause": None,
        "cancelled": False,
        "trial_ends_at": time_after(now, PERIOD) if trial else None,
        "renews_at": time_after(now, PERIOD),
        "ends_at": None,
    }
    return _object("subscriptions", str(number), attributes, now)


def invoice_object(number: int, subscription_id: str, currency: str, status: str, now: datetime) -> Object:
    """Return a subscription's invoice of a month."""
    attributes = {
        "subscription_id": int(subscription_id),
        "total": PLAN_PRICE,
        "currency": currency,
        **status_attributes(status),
    }
    return _object("subscription-invoices", str(number), attributes, now)


def status_attributes(status: str) -> Object:
    """Return the two attributes that say a status, for programs and for people."""
    return {"status": status, "status_formatted": status.replace("_", " ").capitalize()}


def time_after(now: datetime, duration: timedelta = timedelta()) -> str:
    """Return the time, so much from now, as it stands in objects."""
    return (now + duration).isoformat(timespec="microseconds").replace("+00:00", "Z")


def _object(kind: str, object_id: str, attributes: Object, now: datetime) -> Object:
    time = time_after(now)
    known = {"store_id": int(STORE_ID), "created_at": time, "updated_at": time, "test_mode": True}
    return {"type": kind, "id": object_id, "attributes": known | attributes}
