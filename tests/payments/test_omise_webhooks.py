"""Omise's webhooks are hints: their ids alone are taken, each of its own pattern, all of one mode."""

import asyncio
import json
from typing import Any

import httpx
import pytest

from creditd.domain.instant import SECOND
from creditd.domain.payments.rejected_webhooks import RejectionReason
from creditd.payments.provider import InvalidWebhook, Webhook
from tests.payments.omise_payloads import (
    CHARGE_ID,
    DISPUTE_ID,
    EVENT_ID,
    LINK_ID,
    NOW,
    REFUND_ID,
    SECRET,
    answering,
    charge_object,
    dispute_object,
    event_object,
    hint,
    link_object,
    omise,
    received,
    refund_object,
    signed,
)

OTHER_SECRET = "b25lIHRoYXQgd2FzIHJvbGxlZCBvdXQ="  # noqa: S105 - of tests alone.
HINT = hint("charge.complete", charge_object())


def reason(webhook: Webhook, *secrets: str) -> str:
    with pytest.raises(InvalidWebhook) as rejected:
        omise(secrets=secrets).receive(webhook, NOW)
    return rejected.value.reason


def test_only_ids_are_stored() -> None:
    delivery = received("charge.complete", charge_object(card={"last_digits": "4242"}))
    assert (delivery.event_type, delivery.live) == ("charge.complete", False)
    assert json.loads(delivery.body) == {"event": EVENT_ID, "charge": CHARGE_ID}


@pytest.mark.parametrize(
    ("key", "data", "ids"),
    [
        ("charge.create", charge_object(), {"charge": CHARGE_ID}),
        ("charge.capture", CHARGE_ID, {"charge": CHARGE_ID}),
        ("charge.expire", {"object": "charge", "id": CHARGE_ID}, {"charge": CHARGE_ID}),
        ("refund.create", refund_object(1), {"refund": REFUND_ID, "charge": CHARGE_ID}),
        ("refund.create", refund_object(1) | {"charge": charge_object()}, {"refund": REFUND_ID, "charge": CHARGE_ID}),
        ("dispute.create", dispute_object("open"), {"dispute": DISPUTE_ID}),
        ("dispute.close", DISPUTE_ID, {"dispute": DISPUTE_ID}),
        ("link.create", link_object(), {"link": LINK_ID}),
    ],
)
def test_ids_are_found_in_the_shapes_of_every_version(key: str, data: Any, ids: dict[str, str]) -> None:
    delivery = received(key, data, created="2017-11-02T00:00:00Z")
    assert json.loads(delivery.body) == {"event": EVENT_ID, **ids}
    assert delivery.is_of_interest


@pytest.mark.parametrize("key", ["customer.create", "transfer.pay", "customer.update.card", "charge.imagined"])
def test_other_events_are_of_no_interest_whatever_is_in_them(key: str) -> None:
    assert not received(key, "../account").is_of_interest


@pytest.mark.parametrize(
    "charge_id",
    [
        "../account",
        f"{CHARGE_ID}/../../account",
        f"{CHARGE_ID}?expand=true",
        f"{CHARGE_ID}\n",
        f"{CHARGE_ID}%2f",
        CHARGE_ID.upper(),
        "chrg_",
        "chrg_test_",
        "chrg_test_" + "0" * 41,
        "chrg_test_\u0663",
        LINK_ID,
        "",
        1,
        None,
        [CHARGE_ID],
    ],
)
def test_what_is_no_charge_id_is_malformed(charge_id: Any) -> None:
    assert reason(hint("charge.complete", charge_object(id=charge_id))) == RejectionReason.MALFORMED
    assert reason(hint("charge.complete", charge_id)) == RejectionReason.MALFORMED


def test_the_other_ids_have_to_match_as_well() -> None:
    tricks = [
        hint("charge.complete", charge_object(), id="../account"),
        hint("refund.create", refund_object(1, refund_id="../account")),
        hint("refund.create", refund_object(1) | {"charge": "../account"}),
        hint("refund.create", REFUND_ID),
        hint("dispute.create", "../account"),
        hint("link.create", link_object(id="../account")),
    ]
    assert {reason(trick) for trick in tricks} == {RejectionReason.MALFORMED}


def test_ids_of_another_mode_than_the_event_are_malformed() -> None:
    assert reason(hint("charge.complete", charge_object(), livemode=True)) == RejectionReason.MALFORMED
    assert reason(hint("charge.complete", CHARGE_ID.replace("_test", ""))) == RejectionReason.MALFORMED
    assert reason(hint("charge.complete", CHARGE_ID, id="evnt_0", livemode=True)) == RejectionReason.MALFORMED
    assert reason(hint("charge.complete", CHARGE_ID, livemode="false")) == RejectionReason.MALFORMED


def test_an_event_of_live_mode_is_one() -> None:
    live = hint("charge.complete", "chrg_6344", id="evnt_6344", livemode=True)
    assert omise(live=True).receive(live, NOW).live
    assert omise(secrets=(SECRET,)).receive(signed(live, SECRET), NOW).live


def test_an_unsigned_hint_of_the_other_mode_is_rejected() -> None:
    """A signed one is a mistake of ours, which a person has to look at; anybody can make up one that is not."""
    live = hint("charge.complete", "chrg_6344", id="evnt_6344", livemode=True)
    assert reason(live) == RejectionReason.OTHER_MODE


@pytest.mark.parametrize(
    ("key", "data", "subject"),
    [
        ("charge.complete", charge_object(), CHARGE_ID),
        ("charge.complete", charge_object(link=LINK_ID), CHARGE_ID),
        ("refund.create", refund_object(1), CHARGE_ID),
        ("dispute.close", dispute_object("won"), DISPUTE_ID),
        ("link.create", link_object(), LINK_ID),
        ("customer.create", {}, EVENT_ID),
    ],
)
def test_unsigned_hints_are_known_by_what_they_are_about(key: str, data: Any, subject: str) -> None:
    """Whoever makes hints up can make up any number of ids of events."""
    assert received(key, data).key == subject
    assert omise(secrets=(SECRET,)).receive(signed(hint(key, data), SECRET), NOW).key == EVENT_ID


def test_what_an_unsigned_hint_says_beside_what_is_ours_counts_for_nothing() -> None:
    provider = omise()
    assert provider.unsigned is not None
    assert omise(secrets=(SECRET,)).unsigned is None
    delivery = provider.receive(hint("charge.complete", charge_object(link=LINK_ID)), NOW)
    of_link = provider.unsigned.about(delivery, LINK_ID)
    assert (of_link.key, json.loads(of_link.body)) == (LINK_ID, {"event": EVENT_ID, "link": LINK_ID})
    assert provider.names(of_link).references == (LINK_ID,)
    assert provider.unsigned.about(delivery, CHARGE_ID) == delivery


@pytest.mark.parametrize(
    ("key", "data", "path"),
    [
        ("charge.complete", CHARGE_ID, f"/charges/{CHARGE_ID}"),
        ("dispute.create", DISPUTE_ID, f"/disputes/{DISPUTE_ID}"),
        ("link.create", link_object(), f"/links/{LINK_ID}"),
    ],
)
def test_one_call_tells_whether_there_is_what_a_hint_is_about(key: str, data: Any, path: str) -> None:
    objects = {f"/charges/{CHARGE_ID}": charge_object(), f"/disputes/{DISPUTE_ID}": dispute_object("open")}
    objects[f"/links/{LINK_ID}"] = link_object()
    delivery = received(key, data)
    for known, is_real in ((objects, True), ({}, False)):
        asked: list[str] = []

        def answer(request: httpx.Request, known: Any = known, asked: list[str] = asked) -> httpx.Response:
            asked.append(request.url.path)
            return answering(known)(request)

        unsigned = omise(answer).unsigned
        assert unsigned is not None
        assert asyncio.run(unsigned.is_real(delivery)) is is_real
        assert asked == [path]


@pytest.mark.parametrize(
    "body",
    [b"", b"[]", b"\xff", b"{}", b'{"object": "charge"}', b'{"object": "event", "key": "charge.complete"}', b"[" * 999],
)
def test_a_body_that_is_no_event_is_malformed(body: bytes) -> None:
    assert reason(Webhook(body, {})) == RejectionReason.MALFORMED


def test_an_event_without_a_proper_key_is_malformed() -> None:
    for key in (None, 1, "charge", "charge.complete\n", "a" * 100, "../x"):
        body = json.dumps(event_object("", CHARGE_ID) | {"key": key}).encode()
        assert reason(Webhook(body, {})) == RejectionReason.MALFORMED


def test_without_a_secret_no_signature_is_asked_for() -> None:
    forged = HINT._replace(headers={"omise-signature": "forged", "omise-signature-timestamp": "1"})
    assert omise().receive(forged, NOW) == omise().receive(HINT, NOW)


def test_a_signature_of_another_program_verifies() -> None:
    # (printf '1700000000.'; printf '%s' "$BODY") | openssl dgst -sha256 -mac HMAC -macopt key:one-secret-of-all
    body = b'{"object":"event","id":"evnt_test_1","livemode":false,"key":"customer.create"}'
    signature = "63e5db9a90c18644c93da19a8d2725d87adb18eaf5f3f6b4fa634687001635e8"
    headers = {"omise-signature": signature, "omise-signature-timestamp": "1700000000"}
    provider = omise(secrets=("b25lLXNlY3JldC1vZi1hbGw=",))
    assert provider.receive(Webhook(body, headers), NOW).key == "evnt_test_1"


def test_while_secrets_are_rolled_any_signature_by_any_of_ours_verifies() -> None:
    both = omise(secrets=(OTHER_SECRET, SECRET))
    assert both.receive(signed(HINT, SECRET), NOW) == both.receive(signed(HINT, OTHER_SECRET), NOW)
    assert omise(secrets=(SECRET,)).receive(signed(HINT, OTHER_SECRET, SECRET), NOW).key == EVENT_ID


def test_a_missing_signature_is_refused_where_a_secret_is_set() -> None:
    assert reason(HINT, SECRET) == RejectionReason.NO_SIGNATURE
    for name in ("omise-signature", "omise-signature-timestamp"):
        headers = dict(signed(HINT, SECRET).headers)
        del headers[name]
        assert reason(HINT._replace(headers=headers), SECRET) == RejectionReason.NO_SIGNATURE


def test_a_wrong_signature_is_refused() -> None:
    assert reason(signed(HINT, OTHER_SECRET), SECRET) == RejectionReason.BAD_SIGNATURE
    changed = signed(HINT, SECRET)._replace(body=HINT.body + b" ")
    assert reason(changed, SECRET) == RejectionReason.BAD_SIGNATURE
    later = dict(signed(HINT, SECRET).headers) | {"omise-signature-timestamp": str(NOW // SECOND + 1)}
    assert reason(HINT._replace(headers=later), SECRET) == RejectionReason.BAD_SIGNATURE


@pytest.mark.parametrize("signature", ["é" * 64, "\udcff" * 64, "x" * 64, ",,,", " ", "ab," * 9999])
def test_a_header_that_is_no_signature_is_refused(signature: str) -> None:
    headers = {**signed(HINT, SECRET).headers, "omise-signature": signature}
    assert reason(HINT._replace(headers=headers), SECRET) == RejectionReason.BAD_SIGNATURE


@pytest.mark.parametrize("timestamp", ["now", "\u0661\u0667" * 5, "-1", "1e9", "9" * 99, " 1700000000"])
def test_a_time_that_is_none_is_refused(timestamp: str) -> None:
    headers = {**signed(HINT, SECRET).headers, "omise-signature-timestamp": timestamp}
    assert reason(HINT._replace(headers=headers), SECRET) == RejectionReason.BAD_SIGNATURE


def test_a_signature_counts_for_five_minutes_either_way() -> None:
    now = NOW // SECOND
    for seconds in (now - 300, now + 300):
        assert omise(secrets=(SECRET,)).receive(signed(HINT, SECRET, seconds=seconds), NOW).key == EVENT_ID
    assert reason(signed(HINT, SECRET, seconds=now - 301), SECRET) == RejectionReason.TOO_OLD
    assert reason(signed(HINT, SECRET, seconds=now + 301), SECRET) == RejectionReason.IN_THE_FUTURE


@pytest.mark.parametrize("secret", ["", "no base64!"])
def test_a_secret_that_is_none_verifies_nothing(secret: str) -> None:
    assert reason(signed(HINT, ""), secret) == RejectionReason.BAD_SIGNATURE
