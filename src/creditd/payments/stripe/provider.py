"""Stripe: payments by Checkout sessions. Sources: https://docs.stripe.com/api and https://docs.stripe.com/webhooks.

A session is made for each purchase, with the purchase's id as its idempotency key and client_reference_id and the
purchase's name in its metadata, its payment intent's and thereby its charge's.
"""

import logging
import re
from collections.abc import AsyncIterator, Mapping, Sequence
from typing import Any, Final, NamedTuple

import httpx
import orjson

from creditd.domain.instant import SECOND, Instant
from creditd.domain.payments.provider import PaymentMethod, Provider
from creditd.domain.payments.rejected_webhooks import RejectionReason
from creditd.payments.card_numbers import scrubbed
from creditd.payments.client import Client
from creditd.payments.documents import MAX_PAGES, PAGE_SIZE
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
from creditd.payments.signatures import from_hex, is_signed, require_recent, seconds_of
from creditd.payments.stripe.reports import (
    EVENT_TYPES,
    ID,
    Seen,
    dispute_now,
    instant_of,
    intent_now,
    named_purchase,
    read_event,
    refund_now,
    session_now,
)

log = logging.getLogger(__name__)

API_VERSION: Final = "2025-09-30.clover"
"""The API version of every call, so that answers keep their format whatever the account's default is."""

SESSION_SECONDS: Final = 23 * 3600
"""Stripe takes an end of 30 minutes to 24 hours after a session is made; an hour is left for clocks that differ.

It counts from the purchase, not from the call: the same key has to come with the same call each time.
"""

CLOCK_DIFFERENCE_SECONDS: Final = 300
"""How far Stripe's clock may be behind ours when its lists are read from an instant of ours."""

_SESSIONS: Final = "/v1/checkout/sessions"
_EVENT_TYPE: Final = re.compile(r"[a-z0-9_.]{1,100}")


class StripeSettings(NamedTuple):
    """The settings. ``webhook_secrets`` are all valid at the moment; ``api_url`` is Stripe's or a fake's."""

    api_key: str
    webhook_secrets: tuple[str, ...]
    api_url: str
    live: bool


class Stripe:
    """Stripe, in test or live mode, by Checkout."""

    provider = Provider.STRIPE
    methods = frozenset({PaymentMethod.CHECKOUT})
    returning = frozenset({PaymentMethod.CHECKOUT})
    currencies: frozenset[str] | None = None
    hints = False
    unsigned: Unsigned | None = None

    def __init__(self, settings: StripeSettings, transport: httpx.AsyncBaseTransport | None = None) -> None:
        """Take settings; ``transport`` is for tests."""
        self.live = settings.live
        self._secrets = tuple(secret.encode() for secret in settings.webhook_secrets)
        headers = {"Authorization": f"Bearer {settings.api_key}", "Stripe-Version": API_VERSION}
        self._api = Client(settings.api_url, headers, transport=transport)

    def receive(self, webhook: Webhook, now: Instant) -> Delivery:
        """Verify a webhook: https://docs.stripe.com/webhooks#verify-manually. Raises InvalidWebhook."""
        self._verify(webhook, now)
        event = _event(webhook.body)
        return Delivery(
            key=event["id"],
            event_type=event["type"],
            live=event["livemode"],
            body=orjson.dumps(_storable(event)).decode(),
            is_of_interest=event["type"] in EVENT_TYPES,
        )

    def _verify(self, webhook: Webhook, now: Instant) -> None:
        header = webhook.headers.get("stripe-signature", "")
        if not header:
            raise InvalidWebhook(RejectionReason.NO_SIGNATURE, "it has no Stripe-Signature")
        parts = [part.strip().partition("=") for part in header.split(",")]
        time = next((value for name, _, value in parts if name == "t"), "")
        signed_seconds = seconds_of(time)
        signatures = [from_hex(value) for name, _, value in parts if name == "v1"]
        if not is_signed(f"{time}.".encode() + webhook.body, self._secrets, signatures):
            raise InvalidWebhook(RejectionReason.BAD_SIGNATURE, "no v1 signature is by a secret configured here")
        require_recent(signed_seconds, now)

    def names(self, delivery: Delivery) -> Names:
        """Return the ids of an event's objects: its own, the payment's and the charge's."""
        about = orjson.loads(delivery.body)["data"]["object"]
        ids = (about.get(name) for name in ("payment_intent", "id", "charge"))
        purchase = named_purchase(about)
        references = tuple(one for one in ids if isinstance(one, str) and ID.fullmatch(one))
        return Names(references, purchase.account_id if purchase else "", purchase)

    async def interpret(self, delivery: Delivery) -> Said | None:
        """Return the report in an event; no call is needed. Raises ReportMismatch."""
        if delivery.event_type not in EVENT_TYPES:
            return None
        event = orjson.loads(delivery.body)
        event_time = instant_of(event.get("created"))
        seen = Seen(event["data"]["object"], delivery.live, event_time, delivery.receive_time)
        return read_event(delivery.event_type, seen)

    async def begin(self, order: Order) -> Checkout:
        """Make a Checkout session: https://docs.stripe.com/api/checkout/sessions/create.

        Raises CallRefused, and CallFailed when its outcome is unknown.
        """
        if not order.return_url:
            raise CallRefused("return_url_missing", "Stripe needs an address that the payer comes back to")
        key = {"Idempotency-Key": order.name.purchase_id}
        session = await self._api.post(_SESSIONS, form=_session_form(order), headers=key, is_repeatable=True)
        return _checkout(session)

    async def look_up(self, order: Order) -> Checkout | None:
        """Find the session of a purchase among those made since. Raises CallFailed."""
        created = order.create_time // SECOND
        times = {"created[gte]": created - CLOCK_DIFFERENCE_SECONDS, "created[lte]": created + SESSION_SECONDS}
        async for session in self._list(_SESSIONS, times):
            if session.get("client_reference_id") == order.name.purchase_id:
                return _checkout(session)
        return None

    async def cancel(self, order: Order) -> None:
        """Let a session expire: https://docs.stripe.com/api/checkout/sessions/expire.

        Raises CallRefused if it is complete already, CallFailed.
        """
        reference = await self._reference(order)
        if reference is None:
            return
        path = _session_path(reference)
        try:
            await self._api.post(f"{path}/expire", is_repeatable=True)
        except CallRefused:
            # Stripe gives no code for it: https://github.com/Sylius/PayumStripePlugin/issues/70.
            session = await self._read(path)
            if session.get("status") != "expired":
                raise

    async def inspect(self, order: Order) -> Sequence[Report]:
        """Report the state of a session, its payment, refunds and disputes. Raises CallFailed, ReportMismatch."""
        reference = await self._reference(order)
        if reference is None:
            return []
        session = await self._read(_session_path(reference), {"expand[]": "payment_intent"})
        reports: list[Report | None] = [session_now(Seen(session, self.live))]
        intent = session.get("payment_intent")
        if isinstance(intent, dict):
            reports.append(intent_now(Seen(intent, self.live)))
            reports += await self._taken_back(intent.get("id"))
        return [report for report in reports if report]

    async def _taken_back(self, payment: Any) -> list[Report | None]:
        of_payment = {"payment_intent": payment}
        refunds = [refund_now(Seen(item, self.live)) async for item in self._list("/v1/refunds", of_payment)]
        disputes = [dispute_now(Seen(item, self.live)) async for item in self._list("/v1/disputes", of_payment)]
        return refunds + disputes

    async def recent(self, since: Instant) -> AsyncIterator[Said]:
        """Say again what the events since an instant said, of at most 30 days: https://docs.stripe.com/api/events/list.

        The newest comes first, page by page, and nothing is kept in memory. Raises CallFailed.
        """
        wanted = {"types[]": sorted(EVENT_TYPES), "created[gte]": since // SECOND - CLOCK_DIFFERENCE_SECONDS}
        async for event in self._list("/v1/events", wanted):
            if report := self._said_by(event):
                yield report

    def _said_by(self, event: Mapping[str, Any]) -> Report | None:
        try:
            read = _checked(event)
            seen = Seen(read["data"]["object"], read["livemode"], instant_of(read.get("created")))
            return read_event(read["type"], seen)
        except (ReportMismatch, InvalidWebhook) as error:
            log.warning("event %.255s in the list of Stripe's does not fit: %s", event.get("id"), error)
            return None

    async def close(self) -> None:
        """Close the connections."""
        await self._api.close()

    async def _reference(self, order: Order) -> str | None:
        if order.reference:
            return order.reference
        found = await self.look_up(order)
        return found.reference if found else None

    async def _list(self, path: str, params: Mapping[str, Any]) -> AsyncIterator[dict[str, Any]]:
        """Yield all objects of a list, the newest first. Raises CallFailed."""
        after: dict[str, Any] = {}
        for _ in range(MAX_PAGES):
            page = await self._read(path, {**params, **after, "limit": PAGE_SIZE})
            items = page.get("data")
            if not isinstance(items, list) or not all(isinstance(item, dict) for item in items):
                raise CallFailed(f"{path}: the answer is no list")
            for item in items:
                yield item
            if not items or not page.get("has_more"):
                return
            after = {"starting_after": items[-1].get("id")}
        raise CallFailed(f"{path}: more than {MAX_PAGES} pages")

    async def _read(self, path: str, params: Mapping[str, Any] | None = None) -> dict[str, Any]:
        """Send a GET. A refused read does not tell what was done, so it raises CallFailed."""
        try:
            return await self._api.get(path, params)
        except CallRefused as refusal:
            raise CallFailed(f"GET {path}: refused with {refusal.code}") from refusal


def _event(body: bytes) -> dict[str, Any]:
    try:
        event = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise InvalidWebhook(RejectionReason.MALFORMED, "the body is no JSON") from error
    return _checked(event)


def _checked(event: Any) -> dict[str, Any]:
    """Return an event if it has what all of them have: https://docs.stripe.com/api/events/object."""
    match event:
        case {"id": str(event_id), "type": str(event_type), "livemode": bool(), "data": {"object": dict()}} if (
            ID.fullmatch(event_id) and _EVENT_TYPE.fullmatch(event_type)
        ):
            return dict(event)
        case _:
            raise InvalidWebhook(RejectionReason.MALFORMED, "the body is no event of Stripe's")


def _storable(event: Mapping[str, Any]) -> dict[str, Any]:
    """Return an event without card numbers. The account stays, whose own number may look like one."""
    stored: dict[str, Any] = scrubbed(event)
    named = named_purchase(event["data"]["object"])
    if named is not None:
        stored["data"]["object"]["metadata"]["account_id"] = named.account_id
    return stored


def _session_form(order: Order) -> dict[str, Any]:
    name = {"account_id": order.name.account_id, "purchase_id": order.name.purchase_id}
    return {
        "mode": "payment",
        "line_items[0][quantity]": 1,
        "line_items[0][price_data][currency]": order.price.currency.lower(),
        "line_items[0][price_data][unit_amount]": order.price.amount,
        "line_items[0][price_data][product_data][name]": order.description,
        "client_reference_id": order.name.purchase_id,
        **{f"metadata[{key}]": value for key, value in name.items()},
        **{f"payment_intent_data[metadata][{key}]": value for key, value in name.items()},
        # Otherwise the account's settings may have the payer charged in another currency than the price's.
        "adaptive_pricing[enabled]": "false",
        "success_url": order.return_url,
        "cancel_url": order.return_url,
        "expires_at": order.create_time // SECOND + SESSION_SECONDS,
    }


def _checkout(session: Mapping[str, Any]) -> Checkout:
    match session:
        case {"id": str(reference), "expires_at": int(expires_at)} if ID.fullmatch(reference):
            url = session.get("url")
            return Checkout(reference, url if isinstance(url, str) else "", expire_time=Instant(expires_at * SECOND))
        case _:
            raise CallFailed("the answer is no Checkout session")


def _session_path(reference: str) -> str:
    if not ID.fullmatch(reference):
        raise CallFailed("the reference is no id of Stripe's")
    return f"{_SESSIONS}/{reference}"
