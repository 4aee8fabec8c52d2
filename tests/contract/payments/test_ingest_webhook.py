"""IngestWebhook stores what is authentic, once, and only then answers; what it says is applied soon after (E2, E3)."""

import gzip
import json
from typing import Any

import grpc
import pytest

from credit.v1 import webhook_service_pb2 as webhook_pb
from tests.contract.at_once import at_once
from tests.contract.payments.shopper import PROVIDER_NAMES, Shopper, event_state
from tests.support.market import LEMON_SQUEEZY, OMISE, STRIPE
from tests.support.refusals import refused
from tests.support.signed_webhooks import (
    body_of,
    ingesting,
    key_of,
    lemon_squeezy_order,
    new_id,
    signed,
    stripe_event,
    stripe_payment,
)


def result_of(answer: webhook_pb.IngestWebhookResponse) -> str:
    """Return what became of a webhook."""
    return webhook_pb.IngestResult.Name(answer.result).removeprefix("INGEST_RESULT_")


def ingest(shopper: Shopper, provider: int, document: Any) -> str:
    """Hand an authentic webhook in, and return what became of it."""
    return result_of(shopper.staff.webhook.IngestWebhook(signed(shopper.market, provider, body_of(document))))


def paid(shopper: Shopper, provider: int) -> tuple[str, dict[str, Any]]:
    """Return a purchase's name, and what its provider sends when it is paid."""
    name = shopper.buy(provider).name
    payment = stripe_event("payment_intent.succeeded", stripe_payment(name))
    return name, payment if provider == STRIPE else lemon_squeezy_order(name)


@pytest.mark.requirement("E2", "E3")
@pytest.mark.parametrize("provider", [STRIPE, LEMON_SQUEEZY], ids=PROVIDER_NAMES.get)
def test_a_webhook_is_stored_and_soon_applied(shopper: Shopper, provider: int) -> None:
    name, document = paid(shopper, provider)
    assert ingest(shopper, provider, document) == "STORED"
    event = shopper.settled(key_of(document))
    assert (event_state(event), event.purchase, event.problem) == ("APPLIED", name, "")
    assert (event.provider, event.live, event.attempts) == (provider, False, 1)
    assert not event.HasField("next_attempt_time")
    assert json.loads(shopper.shown(event.name).body) == document
    shopper.becomes(name, "COMPLETED")
    assert shopper.figures() == (100, 0)


@pytest.mark.requirement("E3")
@pytest.mark.parametrize("provider", [STRIPE, LEMON_SQUEEZY], ids=PROVIDER_NAMES.get)
def test_the_same_webhook_again_is_a_duplicate(shopper: Shopper, provider: int) -> None:
    name, document = paid(shopper, provider)
    assert ingest(shopper, provider, document) == "STORED"
    assert ingest(shopper, provider, document) == "DUPLICATE"
    shopper.becomes(name, "COMPLETED")
    assert ingest(shopper, provider, document) == "DUPLICATE"
    assert shopper.kinds() == ["TOP_UP"]


@pytest.mark.requirement("E3")
def test_the_same_webhook_many_times_at_once_has_one_effect(shopper: Shopper) -> None:
    name, document = paid(shopper, STRIPE)
    request = signed(shopper.market, STRIPE, body_of(document))
    results = sorted(map(result_of, at_once(shopper.staff.webhook.IngestWebhook, [request] * 20)))
    assert results == ["DUPLICATE"] * 19 + ["STORED"]
    shopper.becomes(name, "COMPLETED")
    assert shopper.kinds() == ["TOP_UP"]


@pytest.mark.requirement("E3")
def test_another_event_of_the_same_payment_credits_nothing_more(shopper: Shopper) -> None:
    name = shopper.buy().name
    payment = stripe_payment(name)
    for _ in range(3):
        document = stripe_event("payment_intent.succeeded", payment)
        ingest(shopper, STRIPE, document)
        assert event_state(shopper.settled(key_of(document))) == "APPLIED"
    assert shopper.kinds() == ["TOP_UP"]
    assert shopper.purchase(name).version == 3


@pytest.mark.parametrize("event_type", ["customer.created", "invoice.paid", "payment_intent.created", "a.b_c.9"])
def test_an_event_that_says_nothing_about_credits_is_kept_and_left_alone(shopper: Shopper, event_type: str) -> None:
    document = stripe_event(event_type, {"id": new_id("cus"), "object": "customer"})
    assert ingest(shopper, STRIPE, document) == "NOT_OF_INTEREST"
    event = shopper.settled(key_of(document))
    assert (event_state(event), event.event_type, event.attempts) == ("NOT_OF_INTEREST", event_type, 0)
    assert ingest(shopper, STRIPE, document) == "DUPLICATE"


def test_unknown_events_of_lemon_squeezy_are_of_no_interest_either(shopper: Shopper) -> None:
    document = lemon_squeezy_order(shopper.buy(LEMON_SQUEEZY).name, event="license_key_created")
    assert ingest(shopper, LEMON_SQUEEZY, document) == "NOT_OF_INTEREST"
    assert shopper.figures() == (0, 0)


def test_a_payment_of_something_else_in_the_same_account_is_of_no_interest(shopper: Shopper) -> None:
    """A subscription's session, say, which needs the event's content to be told apart."""
    session = {"id": new_id("cs"), "object": "checkout.session", "mode": "subscription", "payment_status": "paid"}
    document = stripe_event("checkout.session.completed", session)
    assert ingest(shopper, STRIPE, document) == "STORED"
    assert event_state(shopper.settled(key_of(document))) == "NOT_OF_INTEREST"


@pytest.mark.requirement("E2")
def test_a_header_that_comes_twice_is_one_list(shopper: Shopper) -> None:
    """While a secret is changed Stripe signs by both; a proxy may split that in two headers."""
    name, document = paid(shopper, STRIPE)
    request = signed(shopper.market, STRIPE, body_of(document))
    time, _, signature = request.headers[0].value.partition(",")
    split = [("stripe-signature", f"{time},v1={'0' * 64}"), ("stripe-signature", signature)]
    shopper.staff.webhook.IngestWebhook(ingesting(STRIPE, request.body, split))
    shopper.becomes(name, "COMPLETED")


@pytest.mark.requirement("E2")
def test_an_event_is_the_providers_whose_secret_signed_it(shopper: Shopper) -> None:
    """Stripe's webhook handed in as Lemon Squeezy's is signed by nobody."""
    _, document = paid(shopper, STRIPE)
    request = signed(shopper.market, STRIPE, body_of(document))
    request.provider = LEMON_SQUEEZY
    assert refused(shopper.staff.webhook.IngestWebhook, request).metadata["problem"] == "no_signature"


@pytest.mark.requirement("E7")
@pytest.mark.parametrize("provider", [STRIPE, OMISE, LEMON_SQUEEZY], ids=PROVIDER_NAMES.get)
@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"null",
        b"[]",
        b"{}",
        b"{",
        b"\xff\xfe\x00",
        gzip.compress(b"{}"),
        b'"text"',
        b'{"a": NaN}',
        b"[" * 5_000,
        b'{"id": "evt_1", "type": 5, "livemode": "no", "data": []}',
    ],
    ids=["empty", "null", "list", "no fields", "cut", "not UTF-8", "gzip", "text", "NaN", "deep", "of wrong types"],
)
def test_what_is_signed_and_no_event_is_refused_as_malformed(shopper: Shopper, provider: int, body: bytes) -> None:
    refusal = refused(shopper.staff.webhook.IngestWebhook, signed(shopper.market, provider, body))
    assert (refusal.code, refusal.reason) == (grpc.StatusCode.INVALID_ARGUMENT, "WEBHOOK_REJECTED")
    assert refusal.metadata["problem"] == "malformed"
    assert refusal.violations == ["body"]


@pytest.mark.requirement("E7")
@pytest.mark.parametrize(
    ("spoil", "field"),
    [
        ({"provider": 0}, "provider"),
        ({"provider": 9}, "provider"),
        ({"body": b"x" * 262_145}, "body"),
        ({"remote_address": "x" * 65}, "remote_address"),
    ],
    ids=lambda spoil: str(spoil)[:20],
)
def test_a_call_out_of_bounds_is_refused_by_field(shopper: Shopper, spoil: dict[str, Any], field: str) -> None:
    request = signed(shopper.market, STRIPE, b"{}")
    for name, value in spoil.items():
        setattr(request, name, value)
    refusal = refused(shopper.staff.webhook.IngestWebhook, request)
    assert (refusal.reason, refusal.violations) == ("INVALID_FIELD", [field])


@pytest.mark.requirement("E7")
@pytest.mark.parametrize("header", [("X-Signature", "x"), ("", "x"), ("x y", "z"), ("x", "y" * 8_193)])
def test_a_header_out_of_bounds_is_refused(shopper: Shopper, header: tuple[str, str]) -> None:
    refusal = refused(shopper.staff.webhook.IngestWebhook, ingesting(LEMON_SQUEEZY, b"{}", [header]))
    assert refusal.reason == "INVALID_FIELD"
    assert refusal.violations[0].startswith("headers[0].")


@pytest.mark.requirement("E2")
def test_a_body_of_the_largest_size_is_taken(shopper: Shopper) -> None:
    event = stripe_event("customer.created", {"id": new_id("cus"), "object": "customer"})
    rest = 262_144 - len(body_of(event | {"description": ""}))
    assert ingest(shopper, STRIPE, event | {"description": "x" * rest}) == "NOT_OF_INTEREST"
