"""Omise's payloads, in the shapes that it sends, and a provider in test mode that reads them back."""

import asyncio
import base64
import hashlib
import hmac
import json
from collections.abc import Callable, Mapping
from typing import Any

import httpx

from creditd.domain.instant import SECOND, Instant
from creditd.domain.payments.package import Money
from creditd.domain.payments.provider import PaymentMethod
from creditd.domain.payments.purchase import PurchaseKey
from creditd.payments.omise.provider import Omise, OmiseSettings
from creditd.payments.provider import Delivery, Order, Said, Webhook

SECRET = base64.b64encode(b"thirty-two bytes of which none is known").decode()
NOW = Instant(1_700_000_000 * SECOND)
PURCHASE = PurchaseKey("alice", "0190b5c2-7d3e-7a41-9c55-0b8f6d1e2a34")
CHARGE_ID, LINK_ID, DISPUTE_ID = "chrg_test_6344b4koui4cepimfzl", "link_test_6344k6rzgco9ul41cap", "dspt_test_6344e4i5"
REFUND_ID, EVENT_ID, SOURCE_ID = (
    "rfnd_test_63444yucggg93yxa027",
    "evnt_test_no1t4tnemucod0e51mo",
    "src_test_6344b4gx4a8",
)
PRICE = Money(100_000, "THB")
QR_URL = "https://api.omise.example/charges/chrg_test_6344/documents/docu_test_5mkp/downloads/9D53860BFB89AC18"

Answer = Callable[[httpx.Request], httpx.Response]


def omise(answer: Answer | None = None, *, secrets: tuple[str, ...] = (), live: bool = False) -> Omise:
    """Return a provider whose calls are answered by a function."""
    settings = OmiseSettings("key", secrets, "https://api.omise.example", live)
    return Omise(settings, lambda: NOW, httpx.MockTransport(answer) if answer else None)


def answering(objects: Mapping[str, Any]) -> Answer:
    """Return what answers a GET by its path with an object, and says of all else that there is none."""

    def answer(request: httpx.Request) -> httpx.Response:
        found = objects.get(request.url.path)
        return httpx.Response(200, json=found) if found and request.method == "GET" else error(404, "not_found")

    return answer


def error(status: int, code: str) -> httpx.Response:
    """Return an error as Omise answers it."""
    shape = {"object": "error", "location": f"https://www.omise.co/api-errors#{code}", "code": code, "message": code}
    return httpx.Response(status, json=shape)


def order(method: PaymentMethod = PaymentMethod.PROMPTPAY, reference: str = "", **changes: Any) -> Order:
    """Return the purchase as its provider knows it."""
    token = "tokn_test_5xuy4w91xqz7d1w9u0t" if method is PaymentMethod.CARD_TOKEN else ""
    made = Order(PURCHASE, PRICE, "500 credits", method, "https://shop.example/thanks", NOW, reference, token)
    return made._replace(**changes)


def charge_object(status: str = "successful", **changes: Any) -> dict[str, Any]:
    """Return a charge of a thousand baht: paid unless told otherwise."""
    is_paid = status == "successful"
    known: dict[str, Any] = {
        "object": "charge",
        "id": CHARGE_ID,
        "location": f"/charges/{CHARGE_ID}",
        "amount": PRICE.amount,
        "refunded_amount": 0,
        "currency": "THB",
        "refunds": listed(),
        "link": None,
        "metadata": PURCHASE._asdict(),
        "source": None,
        "dispute": None,
        "failure_code": None,
        "failure_message": None,
        "status": status,
        "authorize_uri": None,
        "paid_at": "2023-11-14T22:13:20Z" if is_paid else None,
        "expires_at": "2023-11-15T22:13:20Z",
        "livemode": False,
        "paid": is_paid,
        "reversed": status == "reversed",
        "voided": False,
    }
    return known | changes


def promptpay_charge(status: str = "pending", **changes: Any) -> dict[str, Any]:
    """Return a charge with its QR code: not paid yet unless told otherwise."""
    image = {"object": "document", "filename": "qrcode.png", "download_uri": QR_URL}
    code = {"object": "barcode", "type": "qr", "image": image}
    source = {"object": "source", "id": SOURCE_ID, "type": "promptpay", "flow": "offline", "scannable_code": code}
    return charge_object(status, **{"source": source, **changes})


def refund_object(amount: int, status: str = "closed", refund_id: str = REFUND_ID) -> dict[str, Any]:
    """Return a refund of the charge."""
    known = {"object": "refund", "id": refund_id, "amount": amount, "currency": "THB"}
    return known | {"charge": CHARGE_ID, "status": status}


def dispute_object(status: str, **changes: Any) -> dict[str, Any]:
    """Return a dispute of the whole charge."""
    known = {"object": "dispute", "id": DISPUTE_ID, "livemode": False, "amount": PRICE.amount, "currency": "THB"}
    return known | {"charge": CHARGE_ID, "status": status} | changes


def link_object(*charges: dict[str, Any], **changes: Any) -> dict[str, Any]:
    """Return a link with its charges."""
    known = {
        "object": "link",
        "id": LINK_ID,
        "livemode": False,
        "deleted": False,
        "amount": PRICE.amount,
        "currency": "THB",
        "charges": listed(*charges),
        "title": "500 credits",
        "description": f"500 credits ({PURCHASE.purchase_id})",
        "payment_uri": "https://link.omise.example/6344K6RZGCO9UL41CAP",
    }
    return known | changes


def listed(*objects: dict[str, Any], total: int | None = None) -> dict[str, Any]:
    """Return a list, or the first page of a longer one."""
    return {"object": "list", "data": list(objects), "total": len(objects) if total is None else total}


def event_object(key: str, data: Any, **changes: Any) -> dict[str, Any]:
    """Return an event about an object, or about what only its id is known of."""
    known = {"object": "event", "id": EVENT_ID, "livemode": False, "key": key, "data": data}
    return known | changes


def hint(key: str, data: Any, **changes: Any) -> Webhook:
    """Return an event as a webhook without a signature."""
    return Webhook(json.dumps(event_object(key, data, **changes)).encode(), {"content-type": "application/json"})


def signed(webhook: Webhook, *secrets: str, seconds: int = NOW // SECOND) -> Webhook:
    """Return a webhook as Omise signs it, with one signature for each secret."""
    message = f"{seconds}.".encode() + webhook.body
    keys = [base64.b64decode(secret) for secret in secrets]
    signatures = ",".join(hmac.new(key, message, hashlib.sha256).hexdigest() for key in keys)
    headers = {"omise-signature": signatures, "omise-signature-timestamp": str(seconds)}
    return webhook._replace(headers={**webhook.headers, **headers})


def received(key: str, data: Any, **changes: Any) -> Delivery:
    """Return what is stored of an event."""
    return omise().receive(hint(key, data, **changes), NOW)


def told(objects: Mapping[str, Any], key: str = "charge.complete", data: Any = CHARGE_ID) -> Said | None:
    """Return what an event tells, while the API answers with these objects by their paths."""
    return asyncio.run(omise(answering(objects)).interpret(received(key, data)))


def told_of(charge: dict[str, Any], *disputes: dict[str, Any]) -> Said | None:
    """Return what is told of a charge that the API answers with, and of its disputes."""
    found = {f"/disputes/{dispute['id']}": dispute for dispute in disputes}
    return told({f"/charges/{CHARGE_ID}": charge, **found})
