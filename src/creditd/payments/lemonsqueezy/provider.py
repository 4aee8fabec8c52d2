"""Lemon Squeezy: checkouts that sell credits, and subscriptions that keep the unlimited plan in force.

Sources: https://docs.lemonsqueezy.com/help/webhooks (signing-requests, webhook-requests, event-types) and
https://docs.lemonsqueezy.com/api. A webhook carries the custom data of the checkout. Orders that are listed do not, nor
do they say which checkout they came from: so the name of what is bought ends with the purchase's id, which they show.
"""

import hashlib
import re
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from typing import Any

import httpx
import orjson

from creditd.domain.instant import SECOND, Instant
from creditd.domain.payments.payment_facts import Fact, FactKind, PaymentStage
from creditd.domain.payments.provider import PaymentMethod, Provider
from creditd.domain.payments.purchase import PurchaseKey
from creditd.domain.payments.rejected_webhooks import RejectionReason
from creditd.domain.payments.subscription import Subscription
from creditd.payments.card_numbers import scrubbed
from creditd.payments.documents import account_id_in, instant_in, mapping, purchase_in
from creditd.payments.lemonsqueezy.api import CHECKOUT_LIFETIME, LemonSqueezyApi, LemonSqueezySettings, purchase_id_of
from creditd.payments.lemonsqueezy.reports import (
    Resource,
    is_live,
    order_report,
    resource,
    subscription_of,
    variant_id_of,
)
from creditd.payments.provider import (
    CallFailed,
    CallRefused,
    Checkout,
    Delivery,
    InvalidWebhook,
    Names,
    Order,
    Report,
    ReportMismatch,
    Said,
    Unsigned,
    Webhook,
)
from creditd.payments.signatures import from_hex, is_signed

__all__ = ["LemonSqueezy", "LemonSqueezySettings"]

LATE_PAYMENT = 3600 * SECOND
"""A payer who opened the page in time may pay a little after its end; only then is it reported as expired."""

CLOCK_DIFFERENCE = 600 * SECOND
"""How far Lemon Squeezy's clock may be behind ours when its lists are read back to an instant of ours."""

REFUNDABLE = 120 * 24 * 3600 * SECOND
"""Lists are by the time of the order: cards give payers up to 120 days to take a payment back."""

_ORDER_EVENTS = frozenset({"order_created", "order_refunded"})
_SUBSCRIPTION_EVENTS = frozenset(
    f"subscription_{what}"
    for what in ("created", "updated", "cancelled", "resumed", "expired", "paused", "unpaused", "plan_changed")
)
_EVENT_NAME = re.compile(r"[a-z0-9_.]{1,100}")


class LemonSqueezy:
    """Lemon Squeezy in one mode. Prices are in the store's own currency, and a purchase in any other is refused."""

    provider = Provider.LEMON_SQUEEZY
    methods = frozenset({PaymentMethod.CHECKOUT})
    returning = frozenset[PaymentMethod]()
    currencies: frozenset[str] | None = None
    hints = False
    unsigned: Unsigned | None = None

    def __init__(
        self,
        settings: LemonSqueezySettings,
        now: Callable[[], Instant],
        transport: httpx.AsyncBaseTransport | None = None,
    ) -> None:
        """Take settings and the clock that decides; ``transport`` is for tests."""
        self._now = now
        self.live = settings.live
        self._settings = settings
        self._secrets = tuple(secret.encode() for secret in settings.webhook_secrets)
        self._store = LemonSqueezyApi(settings, transport)

    def receive(self, webhook: Webhook, now: Instant) -> Delivery:  # noqa: ARG002 - its webhooks carry no time.
        """Verify a webhook: ``X-Signature`` is the HMAC-SHA256 of the body in hex. Raises InvalidWebhook.

        It has neither id nor time, so that the same body is the same event for ever. What it is about is read from the
        body alone: the ``X-Event-Name`` header is not signed.
        """
        signature = webhook.headers.get("x-signature", "")
        if not signature:
            raise InvalidWebhook(RejectionReason.NO_SIGNATURE, "there is no X-Signature")
        if not is_signed(webhook.body, self._secrets, [from_hex(signature)]):
            raise InvalidWebhook(RejectionReason.BAD_SIGNATURE, "the signature is of no secret of ours")
        document = _object(webhook.body)
        meta, attributes = mapping(document.get("meta")), mapping(mapping(document.get("data")).get("attributes"))
        event_name = meta.get("event_name")
        if not isinstance(event_name, str) or not _EVENT_NAME.fullmatch(event_name):
            raise InvalidWebhook(RejectionReason.MALFORMED, "the body names no event")
        return Delivery(
            key=hashlib.sha256(webhook.body).hexdigest(),
            event_type=event_name,
            live=is_live(meta, attributes, mapping(attributes.get("first_order_item"))),
            body=orjson.dumps(_storable(document)).decode(),
            is_of_interest=event_name in _ORDER_EVENTS | _SUBSCRIPTION_EVENTS,
        )

    def names(self, delivery: Delivery) -> Names:
        """Return the order or subscription of a delivery, and the owner that its custom data names."""
        document = mapping(orjson.loads(delivery.body))
        custom, about = mapping(document.get("meta")).get("custom_data"), mapping(document.get("data"))
        kind = "order" if delivery.event_type in _ORDER_EVENTS else "subscription"
        return Names((f"{kind}:{about.get('id')}",), account_id_in(custom) or "", purchase_in(custom))

    async def interpret(self, delivery: Delivery) -> Said | None:
        """Return the report in a delivery: of a purchase, or of a subscription to the plan. Raises ReportMismatch.

        Invoices of subscriptions (``subscription_payment_...``) tell nothing: paid, failed or refunded, what follows
        for the plan is said by the subscription's own status.
        """
        document = mapping(orjson.loads(delivery.body))
        custom = mapping(document.get("meta")).get("custom_data")
        if delivery.event_type in _ORDER_EVENTS:
            return self._order(self._ours(document.get("data"), "orders"), delivery, custom)
        if delivery.event_type in _SUBSCRIPTION_EVENTS:
            return self._subscription(self._ours(document.get("data"), "subscriptions"), delivery, custom)
        return None

    def _ours(self, said: Any, kind: str) -> Resource:
        found = resource(said)
        if found.kind != kind:
            raise ReportMismatch(f"the event is not about {kind}")
        if str(found.attributes.get("store_id")) != self._settings.store_id:
            raise ReportMismatch("it is of another store")
        return found

    def _order(self, order: Resource, delivery: Delivery, custom: Any) -> Report | None:
        """Return the report of an order; orders of the plan and of other products of the store are not ours.

        Whoever opens a link to a checkout may add custom data in its address
        (https://docs.lemonsqueezy.com/help/checkout/passing-custom-data), and so may name a purchase at the price of
        another product: that one is a misfit. Raises ReportMismatch.
        """
        purchase, variant_id = purchase_in(custom), variant_id_of(order)
        if variant_id in self._settings.plan_variant_ids:
            return None
        if purchase is None and variant_id != self._settings.variant_id:
            return None
        report = order_report(
            order,
            live=delivery.live,
            purchase=purchase,
            references=(),
            variant_id=self._settings.variant_id,
            receive_time=delivery.receive_time,
        )
        # An unpaid order is reported without facts, to link it to its purchase.
        return report._replace(is_ours=variant_id == self._settings.variant_id)

    def _subscription(self, said: Resource, delivery: Delivery, custom: Any) -> Subscription | None:
        """One that changed to another product carries the plan no longer; one that never did tells nothing."""
        is_plan = str(said.attributes.get("variant_id")) in self._settings.plan_variant_ids
        account_id = account_id_in(custom)
        if not is_plan and (delivery.event_type == "subscription_created" or account_id is None):
            return None
        if account_id is None:
            raise ReportMismatch("the subscription does not say whose it is")
        return subscription_of(said, live=delivery.live, account_id=account_id, is_plan=is_plan)

    async def begin(self, order: Order) -> Checkout:
        """Make a checkout. Raises CallRefused, and CallFailed when its outcome is unknown.

        Refused, too, if the store's currency is another: the price is a number of that currency's smallest unit.
        """
        made = await self._store.make_checkout(order)
        currency = mapping(made.attributes.get("preview")).get("currency", order.price.currency)
        if currency != order.price.currency:
            raise CallRefused("currency", f"the store's currency is not {order.price.currency}")
        return _checkout_of(made)

    async def look_up(self, order: Order) -> Checkout | None:
        """Find the newest checkout of a purchase by its custom data. Raises CallFailed."""
        async for made in self._store.checkouts(Instant(order.create_time - CLOCK_DIFFERENCE)):
            if _purchase_of(made) == order.name:
                return _checkout_of(made)
        return None

    async def cancel(self, order: Order) -> None:
        """Do nothing: a checkout cannot be closed. If it is paid all the same, it completes the purchase."""

    async def inspect(self, order: Order) -> Sequence[Report]:
        """Report a purchase: its orders, or that its checkout has expired. Raises CallFailed.

        An order is known by its id, which its webhook told with our own name of the purchase. One that no webhook told
        of may be the purchase's by the name of what was bought, which nobody promises: that is for a person to say.
        """
        reports = [
            self._listed_report(found, order.name)
            async for found in self._store.orders(Instant(order.create_time - CLOCK_DIFFERENCE))
            if purchase_id_of(found) == order.name.purchase_id
        ]
        if not reports and order.reference:
            return await self._expired(order)
        return [report for report in reports if report]

    async def _expired(self, order: Order) -> Sequence[Report]:
        checkout = await self._store.checkout(order.reference)
        end = _end_of(checkout) if checkout else None
        if checkout is None or end is None or self._now() < end + LATE_PAYMENT:
            return []
        fact = Fact(FactKind.PAYMENT, f"checkout:{checkout.resource_id}", PaymentStage.EXPIRED, order.price.amount)
        live, currency = is_live(checkout.attributes), order.price.currency
        return [Report(self.provider, live, (order.reference,), order.name, None, (fact,), currency)]

    async def recent(self, since: Instant) -> AsyncIterator[Said]:
        """Report all orders and plan subscriptions that changed since an instant. Raises CallFailed.

        Listed orders are known by their own ids: they carry no custom data, and do not say which checkout they came
        from. The name of what was bought suggests the purchase where its checkout is found. Subscriptions that are
        listed do not say whose they are: their ``account_id`` is empty. What cannot be read is left out: a webhook has
        told of it, and waits for a person.
        """
        names: dict[str, PurchaseKey] = {}
        async for made in self._store.checkouts(Instant(since - CHECKOUT_LIFETIME - LATE_PAYMENT)):
            if purchase := _purchase_of(made):
                names[purchase.purchase_id] = purchase
        async for order in self._store.orders(Instant(since - REFUNDABLE)):
            if _changed(order, since) and (report := self._listed_report(order, names.get(purchase_id_of(order)))):
                yield report
        async for said in self._store.plan_subscriptions():
            subscription = _listed_subscription(said)
            if subscription and subscription.provider_update_time >= since:
                yield subscription

    def _listed_report(self, order: Resource, suggested: PurchaseKey | None) -> Report | None:
        attributes = order.attributes
        live = is_live(attributes, mapping(attributes.get("first_order_item")))
        try:
            report = order_report(order, live=live, purchase=None, references=(), variant_id=self._settings.variant_id)
        except ReportMismatch:
            return None
        return report._replace(is_ours=True, suggested=suggested) if report.facts else None

    async def close(self) -> None:
        """Close the connections."""
        await self._store.close()


def _object(body: bytes) -> dict[str, Any]:
    try:
        document = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise InvalidWebhook(RejectionReason.MALFORMED, "the body is no JSON") from error
    if not isinstance(document, dict):
        raise InvalidWebhook(RejectionReason.MALFORMED, "the body is no JSON object")
    return document


def _storable(document: Mapping[str, Any]) -> dict[str, Any]:
    """Return the body without card numbers. The account stays, whose own number may look like one."""
    stored: dict[str, Any] = scrubbed(document)
    account_id = account_id_in(mapping(document.get("meta")).get("custom_data"))
    if account_id is not None:
        stored["meta"]["custom_data"]["account_id"] = account_id
    return stored


def _checkout_of(found: Resource) -> Checkout:
    url = found.attributes.get("url")
    if not isinstance(url, str) or not url.startswith(("https://", "http://")):
        raise CallFailed("the answer makes no sense: the checkout has no address")
    return Checkout(found.resource_id, redirect_url=url, expire_time=_end_of(found))


def _end_of(checkout: Resource) -> Instant | None:
    try:
        return instant_in(checkout.attributes, "expires_at")
    except ReportMismatch as error:
        raise CallFailed(f"the answer makes no sense: {error}") from error


def _purchase_of(checkout: Resource) -> PurchaseKey | None:
    return purchase_in(mapping(checkout.attributes.get("checkout_data")).get("custom"))


def _changed(order: Resource, since: Instant) -> bool:
    try:
        times = [instant_in(order.attributes, name) for name in ("updated_at", "refunded_at")]
    except ReportMismatch:
        return True
    return any(at is not None and at >= since for at in times)


def _listed_subscription(said: Resource) -> Subscription | None:
    try:
        return subscription_of(said, live=is_live(said.attributes), account_id="", is_plan=True)
    except ReportMismatch:
        return None
