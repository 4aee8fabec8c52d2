"""A fake Lemon Squeezy: its API for one store in test mode, its checkout pages, and what payers and staff do there.

It answers as https://docs.lemonsqueezy.com/api says, and sends the webhooks of
https://docs.lemonsqueezy.com/help/webhooks/event-types.
"""

import copy
import hashlib
import hmac
import itertools
import json
import time
import uuid
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime
from html import escape
from typing import Any, Final

from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, RedirectResponse, Response
from starlette.routing import Route

from creditd.development.fakes.deliveries import Outgoing
from creditd.development.fakes.lemonsqueezy_objects import (
    PERIOD,
    PLAN_PRICE,
    PLAN_VARIANT_ID,
    STORE_ID,
    VARIANT_ID,
    Object,
    OrderTerms,
    checkout_object,
    invoice_object,
    order_object,
    status_attributes,
    subscription_object,
    time_after,
)

__all__ = ["PLAN_VARIANT_ID", "STORE_ID", "VARIANT_ID", "FakeLemonSqueezy"]

_JSON_API: Final = "application/vnd.api+json"
_MAX_PAGE_SIZE: Final = 100
_IDS_A_SECOND: Final = 100


class FakeLemonSqueezy:
    """The store. Objects are JSON:API resources, by their ids; acts return the id of what they made.

    An act on an id that there is not raises LookupError, one that makes no sense ValueError.
    Its time is that of ``clock``, Unix seconds.
    """

    def __init__(self, url: str, outgoing: Outgoing, webhook_secret: str) -> None:
        """Be reached at ``url``, and send webhooks through ``outgoing``, signed with a secret. Prices are in baht."""
        self.clock: Callable[[], float] = time.time
        self.checkouts: dict[str, Object] = {}
        self.orders: dict[str, Object] = {}
        self.subscriptions: dict[str, Object] = {}
        self.invoices: dict[str, Object] = {}
        self.terms = OrderTerms("THB", tax_percent=0, tax_inclusive=False)
        self._url = url
        self._outgoing = outgoing
        self._secret = webhook_secret.encode()
        self._custom: dict[str, Mapping[str, Any]] = {}
        # They go on from those of an earlier run, which a database may remember.
        self._ids = itertools.count(int(time.time()) * _IDS_A_SECOND)
        self.routes = [
            Route("/v1/checkouts", self._create_checkout, methods=["POST"]),
            Route("/v1/checkouts", self._listing(self.checkouts), methods=["GET"]),
            Route("/v1/checkouts/{checkout_id}", self._get_checkout, methods=["GET"]),
            Route("/v1/orders", self._listing(self.orders), methods=["GET"]),
            Route("/v1/subscriptions", self._listing(self.subscriptions), methods=["GET"]),
            Route("/checkout/custom/{checkout_id}", self._page, methods=["GET"]),
            Route("/checkout/custom/{checkout_id}", self._pay_on_page, methods=["POST"]),
        ]

    def sell_on(self, currency: str, tax_percent: int = 0, *, tax_inclusive: bool = False) -> None:
        """Sell in another currency, or with taxes, from now on."""
        self.terms = OrderTerms(currency, tax_percent, tax_inclusive)

    def pay(self, checkout_id: str, *, discount: int = 0) -> str:
        """Pay at a checkout, as often as one likes until it expires; return the order's id."""
        checkout = self.checkouts[checkout_id]["attributes"]
        if checkout["expires_at"] and datetime.fromisoformat(checkout["expires_at"]) <= self._now():
            raise ValueError("the checkout has expired")
        name = checkout["product_options"].get("name") or "Credits"
        custom = checkout["checkout_data"]["custom"]
        return self._order(checkout["custom_price"], discount, VARIANT_ID, name, custom)

    def refund(self, order_id: str, amount: int | None = None) -> None:
        """Give a part of an order back, or all that is left of it."""
        order = self.orders[order_id]["attributes"]
        left = order["total"] - order["refunded_amount"]
        given = left if amount is None else amount
        if not 0 < given <= left:
            raise ValueError(f"{left} is left of it")
        now = time_after(self._now())
        order |= {"refunded_amount": order["refunded_amount"] + given, "refunded_at": now, "updated_at": now}
        order |= {"refunded": given == left, **status_attributes("refunded" if given == left else "partial_refund")}
        self._send("order_refunded", self.orders[order_id])

    def take_refund_back(self, order_id: str, amount: int) -> None:
        """Have a part of what was given back return to the store."""
        order = self.orders[order_id]["attributes"]
        if not 0 < amount <= order["refunded_amount"]:
            raise ValueError(f"{order['refunded_amount']} of it was refunded")
        left = order["refunded_amount"] - amount
        order |= {"refunded_amount": left, "refunded": False, "updated_at": time_after(self._now())}
        order |= {"refunded_at": order["refunded_at"] if left else None}
        order |= status_attributes("partial_refund" if left else "paid")
        self._send("order_refunded", self.orders[order_id])

    def hold_fraudulent(self, order_id: str) -> None:
        """Hold an order to be fraudulent: its money will not stay."""
        self._judge(order_id, "fraudulent")

    def clear(self, order_id: str) -> None:
        """Hold an order to be honest again."""
        self._judge(order_id, "paid")

    def _judge(self, order_id: str, status: str) -> None:
        self.orders[order_id]["attributes"] |= {**status_attributes(status), "updated_at": time_after(self._now())}
        self._send("order_created", self.orders[order_id])

    def order_by_link(
        self, variant_id: str, price: int, custom: Mapping[str, Any], *, quantity: int = 1, discount: int = 0
    ) -> str:
        """Order at a link of a product, to which anybody may add custom data; return the order's id."""
        return self._order(price, discount, variant_id, "Another product", custom, quantity)

    def subscribe(self, account_id: str, variant_id: str = PLAN_VARIANT_ID, *, trial: bool = False) -> str:
        """Subscribe an account; return the subscription's id."""
        custom = {"account_id": account_id}
        order_id = self._order(0 if trial else PLAN_PRICE, 0, variant_id, "Pro", custom)
        subscription = subscription_object(next(self._ids), order_id, variant_id, self._now(), trial=trial)
        subscription_id = str(subscription["id"])
        self.subscriptions[subscription_id] = subscription
        self._custom[subscription_id] = custom
        self._send("subscription_created", subscription)
        if not trial:
            self._bill(subscription_id, "paid", "success")
        return subscription_id

    def cancel_subscription(self, subscription_id: str) -> None:
        """Cancel it to the end of the time that is paid for."""
        ends_at = self.subscriptions[subscription_id]["attributes"]["renews_at"]
        self._change(subscription_id, "cancelled", "cancelled", cancelled=True, ends_at=ends_at)

    def resume(self, subscription_id: str) -> None:
        """Take a cancellation back."""
        self._change(subscription_id, "resumed", "active", cancelled=False, ends_at=None)

    def expire(self, subscription_id: str) -> None:
        """Let it end now."""
        self._change(subscription_id, "expired", "expired", ends_at=time_after(self._now()))

    def pause(self, subscription_id: str, mode: str = "void") -> None:
        """Pause the service (``void``), or the payments alone (``free``)."""
        self._change(subscription_id, "paused", "paused", pause={"mode": mode, "resumes_at": None})

    def unpause(self, subscription_id: str) -> None:
        """End a pause."""
        self._change(subscription_id, "unpaused", "active", pause=None)

    def renew(self, subscription_id: str) -> None:
        """Have the next month paid, after a trial or a month."""
        self._bill(subscription_id, "paid", "success")
        self._change(subscription_id, None, "active", trial_ends_at=None, renews_at=time_after(self._now(), PERIOD))

    def fail_payment(self, subscription_id: str) -> None:
        """Have the next month's payment fail; it will be tried again."""
        self._bill(subscription_id, "pending", "failed")
        self._change(subscription_id, None, "past_due")

    def recover_payment(self, subscription_id: str) -> None:
        """Have a failed payment succeed at another try."""
        self._bill(subscription_id, "paid", "success", "recovered")
        self._change(subscription_id, None, "active")

    def give_payment_up(self, subscription_id: str) -> None:
        """Have the last try of a payment fail, too."""
        self._change(subscription_id, None, "unpaid")

    def refund_payment(self, subscription_id: str) -> None:
        """Give a month's payment back; it changes nothing about the subscription."""
        self._bill(subscription_id, "refunded", "refunded")

    def change_plan(self, subscription_id: str, variant_id: str) -> None:
        """Change to another product."""
        status = self.subscriptions[subscription_id]["attributes"]["status"]
        self._change(subscription_id, None, status, variant_id=int(variant_id))

    def _order(
        self, price: int, discount: int, variant_id: str, name: str, custom: Mapping[str, Any], quantity: int = 1
    ) -> str:
        item = {"variant_id": int(variant_id), "product_name": name, "quantity": quantity}
        order = order_object(next(self._ids), self.terms, price, discount, item, self._now())
        order_id = str(order["id"])
        self.orders[order_id] = order
        self._custom[order_id] = custom
        self._send("order_created", order)
        return order_id

    def _bill(self, subscription_id: str, status: str, *events: str) -> None:
        custom = self._custom[subscription_id]
        invoice = invoice_object(next(self._ids), subscription_id, self.terms.currency, status, self._now())
        self.invoices[invoice["id"]] = invoice
        self._custom[invoice["id"]] = custom
        for event in events:
            self._send(f"subscription_payment_{event}", invoice)

    def _change(self, subscription_id: str, event: str | None, status: str, **attributes: Any) -> None:
        """Change a subscription. Every change sends an update as well, which tells the same."""
        subscription = self.subscriptions[subscription_id]
        subscription["attributes"] |= {**attributes, **status_attributes(status), "updated_at": time_after(self._now())}
        if event:
            self._send(f"subscription_{event}", subscription)
        self._send("subscription_updated", subscription)

    def _send(self, event: str, said: Object) -> None:
        meta = {"test_mode": True, "event_name": event, "webhook_id": str(uuid.uuid4())}
        body = json.dumps({"meta": meta | {"custom_data": self._custom[said["id"]]}, "data": said}).encode()
        signature = hmac.new(self._secret, body, hashlib.sha256).hexdigest()
        headers = {"content-type": "application/json", "x-event-name": event, "x-signature": signature}
        self._outgoing.send("lemonsqueezy", lambda: (headers, body))

    def _now(self) -> datetime:
        return datetime.fromtimestamp(self.clock(), UTC)

    async def _create_checkout(self, request: Request) -> Response:
        if not _is_authorised(request):
            return _error(401, "Unauthenticated.")
        wanted = (await request.json())["data"]
        attributes, relationships = wanted["attributes"], wanted["relationships"]
        if [relationships[name]["data"]["id"] for name in ("store", "variant")] != [STORE_ID, VARIANT_ID]:
            return _error(404, "The related resource does not exist.")
        if type(attributes["custom_price"]) is not int or attributes["custom_price"] <= 0:
            return _error(422, "The custom price must be a positive number.")
        made = checkout_object(attributes, f"{self._url}/checkout/custom", self._now())
        self.checkouts[made["id"]] = made
        answer = copy.deepcopy(made)
        if attributes.get("preview"):
            answer["attributes"]["preview"] = {"currency": self.terms.currency, "subtotal": attributes["custom_price"]}
        return JSONResponse({"data": answer}, 201, media_type=_JSON_API)

    async def _get_checkout(self, request: Request) -> Response:
        if not _is_authorised(request):
            return _error(401, "Unauthenticated.")
        checkout = self.checkouts.get(request.path_params["checkout_id"])
        return JSONResponse({"data": checkout}, media_type=_JSON_API) if checkout else _error(404, "Not found.")

    def _listing(self, objects: Mapping[str, Object]) -> Any:
        async def listing(request: Request) -> Response:
            return _page_of(objects.values(), request) if _is_authorised(request) else _error(401, "Unauthenticated.")

        return listing

    async def _page(self, request: Request) -> Response:
        checkout = self.checkouts.get(request.path_params["checkout_id"])
        if checkout is None:
            return HTMLResponse("<!DOCTYPE html><title>Not found</title>", 404)
        attributes = checkout["attributes"]
        name = escape(attributes["product_options"].get("name") or "Credits")
        price = f"{attributes['custom_price'] / 100:.2f} {self.terms.currency}"
        return HTMLResponse(
            f"<!DOCTYPE html><title>Fake Lemon Squeezy</title><h1>{name}</h1><p>{price}</p>"
            "<form method=post><button>Pay</button></form>"
        )

    async def _pay_on_page(self, request: Request) -> Response:
        checkout_id = request.path_params["checkout_id"]
        try:
            self.pay(checkout_id)
        except (LookupError, ValueError) as error:
            return HTMLResponse(f"<!DOCTYPE html><title>Not paid</title><p>{escape(str(error))}</p>", 410)
        return_url = self.checkouts[checkout_id]["attributes"]["product_options"].get("redirect_url")
        return RedirectResponse(return_url, 303) if return_url else HTMLResponse("<!DOCTYPE html><title>Paid</title>")


def _is_authorised(request: Request) -> bool:
    kind, _, key = request.headers.get("authorization", "").partition(" ")
    return kind == "Bearer" and bool(key)


def _error(status: int, detail: str) -> JSONResponse:
    error = {"status": str(status), "title": "Error", "detail": detail}
    return JSONResponse({"jsonapi": {"version": "1.0"}, "errors": [error]}, status, media_type=_JSON_API)


def _page_of(objects: Iterable[Object], request: Request) -> JSONResponse:
    """Return a page of a list, newest first."""
    filters = {name[7:-1]: value for name, value in request.query_params.items() if name.startswith("filter[")}
    found = [one for one in objects if all(str(one["attributes"].get(name)) == filters[name] for name in filters)]
    found.reverse()
    number = int(request.query_params.get("page[number]", "1"))
    size = min(_MAX_PAGE_SIZE, int(request.query_params.get("page[size]", "10")))
    page = {"currentPage": number, "lastPage": max(1, -(-len(found) // size)), "perPage": size, "total": len(found)}
    data = found[(number - 1) * size : number * size]
    return JSONResponse({"meta": {"page": page}, "data": data}, media_type=_JSON_API)
