"""Lemon Squeezy's webhooks are known by the HMAC of their raw body, and what they are about is read from it alone."""

import hashlib
import json

import pytest

from creditd.domain.payments.rejected_webhooks import RejectionReason
from creditd.payments.provider import InvalidWebhook, Webhook
from tests.payments.lemonsqueezy_payloads import (
    NOW,
    PURCHASE,
    SECRET,
    delivered,
    event,
    lemon_squeezy,
    order_object,
    signed,
    subscription_object,
)

BODY = event("order_created", order_object())
# Made with: printf '{"meta":{"event_name":"order_created"}}' | openssl dgst -sha256 -hmac six-characters-at-least
OPENSSL_BODY = b'{"meta":{"event_name":"order_created"}}'
OPENSSL_SIGNATURE = "747fe1b69e4b4e4d3d0370cf28d6a5491d428316490880f520df206c1ffd778b"


def reason(webhook: Webhook, *secrets: str) -> str:
    with pytest.raises(InvalidWebhook) as rejected:
        lemon_squeezy(secrets=secrets or (SECRET,)).receive(webhook, NOW)
    return rejected.value.reason


def test_a_signature_of_another_program_verifies() -> None:
    delivery = lemon_squeezy().receive(Webhook(OPENSSL_BODY, {"x-signature": OPENSSL_SIGNATURE}), NOW)
    assert delivery.event_type == "order_created"


def test_any_of_several_secrets_verifies() -> None:
    provider = lemon_squeezy(secrets=("the old one", "the new one"))
    assert provider.receive(signed(BODY, "the old one"), NOW) == provider.receive(signed(BODY, "the new one"), NOW)


def test_a_signature_of_another_secret_is_refused() -> None:
    assert reason(signed(BODY, "another")) == RejectionReason.BAD_SIGNATURE


def test_a_signature_of_another_body_is_refused() -> None:
    assert reason(Webhook(BODY, signed(OPENSSL_BODY).headers)) == RejectionReason.BAD_SIGNATURE


def test_json_that_was_written_anew_is_another_body() -> None:
    anew = json.dumps(json.loads(BODY), indent=1).encode()
    assert reason(Webhook(anew, signed(BODY).headers)) == RejectionReason.BAD_SIGNATURE


@pytest.mark.parametrize("headers", [{}, {"x-signature": ""}, {"x-event-name": "order_created"}])
def test_a_missing_signature_is_refused(headers: dict[str, str]) -> None:
    assert reason(Webhook(BODY, headers)) == RejectionReason.NO_SIGNATURE


@pytest.mark.parametrize("signature", ["é" * 64, "\udcff" * 64, "x" * 64, "0", " ", "ab" * 1_000_000])
def test_a_header_that_is_no_signature_is_refused(signature: str) -> None:
    assert reason(Webhook(BODY, {"x-signature": signature})) == RejectionReason.BAD_SIGNATURE


def test_an_empty_secret_verifies_nothing() -> None:
    assert reason(signed(BODY, ""), "") == RejectionReason.BAD_SIGNATURE
    assert reason(signed(BODY, ""), "", SECRET) == RejectionReason.BAD_SIGNATURE


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"[]",
        b"\xff",
        b'{"meta": []}',
        b'{"meta": {"event_name": 1}}',
        b'{"meta": {"event_name": "../x"}}',
        b"[" * 9999,
    ],
)
def test_a_signed_body_that_is_no_event_is_malformed(body: bytes) -> None:
    assert reason(signed(body)) == RejectionReason.MALFORMED


def test_the_same_body_is_the_same_delivery_and_no_other() -> None:
    assert lemon_squeezy().receive(signed(BODY), NOW).key == hashlib.sha256(BODY).hexdigest()
    assert delivered("order_refunded", order_object()).key != delivered("order_created", order_object()).key


def test_the_header_that_is_not_signed_names_no_event() -> None:
    webhook = signed(event("license_key_created", order_object()))
    webhook = webhook._replace(headers={**webhook.headers, "x-event-name": "order_created"})
    delivery = lemon_squeezy().receive(webhook, NOW)
    assert (delivery.event_type, delivery.is_of_interest) == ("license_key_created", False)


@pytest.mark.parametrize("what", ["success", "failed", "recovered", "refunded"])
def test_invoices_of_subscriptions_are_of_no_interest(what: str) -> None:
    invoice = {"type": "subscription-invoices", "id": "1", "attributes": {"subscription_id": 1, "test_mode": False}}
    assert not delivered(f"subscription_payment_{what}", invoice).is_of_interest


@pytest.mark.parametrize("what", ["created", "updated", "cancelled", "resumed", "expired", "paused", "unpaused"])
def test_the_life_of_a_subscription_is_of_interest(what: str) -> None:
    assert delivered(f"subscription_{what}", subscription_object()).is_of_interest


def test_what_says_anywhere_that_it_is_a_test_is_one() -> None:
    assert delivered("order_created", order_object()).live
    assert not delivered("order_created", order_object(), test_mode=True).live
    assert not delivered("order_created", order_object(test_mode=True)).live
    assert not delivered("order_created", order_object(item={"test_mode": True})).live


def test_what_does_not_say_that_it_is_live_is_not() -> None:
    assert not lemon_squeezy().receive(signed(OPENSSL_BODY), NOW).live


def test_card_numbers_are_not_stored_and_our_own_ids_are() -> None:
    looks_like_a_card = "4242424242424242"
    custom = {**PURCHASE._asdict(), "account_id": looks_like_a_card, "note": "5555 5555 5555 4444"}
    stored = json.loads(delivered("order_created", order_object(user_name=looks_like_a_card), custom_data=custom).body)
    assert looks_like_a_card not in stored["data"]["attributes"]["user_name"]
    assert stored["meta"]["custom_data"] == {**custom, "note": "**** **** **** ****"}
