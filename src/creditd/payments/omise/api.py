"""The calls to Omise's API about one account: ask for payments, read and list what there is.

Sources: https://docs.omise.co/charges-api, .../links-api, .../disputes-api, .../events-api, .../lists-api.
"""

from collections.abc import AsyncIterator, Awaitable, Mapping
from datetime import UTC, datetime
from typing import Any, Final, NamedTuple

import httpx

from creditd.domain.instant import SECOND, Instant
from creditd.domain.payments.provider import PaymentMethod
from creditd.payments.client import Client
from creditd.payments.documents import MAX_PAGES, PAGE_SIZE
from creditd.payments.omise.ids import ObjectKind, id_in
from creditd.payments.provider import CallFailed, CallRefused, Order, ReportMismatch

API_VERSION: Final = "2019-05-29"
"""The pinned API version, so that answers keep their format whatever the account's own version is."""

MAX_TEXT_CHARACTERS: Final = 255
"""Of descriptions and titles: what any API takes; ours are names of packages."""

_NOT_FOUND: Final = "not_found"


class OmiseSettings(NamedTuple):
    """Whose account it is. ``live`` is the mode of the secret key.

    Webhook secrets are base64, as Omise's dashboard shows them; one that is not verifies nothing. Without any, a
    webhook needs no signature.
    """

    secret_key: str
    webhook_secrets: tuple[str, ...]
    api_url: str
    live: bool


class OmiseApi:
    """An account at Omise.

    Every call raises CallFailed, for nonsense too, and ReportMismatch for what is no id.
    """

    def __init__(self, settings: OmiseSettings, transport: httpx.AsyncBaseTransport | None) -> None:
        """Take settings; ``transport`` is for tests."""
        headers = {"Omise-Version": API_VERSION, "Content-Type": "application/json", "Accept": "application/json"}
        self._api = Client(settings.api_url, headers, auth=(settings.secret_key, ""), transport=transport)

    async def charge(self, charge_id: str) -> dict[str, Any] | None:
        """Read a charge; None if there is none."""
        return await self._read(ObjectKind.CHARGE, charge_id)

    async def dispute(self, dispute_id: str) -> dict[str, Any] | None:
        """Read a dispute; None if there is none."""
        return await self._read(ObjectKind.DISPUTE, dispute_id)

    async def link(self, link_id: str) -> dict[str, Any] | None:
        """Read a link; None if there is none."""
        return await self._read(ObjectKind.LINK, link_id)

    async def charges_of(self, link: Mapping[str, Any]) -> list[dict[str, Any]]:
        """Return the charges of a link that was read: it holds the first twenty, and most links have no more."""
        charges = link.get("charges")
        data, total = _page_of(charges) if isinstance(charges, dict) else ([], 0)
        if len(data) >= total:
            return [_sensible(one, ObjectKind.CHARGE) for one in data]
        listed = self._list(f"/links/{link['id']}/charges", ObjectKind.CHARGE, Instant(0))
        return [charge async for charge in listed]

    def charges(self, since: Instant) -> AsyncIterator[dict[str, Any]]:
        """List the charges made since an instant, oldest first: what is made meanwhile comes at the end."""
        return self._list("/charges", ObjectKind.CHARGE, since)

    def links(self, since: Instant) -> AsyncIterator[dict[str, Any]]:
        """List the links made since an instant, oldest first."""
        return self._list("/links", ObjectKind.LINK, since)

    def events(self, since: Instant) -> AsyncIterator[dict[str, Any]]:
        """List the events since an instant, oldest first. They are in whatever version they happened."""
        return self._list("/events", ObjectKind.EVENT, since)

    async def make_charge(self, order: Order) -> dict[str, Any]:
        """Charge a card, or make a PromptPay QR code. Raises CallRefused as well."""
        document = {
            **_priced(order),
            "description": order.description[:MAX_TEXT_CHARACTERS],
            "metadata": order.name._asdict(),
        }
        if order.return_url:
            document["return_uri"] = order.return_url
        if order.method is PaymentMethod.CARD_TOKEN:
            document["card"] = order.token
        else:
            document["source"] = {"type": "promptpay", **_priced(order)}
        return _sensible(await self._make("/charges", document, order), ObjectKind.CHARGE)

    async def make_link(self, order: Order) -> dict[str, Any]:
        """Make a link that is paid once. Raises CallRefused as well.

        Links take no metadata: the purchase's id stands at the end of the description.
        """
        mark = link_mark(order)
        description = f"{order.description[: MAX_TEXT_CHARACTERS - len(mark)]}{mark}"
        title = order.description[:MAX_TEXT_CHARACTERS]
        document = {**_priced(order), "title": title, "description": description, "multiple": False}
        return _sensible(await self._make("/links", document, order), ObjectKind.LINK)

    async def expire(self, charge_id: str) -> None:
        """Have a pending charge expire. Raises CallRefused where Omise does not do that."""
        await self._api.post(
            f"/charges/{_require(charge_id, ObjectKind.CHARGE)}/expire", document={}, is_repeatable=True
        )

    async def delete_link(self, link_id: str) -> None:
        """Delete a link. Raises CallRefused."""
        await self._api.delete(f"/links/{_require(link_id, ObjectKind.LINK)}")

    async def close(self) -> None:
        """Close the connections."""
        await self._api.close()

    async def _make(self, path: str, document: dict[str, Any], order: Order) -> dict[str, Any]:
        # Omise's reference does not promise what it does with a key that it knows, and a card's token works only
        # once: so a failure is looked into (the service looks up first) rather than repeated on the spot.
        headers = {"Idempotency-Key": order.name.purchase_id}
        return await self._api.post(path, document=document, headers=headers, is_repeatable=False)

    async def _read(self, kind: ObjectKind, object_id: str) -> dict[str, Any] | None:
        path = f"/{kind.name.lower()}s/{_require(object_id, kind)}"
        try:
            answer = await self._api.get(path)
        except CallRefused as refusal:
            if refusal.code == _NOT_FOUND:
                return None
            raise _unavailable(refusal) from refusal
        found = _sensible(answer, kind)
        if found["id"] != object_id:
            raise CallFailed(f"{path}: the answer is another object")
        return found

    async def _list(self, path: str, kind: ObjectKind, since: Instant) -> AsyncIterator[dict[str, Any]]:
        start = datetime.fromtimestamp(since // SECOND, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        for number in range(MAX_PAGES):
            offset = number * PAGE_SIZE
            params = {"from": start, "order": "chronological", "limit": PAGE_SIZE, "offset": offset}
            data, total = _page_of(await _answered(self._api.get(path, params)))
            for one in data:
                yield _sensible(one, kind)
            if not data or offset + len(data) >= total:
                return
        raise CallFailed(f"{path}: the list does not end")


def link_mark(order: Order) -> str:
    """Return what the description of a purchase's link ends with."""
    return f" ({order.name.purchase_id})"


def _priced(order: Order) -> dict[str, Any]:
    return {"amount": order.price.amount, "currency": order.price.currency}


def _require(object_id: str, kind: ObjectKind) -> str:
    if id_in(object_id, kind) is None:
        raise ReportMismatch(f"that is no id of a {kind.name.lower()}")
    return object_id


def _sensible(said: Any, kind: ObjectKind) -> dict[str, Any]:
    if not isinstance(said, dict) or said.get("object") != kind.name.lower() or id_in(said.get("id"), kind) is None:
        raise CallFailed(f"the answer makes no sense: it is no {kind.name.lower()}")
    return said


def _page_of(answer: Mapping[str, Any]) -> tuple[list[Any], int]:
    data, total = answer.get("data"), answer.get("total")
    if not isinstance(data, list) or not isinstance(total, int):
        raise CallFailed("the answer makes no sense: it is no list")
    return data, total


async def _answered(call: Awaitable[dict[str, Any]]) -> dict[str, Any]:
    try:
        return await call
    except CallRefused as refusal:
        raise _unavailable(refusal) from refusal


def _unavailable(refusal: CallRefused) -> CallFailed:
    return CallFailed(f"it refused to answer: {refusal.code}")
