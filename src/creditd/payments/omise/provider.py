"""Omise: PromptPay QR codes, cards and payment links.

Sources: https://docs.omise.co/charges-api, .../links-api, .../promptpay, .../api-webhooks. A webhook is only a hint
that something happened; what happened is read back from the API. No webhook is promised to come, or to be sent again:
open purchases are polled as well.

What was paid by PromptPay cannot be refunded at Omise (https://docs.omise.co/promptpay): the money goes back by bank
transfer, of which Omise knows nothing, and an administrator's reversal takes the credits back.
"""

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from typing import Any, Final

import httpx
import orjson

from creditd.domain.instant import SECOND, Instant
from creditd.domain.payments.provider import PaymentMethod, Provider
from creditd.domain.payments.rejected_webhooks import RejectionReason
from creditd.payments.documents import instant_in, mapping
from creditd.payments.omise.api import OmiseApi, OmiseSettings, link_mark
from creditd.payments.omise.hints import hint_of, read_event, require_signature
from creditd.payments.omise.ids import ObjectKind, id_in
from creditd.payments.omise.reports import (
    charge_report,
    failure_in,
    is_paid,
    is_pending,
    is_under_way,
    link_report,
    nothing_yet,
)
from creditd.payments.omise.unsigned import UnsignedHints, subject_of
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
from creditd.payments.signatures import from_base64

__all__ = ["Omise", "OmiseSettings"]

CLOCK_DIFFERENCE: Final = 600 * SECOND
"""How far Omise's clock may be behind ours when its lists are read from an instant of ours on."""

BAHT: Final = "THB"
"""The payout currency of an account in Thailand, and the only one of PromptPay and links."""

CURRENCIES: Final = frozenset(
    {BAHT, "AUD", "CAD", "CHF", "CNY", "DKK", "EUR", "GBP", "HKD", "JPY", "MYR", "SGD", "USD"}
)
"""The currencies in which an account in Thailand may charge cards: https://docs.omise.co/multi-currency."""


class UnknownObject(ReportMismatch):
    """Something that Omise itself does not know."""


class Omise:
    """Omise in one mode, with an account in Thailand. It refuses by itself what is below or above its limits."""

    provider = Provider.OMISE
    methods = frozenset({PaymentMethod.PROMPTPAY, PaymentMethod.CARD_TOKEN, PaymentMethod.LINK})
    returning = frozenset[PaymentMethod]()
    currencies: frozenset[str] | None = CURRENCIES
    hints = True
    unsigned: Unsigned | None

    def __init__(
        self,
        settings: OmiseSettings,
        now: Callable[[], Instant],
        transport: httpx.AsyncBaseTransport | None = None,
    ) -> None:
        """Take settings and a clock that all who read share; ``transport`` is for tests.

        Raises ValueError if the key says that it is of the other mode.
        """
        if settings.secret_key.startswith("skey_") and settings.secret_key.startswith("skey_test_") == settings.live:
            message = "the secret key of Omise is of the other mode than live says"
            raise ValueError(message)
        self.live = settings.live
        self._now = now
        self._secrets = tuple(from_base64(secret) for secret in settings.webhook_secrets)
        self._account = OmiseApi(settings, transport)
        self.unsigned = None if self._secrets else UnsignedHints(self._account)

    def receive(self, webhook: Webhook, now: Instant) -> Delivery:
        """Take the ids from a webhook, whose signature is verified where secrets are set. Raises InvalidWebhook."""
        if self._secrets:
            require_signature(webhook, self._secrets, now)
        hint = hint_of(webhook.body)
        if self.unsigned and hint.live != self.live:
            # A forged hint must not become a case for staff.
            raise InvalidWebhook(RejectionReason.OTHER_MODE, "it is of the other mode, and nobody has signed it")
        return Delivery(
            key=(subject_of(hint.ids) if self.unsigned else "") or hint.event_id,
            event_type=hint.key,
            live=hint.live,
            body=orjson.dumps({"event": hint.event_id, **hint.ids}).decode(),
            is_of_interest=bool(hint.ids),
        )

    def names(self, delivery: Delivery) -> Names:
        """Return the ids of a hint's objects."""
        ids = mapping(orjson.loads(delivery.body))
        return Names(tuple(str(ids[kind]) for kind in ("charge", "link", "dispute", "of_link") if kind in ids))

    async def interpret(self, delivery: Delivery) -> Said | None:
        """Report the charge or link of a delivery, read back from Omise, and whether its state is final.

        Raises ReportMismatch (there is no such object, or it is of the other mode), CallFailed.
        """
        if delivery.live != self.live:
            raise ReportMismatch("the event is of another mode")
        try:
            return await self._said_of(mapping(orjson.loads(delivery.body)))
        except UnknownObject:
            # Without a secret anybody can name an object that no longer exists; that is no case for staff.
            if self._secrets:
                raise
            return None

    async def _said_of(self, ids: Mapping[str, Any]) -> Report:
        """Report the objects of the ids; one without an outcome is reported too, without facts."""
        read_time = self._now()
        if "link" in ids:
            link = _known(await self._account.link(ids["link"]))
            return await self._link_report(link, read_time) or nothing_yet(link)
        dispute = _known(await self._account.dispute(ids["dispute"])) if "dispute" in ids else None
        charge_id = id_in(dispute.get("charge"), ObjectKind.CHARGE) if dispute else ids.get("charge")
        if charge_id is None:
            raise ReportMismatch("it is not said which charge it is about")
        charge = _known(await self._account.charge(charge_id))
        report = await self._charge_report(charge, read_time, dispute)
        if report is None:
            return nothing_yet(charge)
        return report._replace(is_final=not is_under_way(report))

    async def _charge_report(
        self, charge: Mapping[str, Any], read_time: Instant, dispute: Mapping[str, Any] | None = None
    ) -> Report | None:
        """Report a charge with the dispute that it names, and with another one that is known of."""
        disputes = {dispute["id"]: dispute} if dispute else {}
        named = id_in(charge.get("dispute"), ObjectKind.DISPUTE)
        if named and named not in disputes:
            # It is read by itself: what the charge holds of it need not be all.
            disputes[named] = _known(await self._account.dispute(named))
        return charge_report(charge, list(disputes.values()), read_time)

    async def _link_report(self, link: Mapping[str, Any], read_time: Instant) -> Report | None:
        charges = await self._account.charges_of(link)
        reports = [await self._charge_report(charge, read_time) for charge in charges]
        return link_report(link, [report for report in reports if report])

    async def begin(self, order: Order) -> Checkout:
        """Ask for a payment. Raises CallRefused, and CallFailed when its outcome is unknown.

        A card that was declined is a refusal too, with Omise's failure code.
        """
        if order.method is not PaymentMethod.CARD_TOKEN and order.price.currency != BAHT:
            raise CallRefused("currency", f"{order.method.name} is paid in {BAHT}")
        if order.method is PaymentMethod.LINK:
            return _link_checkout(await self._account.make_link(order))
        charge = await self._account.make_charge(order)
        if charge.get("status") == "failed":
            raise CallRefused(*failure_in(charge))
        return _charge_checkout(charge, order.method)

    async def look_up(self, order: Order) -> Checkout | None:
        """Find the link or charge of a purchase by the purchase's id in it. Raises CallFailed."""
        since = Instant(order.create_time - CLOCK_DIFFERENCE)
        if order.method is PaymentMethod.LINK:
            async for link in self._account.links(since):
                if str(link.get("description")).endswith(link_mark(order)):
                    return _link_checkout(link)
            return None
        async for charge in self._account.charges(since):
            if mapping(charge.get("metadata")).get("purchase_id") == order.name.purchase_id:
                return _charge_checkout(charge, order.method)
        return None

    async def cancel(self, order: Order) -> None:
        """Delete a link, or have a charge expire. Raises CallRefused if it is paid, CallFailed.

        Omise expires charges of some methods only; where it does not, nothing is done, and who pays all the same
        completes the purchase.
        """
        if await self._is_over(order):
            return
        try:
            if id_in(order.reference, ObjectKind.LINK):
                await self._account.delete_link(order.reference)
            else:
                await self._account.expire(order.reference)
        except CallRefused:
            # It may have been paid at this moment.
            await self._is_over(order)

    async def _is_over(self, order: Order) -> bool:
        """Tell whether it can no longer be paid. Raises CallRefused if it is paid."""
        if id_in(order.reference, ObjectKind.LINK):
            link = await self._account.link(order.reference)
            charges: Sequence[Mapping[str, Any]] = await self._account.charges_of(link) if link else []
            is_over = link is None or link.get("deleted") is True
        else:
            charge = await self._account.charge(order.reference)
            charges = [charge] if charge else []
            is_over = charge is None or not is_pending(charge)
        if any(map(is_paid, charges)):
            raise CallRefused("paid", "it is paid already")
        return is_over

    async def inspect(self, order: Order) -> Sequence[Report]:
        """Say where a purchase stands: its charge, or its link and that one's charges.

        Raises CallFailed, ReportMismatch.
        """
        read_time = self._now()
        if id_in(order.reference, ObjectKind.LINK):
            link = await self._account.link(order.reference)
            report = await self._link_report(link, read_time) if link else None
        else:
            charge = await self._account.charge(order.reference)
            report = await self._charge_report(charge, read_time) if charge else None
        return [report] if report else []

    async def recent(self, since: Instant) -> AsyncIterator[Said]:
        """Report all charges that were made, or had an event, since an instant. Raises CallFailed.

        The events find payments, refunds and disputes of older charges; one with a dispute may be told of twice. What
        cannot be read is left out: its webhook waits for a person. Links have no say: all that happens to one are its
        charges.
        """
        start, read_time = Instant(since - CLOCK_DIFFERENCE), self._now()
        told: set[str] = set()
        async for charge in self._account.charges(start):
            told.add(charge["id"])
            if report := await self._told(self._charge_report(charge, read_time)):
                yield report
        async for event in self._account.events(start):
            ids = _ids_in(event)
            subject = ids.get("charge") or ids.get("dispute")
            if subject is None or subject in told:
                continue
            told.add(subject)
            if report := await self._told(self._said_of(ids)):
                yield report

    async def _told(self, reading: Awaitable[Report | None]) -> Report | None:
        try:
            return await reading
        except ReportMismatch:
            return None

    async def close(self) -> None:
        """Close the connections."""
        await self._account.close()


def _known(found: dict[str, Any] | None) -> dict[str, Any]:
    if found is None:
        raise UnknownObject("unknown object")
    return found


def _ids_in(event: Mapping[str, Any]) -> Mapping[str, str]:
    try:
        return read_event(event).ids
    except InvalidWebhook:
        return {}


def _charge_checkout(charge: Mapping[str, Any], method: PaymentMethod) -> Checkout:
    """Return what the payer of a charge needs: the QR code, or the page where the bank asks who pays by card."""
    if not is_pending(charge):
        return Checkout(charge["id"])
    if method is PaymentMethod.CARD_TOKEN:
        url = _url(charge, "authorize_uri") if charge.get("authorize_uri") else ""
        return Checkout(charge["id"], redirect_url=url)
    image = mapping(mapping(mapping(charge.get("source")).get("scannable_code")).get("image"))
    return Checkout(charge["id"], qr_image_url=_url(image, "download_uri"), expire_time=_expire_time(charge))


def _link_checkout(link: Mapping[str, Any]) -> Checkout:
    return Checkout(link["id"], redirect_url=_url(link, "payment_uri"))


def _url(said: Mapping[str, Any], name: str) -> str:
    url = said.get(name)
    if not isinstance(url, str) or not url.startswith(("https://", "http://")):
        raise CallFailed(f"the answer makes no sense: {name} is no address")
    return url


def _expire_time(charge: Mapping[str, Any]) -> Instant | None:
    try:
        return instant_in(charge, "expires_at")
    except ReportMismatch as error:
        raise CallFailed(f"the answer makes no sense: {error}") from error
