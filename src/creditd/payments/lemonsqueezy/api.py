"""The calls to Lemon Squeezy's API about one store: make a checkout, read and list what there is.

Sources: https://docs.lemonsqueezy.com/api/checkouts/create-checkout, .../list-all-checkouts,
.../orders/list-all-orders, .../subscriptions/list-all-subscriptions. There are no idempotency keys.
"""

from collections.abc import AsyncIterator, Mapping
from datetime import UTC, datetime
from typing import Any, NamedTuple

import httpx

from creditd.domain.instant import SECOND, Instant
from creditd.payments.client import Client
from creditd.payments.documents import MAX_PAGES, PAGE_SIZE, mapping
from creditd.payments.lemonsqueezy.reports import Resource, resource, time_of, variant_id_of
from creditd.payments.provider import CallFailed, CallRefused, Order, ReportMismatch

CHECKOUT_LIFETIME = 24 * 3600 * SECOND
"""The lifetime of a checkout: that of a Stripe Checkout session. Prices do not change from one hour to the next."""

MAX_NAME_CHARACTERS = 200
"""The longest product name shown to the payer, before the purchase's id."""


class LemonSqueezySettings(NamedTuple):
    """Whose store it is. Ids are decimal numbers; ``variant_id`` is a one-off product whose price is set each time.

    ``plan_variant_ids`` are the subscriptions that carry the unlimited plan. ``live`` is the mode of the API key.
    """

    api_key: str
    webhook_secrets: tuple[str, ...]
    api_url: str
    store_id: str
    variant_id: str
    plan_variant_ids: tuple[str, ...]
    live: bool


class LemonSqueezyApi:
    """A store at Lemon Squeezy. Every call raises CallFailed, also for a malformed answer."""

    def __init__(self, settings: LemonSqueezySettings, transport: httpx.AsyncBaseTransport | None) -> None:
        """Take settings; ``transport`` is for tests."""
        self._settings = settings
        headers = {
            "Accept": "application/vnd.api+json",
            "Content-Type": "application/vnd.api+json",
            "Authorization": f"Bearer {settings.api_key}",
        }
        self._api = Client(settings.api_url, headers, transport=transport)

    async def make_checkout(self, order: Order) -> Resource:
        """Make a checkout. Raises CallRefused as well; CallFailed leaves open whether there is one."""
        document = {"data": _new_checkout(order, self._settings)}
        answer = await self._api.post("/v1/checkouts", document=document, is_repeatable=False)
        return _sensible(answer.get("data"))

    async def checkout(self, checkout_id: str) -> Resource | None:
        """Read a checkout; None if there is none."""
        try:
            answer = await self._api.get(f"/v1/checkouts/{checkout_id}")
        except CallRefused as refusal:
            if refusal.code == str(httpx.codes.NOT_FOUND.value):
                return None
            raise _unavailable(refusal) from refusal
        return _sensible(answer.get("data"))

    async def checkouts(self, since: Instant) -> AsyncIterator[Resource]:
        """List the checkouts of our product made since an instant, newest first."""
        async for checkout in self._list("checkouts", {"variant_id": self._settings.variant_id}, since):
            yield checkout

    async def orders(self, since: Instant) -> AsyncIterator[Resource]:
        """List the orders of our product made since an instant, newest first."""
        # There is no filter by variant.
        async for order in self._list("orders", {}, since):
            if variant_id_of(order) == self._settings.variant_id:
                yield order

    async def plan_subscriptions(self) -> AsyncIterator[Resource]:
        """List all subscriptions to the plan's variants: the list is by creation, which says nothing of changes."""
        for variant_id in self._settings.plan_variant_ids:
            async for subscription in self._list("subscriptions", {"variant_id": variant_id}, Instant(0)):
                yield subscription

    async def close(self) -> None:
        """Close the connections."""
        await self._api.close()

    async def _list(self, kind: str, filters: Mapping[str, str], since: Instant) -> AsyncIterator[Resource]:
        # Objects created meanwhile push others to the next page: those may come twice, but none is left out.
        wanted = {f"filter[{name}]": value for name, value in {"store_id": self._settings.store_id, **filters}.items()}
        for number in range(1, MAX_PAGES + 1):
            found, last = await self._page(f"/v1/{kind}", {**wanted, "page[number]": number, "page[size]": PAGE_SIZE})
            for one in found:
                if _creation(one) < since:
                    return
                yield one
            if not found or number >= last:
                return
        raise CallFailed(f"the list of {kind} does not end")

    async def _page(self, path: str, params: Mapping[str, Any]) -> tuple[list[Resource], int]:
        """Return a page of a list, and the number of the last one."""
        try:
            answer = await self._api.get(path, params)
        except CallRefused as refusal:
            raise _unavailable(refusal) from refusal
        found, last = answer.get("data"), mapping(mapping(answer.get("meta")).get("page")).get("lastPage")
        if not isinstance(found, list) or not isinstance(last, int):
            raise CallFailed(f"{path}: the answer is no page of a list")
        return [_sensible(one) for one in found], last


def _new_checkout(order: Order, settings: LemonSqueezySettings) -> dict[str, Any]:
    expires_at = datetime.fromtimestamp((order.create_time + CHECKOUT_LIFETIME) // SECOND, UTC)
    attributes = {
        "custom_price": order.price.amount,
        "product_options": {
            "name": f"{order.description[:MAX_NAME_CHARACTERS]} ({order.name.purchase_id})",
            "redirect_url": order.return_url,
            "enabled_variants": [int(settings.variant_id)],
        },
        "checkout_options": {"discount": False},
        "checkout_data": {"custom": order.name._asdict()},
        "expires_at": expires_at.isoformat(),
        "test_mode": not settings.live,
        "preview": True,
    }
    relationships = {
        "store": {"data": {"type": "stores", "id": settings.store_id}},
        "variant": {"data": {"type": "variants", "id": settings.variant_id}},
    }
    return {"type": "checkouts", "attributes": attributes, "relationships": relationships}


def purchase_id_of(order: Resource) -> str:
    """Return the purchase's id from the end of the name of what was bought, where ``make_checkout`` put it."""
    name = str(mapping(order.attributes.get("first_order_item")).get("product_name", ""))
    return name.rpartition("(")[2].removesuffix(")")


def _sensible(said: Any) -> Resource:
    try:
        return resource(said)
    except ReportMismatch as error:
        raise CallFailed(f"the answer makes no sense: {error}") from error


def _creation(found: Resource) -> Instant:
    try:
        return time_of(found, "created_at")
    except ReportMismatch as error:
        raise CallFailed(f"the answer makes no sense: {error}") from error


def _unavailable(refusal: CallRefused) -> CallFailed:
    return CallFailed(f"it refused to answer: {refusal.code}")
