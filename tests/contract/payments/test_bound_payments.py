"""What pays is bound to what was sold: a name that anybody can write into a payment pays for nothing."""

from typing import Any

import pytest

from creditd.development.fakes.lemonsqueezy import PLAN_VARIANT_ID, VARIANT_ID
from tests.contract.payments.events import ingested
from tests.contract.payments.shopper import Shopper, event_state, state_of
from tests.support.market import LEMON_SQUEEZY, OMISE, PRICE, STRIPE
from tests.support.signed_webhooks import (
    lemon_squeezy_order,
    metadata_of,
    new_id,
    stripe_event,
)

pytestmark = pytest.mark.requirement("E3")

OTHER_VARIANT = "33"


def parked(shopper: Shopper) -> list[str]:
    """Return why events that name the shopper's account are parked."""
    shown = [shopper.shown(event.name) for event in shopper.market.events("PARKED")]
    return [one.payment_event.problem for one in shown if shopper.account_id in one.body]


@pytest.mark.parametrize(
    ("variant_id", "options", "problem"),
    [
        (OTHER_VARIANT, {}, "variant 33, which sells no credits"),
        (VARIANT_ID, {"quantity": 2}, "quantity"),
        (VARIANT_ID, {"discount": 500}, "discount"),
    ],
)
def test_an_order_at_a_link_that_names_a_purchase_is_parked_though_its_price_is_right(
    shopper: Shopper, variant_id: str, options: dict[str, int], problem: str
) -> None:
    purchase = shopper.buy(LEMON_SQUEEZY)
    price = PRICE + options.get("discount", 0)
    fake = shopper.market.fakes.lemonsqueezy
    order = shopper.market.act(fake.order_by_link, variant_id, price, metadata_of(purchase.name), **options)
    shopper.quiet()
    assert (state_of(shopper.purchase(purchase.name)), shopper.figures()) == ("PENDING", (0, 0))
    shopper.market.act(fake.refund, order)
    shopper.quiet()
    assert state_of(shopper.purchase(purchase.name)) == "PENDING"
    assert len(parked(shopper)) == 2
    assert all(problem in reason for reason in parked(shopper))


@pytest.mark.parametrize("status", ["failed", "fraudulent"])
def test_an_order_of_another_product_fails_no_purchase_that_it_names(shopper: Shopper, status: str) -> None:
    purchase = shopper.buy(LEMON_SQUEEZY)
    item = {"variant_id": int(OTHER_VARIANT), "test_mode": True}
    event = ingested(shopper, LEMON_SQUEEZY, lemon_squeezy_order(purchase.name, status=status, first_order_item=item))
    assert event_state(event) == "PARKED"
    assert state_of(shopper.purchase(purchase.name)) == "PENDING"


def test_an_order_of_the_plan_that_names_a_purchase_pays_for_none(shopper: Shopper) -> None:
    purchase = shopper.buy(LEMON_SQUEEZY)
    fake = shopper.market.fakes.lemonsqueezy
    shopper.market.act(fake.order_by_link, PLAN_VARIANT_ID, PRICE, metadata_of(purchase.name))
    shopper.quiet()
    assert (state_of(shopper.purchase(purchase.name)), shopper.figures()) == ("PENDING", (0, 0))


def test_what_paid_a_purchase_is_refunded_even_if_another_product_sells_credits_by_now(shopper: Shopper) -> None:
    order = lemon_squeezy_order(shopper.buy(LEMON_SQUEEZY).name)
    ingested(shopper, LEMON_SQUEEZY, order)
    assert shopper.figures() == (100, 0)
    item = {"variant_id": int(OTHER_VARIANT), "test_mode": True}
    order["data"]["attributes"] |= {"refunded_amount": PRICE // 2, "first_order_item": item}
    assert event_state(ingested(shopper, LEMON_SQUEEZY, order)) == "APPLIED"
    assert shopper.figures() == (50, 0)


def test_a_subscription_to_another_product_that_names_an_account_switches_no_plan_on(shopper: Shopper) -> None:
    fake = shopper.market.fakes.lemonsqueezy
    subscription = shopper.market.act(fake.subscribe, shopper.account_id, OTHER_VARIANT)
    shopper.market.act(fake.renew, subscription)
    shopper.quiet()
    assert not shopper.market.is_unlimited(shopper.account_id)


def session_of(name: str, reference: str, **fields: Any) -> dict[str, Any]:
    """Return a paid Checkout session, at the price of the small package, that names a purchase."""
    known = {"id": reference, "object": "checkout.session", "mode": "payment", "amount_total": PRICE}
    paid = {"payment_status": "paid", "status": "complete", "payment_intent": new_id("pi"), "currency": "thb"}
    metadata = metadata_of(name)
    return known | paid | {"metadata": metadata, "client_reference_id": metadata["purchase_id"]} | fields


def test_a_session_that_was_not_made_for_the_purchase_is_parked(shopper: Shopper) -> None:
    purchase = shopper.buy()
    for kind in ("completed", "expired", "async_payment_failed"):
        event = ingested(
            shopper, STRIPE, stripe_event(f"checkout.session.{kind}", session_of(purchase.name, new_id("cs")))
        )
        assert event_state(event) == "PARKED"
        assert f"{purchase.provider_reference} was made for the purchase" in event.problem
    assert (state_of(shopper.purchase(purchase.name)), shopper.figures()) == ("PENDING", (0, 0))


def test_a_payment_link_with_a_purchases_id_in_its_address_is_no_payment_of_ours(shopper: Shopper) -> None:
    """Whoever opens a payment link may set its client_reference_id."""
    purchase = shopper.buy()
    account = {"account_id": shopper.account_id}
    event = ingested(
        shopper,
        STRIPE,
        stripe_event("checkout.session.completed", session_of(purchase.name, new_id("cs"), metadata=account)),
    )
    assert event_state(event) != "APPLIED"
    assert (state_of(shopper.purchase(purchase.name)), shopper.figures()) == ("PENDING", (0, 0))


def test_the_session_that_was_made_for_the_purchase_pays_it(shopper: Shopper) -> None:
    purchase = shopper.buy()
    session = session_of(purchase.name, purchase.provider_reference)
    assert event_state(ingested(shopper, STRIPE, stripe_event("checkout.session.completed", session))) == "APPLIED"
    assert shopper.figures() == (100, 0)


def test_at_omise_a_charge_that_was_not_made_for_the_purchase_is_parked(shopper: Shopper) -> None:
    purchase, other = shopper.buy(OMISE), shopper.another("other").buy(OMISE)
    fake = shopper.market.fakes.omise

    def forge() -> None:
        fake.charges[other.provider_reference]["metadata"] = metadata_of(purchase.name)
        fake.charges[other.provider_reference]["source"]["id"] = "src_test_" + "a" * 19
        fake.pay(other.provider_reference)

    shopper.market.act(forge)
    shopper.quiet()
    assert state_of(shopper.purchase(purchase.name)) == "PENDING"
    assert shopper.figures() == (0, 0)
