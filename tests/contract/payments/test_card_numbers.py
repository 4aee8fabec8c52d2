"""Digits that look like a card number are masked before anything of a webhook or a refusal is stored."""

import json
from typing import Any

import psycopg
import pytest
from starlette.responses import JSONResponse

from tests.contract.payments.shopper import Shopper, event_state
from tests.support.market import LEMON_SQUEEZY, STRIPE
from tests.support.refusals import refused
from tests.support.signed_webhooks import (
    body_of,
    key_of,
    lemon_squeezy_order,
    metadata_of,
    signed,
    stripe_event,
    stripe_payment,
)

pytestmark = pytest.mark.requirement("E1")

CARD = "4242424242424242"
GROUPED = "5555 5555-5555 4444"
NO_CARD = "4242424242424241"
"""One digit off: it fails the Luhn check, and may be an order number."""

EVERYWHERE = """
SELECT string_agg(t::text, ' ') FROM (
    SELECT to_jsonb(e) AS t FROM payment_events e UNION ALL SELECT to_jsonb(p) FROM purchases p
    UNION ALL SELECT to_jsonb(f) FROM purchase_facts f UNION ALL SELECT to_jsonb(c) FROM purchase_changes c
    UNION ALL SELECT to_jsonb(o) FROM outbox_events o UNION ALL SELECT to_jsonb(v) FROM published_events v
    UNION ALL SELECT to_jsonb(r) FROM rejected_webhooks r
) AS rows
"""


def stored(shopper: Shopper) -> str:
    """Return all that the tables of payments hold, as one text."""
    with psycopg.connect(shopper.market.service.config.database_url) as connection:
        row = connection.execute(EVERYWHERE).fetchone()
    return str(row[0]) if row else ""


def test_they_are_masked_wherever_a_body_has_them(shopper: Shopper) -> None:
    name = shopper.buy().name
    metadata = metadata_of(name) | {"note": f"card {CARD}, order {NO_CARD}", CARD: "x"}
    payment = stripe_payment(metadata=metadata, description=GROUPED, nested=[{"deep": int(CARD)}])
    document = stripe_event("payment_intent.succeeded", payment)
    shopper.staff.webhook.IngestWebhook(signed(shopper.market, STRIPE, body_of(document)))
    event = shopper.settled(key_of(document))
    assert (event_state(event), event.purchase) == ("APPLIED", name)
    seen: dict[str, Any] = json.loads(shopper.shown(event.name).body)["data"]["object"]
    assert seen["metadata"]["note"] == f"card {'*' * 16}, order {NO_CARD}"
    assert (seen["description"], seen["nested"]) == ("**** ****-**** ****", [{"deep": "*" * 16}])
    assert CARD not in stored(shopper)
    assert GROUPED not in stored(shopper)


def test_they_are_masked_in_what_lemon_squeezy_hands_back(shopper: Shopper) -> None:
    document = lemon_squeezy_order(shopper.buy(LEMON_SQUEEZY).name, user_name=f"Ann {CARD}")
    document["meta"]["custom_data"]["card"] = CARD
    shopper.staff.webhook.IngestWebhook(signed(shopper.market, LEMON_SQUEEZY, body_of(document)))
    assert event_state(shopper.settled(key_of(document))) == "APPLIED"
    assert CARD not in stored(shopper)


def test_they_are_masked_in_what_a_provider_says_of_a_failure(shopper: Shopper) -> None:
    failed = stripe_payment(
        shopper.buy().name,
        status="requires_payment_method",
        last_payment_error={"code": "card_declined", "message": f"{CARD} was declined"},
    )
    document = stripe_event("payment_intent.payment_failed", failed)
    shopper.staff.webhook.IngestWebhook(signed(shopper.market, STRIPE, body_of(document)))
    purchase = shopper.becomes(shopper.settled(key_of(document)).purchase, "FAILED")
    assert purchase.failure_message == f"{'*' * 16} was declined"


def test_they_are_masked_in_the_words_of_a_refusal_and_no_character_breaks_it(
    shopper: Shopper, monkeypatch: pytest.MonkeyPatch
) -> None:
    error = {"type": "invalid_request_error", "code": "odd", "message": f"{CARD}\x00 is odd"}
    with monkeypatch.context() as planted:
        planted.setattr(shopper.market.fakes.stripe, "_refusal", lambda _: JSONResponse({"error": error}, 400))
        refusal = refused(shopper.staff.payment.CreatePurchase, shopper.buying())
    assert (refusal.reason, refusal.metadata["code"]) == ("PROVIDER_REFUSED", "odd")
    assert refusal.metadata["message"] == f"{'*' * 16}? is odd"
    assert [purchase.failure_message for purchase in shopper.purchases()] == [refusal.metadata["message"]]


def test_an_account_whose_own_id_looks_like_one_can_buy_all_the_same(shopper: Shopper) -> None:
    """The provider's own ids find its purchase, and what we gave along where those are not known."""
    for provider in (STRIPE, LEMON_SQUEEZY):
        numbered = Shopper(shopper.market, shopper.staff, f"{CARD}")
        before, _ = numbered.figures()
        numbered.bought(provider)
        assert numbered.figures() == (before + 100, 0)
