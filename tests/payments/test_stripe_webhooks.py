"""Stripe's webhooks: what is authentic is taken, what is not is rejected for the right reason."""

import functools
from typing import Any

import orjson
import pytest

from creditd.domain.payments.rejected_webhooks import RejectionReason
from creditd.payments.provider import Delivery, InvalidWebhook, Webhook
from creditd.payments.stripe.provider import Stripe, StripeSettings
from tests.payments.stripe_payloads import NOW, SECONDS, SECRET, event, session, signature, webhook

EVENT = event("checkout.session.completed", session())
BODY = orjson.dumps(EVENT)


@functools.cache
def stripe(*secrets: str) -> Stripe:
    return Stripe(StripeSettings("sk", secrets or (SECRET,), "https://stripe.invalid", live=False))


def receive(arrived: Webhook, *secrets: str) -> Delivery:
    return Stripe(StripeSettings("sk", secrets or (SECRET,), "https://stripe.invalid", live=False)).receive(
        arrived, NOW
    )


def reason(arrived: Webhook, *secrets: str) -> str:
    with pytest.raises(InvalidWebhook) as rejected:
        receive(arrived, *secrets)
    return rejected.value.reason


def test_an_authentic_event_is_taken() -> None:
    delivery = receive(webhook(BODY))
    assert delivery == Delivery("evt_1", "checkout.session.completed", False, delivery.body, True)  # noqa: FBT003 - as stored.
    assert orjson.loads(delivery.body) == EVENT


def test_an_event_of_an_unknown_type_is_taken_and_of_no_interest() -> None:
    assert not receive(webhook(orjson.dumps(event("customer.created", {"id": "cus_1"})))).is_of_interest


def test_a_card_number_in_an_event_is_not_stored() -> None:
    document = event("checkout.session.completed", session(custom_fields=[{"value": "4242 4242 4242 4242"}]))
    assert "4242" not in receive(webhook(orjson.dumps(document))).body


def test_an_account_whose_own_number_looks_like_a_card_is_kept() -> None:
    metadata = {"account_id": "4242424242424242", "purchase_id": "0190a000-0000-7000-8000-000000000000"}
    document = event("checkout.session.completed", session(metadata=metadata))
    assert orjson.loads(receive(webhook(orjson.dumps(document))).body)["data"]["object"]["metadata"] == metadata


def test_another_secret_does_not_verify() -> None:
    assert reason(webhook(BODY), "another") == RejectionReason.BAD_SIGNATURE


def test_any_v1_by_any_secret_will_do_and_other_schemes_are_ignored() -> None:
    header = f"t={SECONDS}, v0=abc, v1={'0' * 64},v1={signature(BODY)}"
    assert receive(webhook(BODY, header), "the next one", SECRET).key == "evt_1"


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        ("", RejectionReason.NO_SIGNATURE),
        (f"t={SECONDS}", RejectionReason.BAD_SIGNATURE),
        (f"v1={signature(BODY)}", RejectionReason.BAD_SIGNATURE),
        (f"t={SECONDS},v1={'0' * 64}", RejectionReason.BAD_SIGNATURE),
        (f"t={SECONDS},v0={signature(BODY)}", RejectionReason.BAD_SIGNATURE),
        (f"t={SECONDS + 1},v1={signature(BODY)}", RejectionReason.BAD_SIGNATURE),
        (f"t={SECONDS},v1={signature(BODY + b' ')}", RejectionReason.BAD_SIGNATURE),
        (f"t={SECONDS},v1=\N{SNOWMAN}\udcff", RejectionReason.BAD_SIGNATURE),
        (f"t=\N{SNOWMAN},v1={signature(BODY)}", RejectionReason.BAD_SIGNATURE),
        (",,=,t", RejectionReason.BAD_SIGNATURE),
    ],
)
def test_a_wrong_header_is_rejected(header: str, expected: str) -> None:
    assert reason(webhook(BODY, header)) == expected


def test_without_the_header_it_is_rejected() -> None:
    assert reason(Webhook(BODY, {})) == RejectionReason.NO_SIGNATURE


@pytest.mark.parametrize(
    ("off_by", "expected"), [(-301, RejectionReason.TOO_OLD), (301, RejectionReason.IN_THE_FUTURE)]
)
def test_a_signature_of_another_time_is_rejected(off_by: int, expected: str) -> None:
    seconds = SECONDS + off_by
    assert reason(webhook(BODY, f"t={seconds},v1={signature(BODY, seconds)}")) == expected


def test_the_right_signature_over_the_same_json_written_otherwise_is_rejected() -> None:
    written_otherwise = orjson.dumps(EVENT, option=orjson.OPT_INDENT_2)
    header = f"t={SECONDS},v1={signature(BODY)}"
    assert reason(webhook(written_otherwise, header)) == RejectionReason.BAD_SIGNATURE


def test_an_empty_secret_never_verifies() -> None:
    header = f"t={SECONDS},v1={signature(BODY, secret='')}"
    assert reason(webhook(BODY, header), "") == RejectionReason.BAD_SIGNATURE


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"[]",
        b"{}",
        b"\xff\xfe",
        b'{"id": "evt_1"',
        b"[" * 100_000,
        BODY.decode().encode("utf-16"),
        orjson.dumps(EVENT | {"id": "../evt_1"}),
        orjson.dumps(EVENT | {"id": 1}),
        orjson.dumps(EVENT | {"type": "a" * 101}),
        orjson.dumps(EVENT | {"livemode": "false"}),
        orjson.dumps(EVENT | {"data": {"object": "cs_1"}}),
    ],
)
def test_an_authentic_body_that_is_no_event_is_malformed(body: bytes) -> None:
    assert reason(webhook(body)) == RejectionReason.MALFORMED


def test_what_is_not_authentic_is_not_even_read() -> None:
    assert reason(webhook(b"\xff", f"t={SECONDS},v1={'0' * 64}")) == RejectionReason.BAD_SIGNATURE


def test_an_event_nested_beyond_any_sense_is_harmless() -> None:
    deep: Any = {}
    for _ in range(200):
        deep = {"deeper": deep}
    assert receive(webhook(orjson.dumps(event("customer.created", deep)))).key == "evt_1"
