"""Omise's webhooks, which are hints: from an event the ids of what it is about are taken, and nothing else.

Sources: https://docs.omise.co/api-webhooks (events, signatures) and https://docs.omise.co/events-api. An event is
written in the version that the account had when it happened, 2017-11-02 or 2019-05-29: what stands in ``data`` differs,
its ids do not. Whoever knows the address may send one, unless a webhook secret is set; so what it says is read back.
"""

import re
from collections.abc import Callable, Mapping
from typing import Any, Final, NamedTuple

import orjson

from creditd.domain.instant import Instant
from creditd.domain.payments.rejected_webhooks import RejectionReason
from creditd.payments.omise.ids import ObjectKind, id_in, is_live_id
from creditd.payments.provider import InvalidWebhook, Webhook
from creditd.payments.signatures import from_hex, is_signed, require_recent, seconds_of

_EVENT_KEY: Final = re.compile(r"[a-z_]{1,40}(\.[a-z_]{1,40}){1,3}")


class Hint(NamedTuple):
    """An event. ``ids`` are those of what it is about, by ``charge``, ``refund``, ``dispute``, ``link``.

    They are empty for an event that means nothing to credits.
    """

    event_id: str
    key: str
    live: bool
    ids: Mapping[str, str]


def require_signature(webhook: Webhook, secrets: tuple[bytes, ...], now: Instant) -> None:
    """Verify a webhook by any of the secrets, which are already decoded from base64. Raises InvalidWebhook.

    ``Omise-Signature`` is the HMAC-SHA256 of the time in ``Omise-Signature-Timestamp``, a dot and the body, in hex;
    while one secret replaces another, there are two of them with a comma between.
    """
    signatures, timestamp = (webhook.headers.get(name, "") for name in ("omise-signature", "omise-signature-timestamp"))
    if not signatures or not timestamp:
        raise InvalidWebhook(RejectionReason.NO_SIGNATURE, "there is no Omise-Signature, or no time of it")
    signed_seconds = seconds_of(timestamp)
    message = timestamp.encode() + b"." + webhook.body
    if not is_signed(message, secrets, [from_hex(signature.strip()) for signature in signatures.split(",")]):
        raise InvalidWebhook(RejectionReason.BAD_SIGNATURE, "the signature is of no secret of ours")
    require_recent(signed_seconds, now)


def hint_of(body: bytes) -> Hint:
    """Read an event as it was sent. Raises InvalidWebhook (MALFORMED)."""
    try:
        return read_event(orjson.loads(body))
    except orjson.JSONDecodeError as error:
        raise _malformed("the body is no JSON") from error


def read_event(event: Any) -> Hint:
    """Read an event object. Raises InvalidWebhook (MALFORMED), also where its ids and it are of different modes."""
    if not isinstance(event, dict) or event.get("object") != "event":
        raise _malformed("it is no event")
    key, live, event_id = event.get("key"), event.get("livemode"), _require_id(event, ObjectKind.EVENT)
    if not isinstance(key, str) or not _EVENT_KEY.fullmatch(key) or not isinstance(live, bool):
        raise _malformed("it does not say what happened, or in which mode")
    read_ids = _OF_INTEREST.get(key)
    ids = read_ids(event.get("data")) if read_ids else {}
    if any(is_live_id(one) != live for one in (event_id, *ids.values())):
        raise _malformed("its ids are of another mode than it says")
    return Hint(event_id, key, live, ids)


def _charge_ids(data: Any) -> dict[str, str]:
    ids = {"charge": _require_id(data, ObjectKind.CHARGE)}
    of_link = id_in(_inner(data, "link"), ObjectKind.LINK)
    # Not read, since nobody has proved it: it says whose turn it is.
    return ids | {"of_link": of_link} if of_link else ids


def _refund_ids(data: Any) -> dict[str, str]:
    return {
        "refund": _require_id(data, ObjectKind.REFUND),
        "charge": _require_id(_inner(data, "charge"), ObjectKind.CHARGE),
    }


def _dispute_ids(data: Any) -> dict[str, str]:
    return {"dispute": _require_id(data, ObjectKind.DISPUTE)}


def _link_ids(data: Any) -> dict[str, str]:
    return {"link": _require_id(data, ObjectKind.LINK)}


_OF_INTEREST: Final[Mapping[str, Callable[[Any], dict[str, str]]]] = {
    **{f"charge.{what}": _charge_ids for what in ("create", "complete", "capture", "expire", "reverse", "update")},
    "refund.create": _refund_ids,
    **{f"dispute.{what}": _dispute_ids for what in ("create", "update", "accept", "close")},
    "link.create": _link_ids,
}


def _inner(data: Any, name: str) -> Any:
    return data.get(name) if isinstance(data, dict) else None


def _require_id(said: Any, kind: ObjectKind) -> str:
    found = id_in(said, kind)
    if found is None:
        raise _malformed(f"there is no {kind.name.lower()} id where one belongs")
    return found


def _malformed(text: str) -> InvalidWebhook:
    return InvalidWebhook(RejectionReason.MALFORMED, text)
