"""What does not fit our own purchase is parked for a person, who reads why; it credits nothing (E3, E7)."""

from typing import Any

import pytest

from credit.v1 import payment_event_pb2 as event_pb
from tests.contract.payments.events import ingested
from tests.contract.payments.shopper import Shopper, event_state, state_of
from tests.support.market import LEMON_SQUEEZY, PRICE, STRIPE
from tests.support.patience import eventually
from tests.support.signed_webhooks import (
    key_of,
    lemon_squeezy_order,
    metadata_of,
    new_id,
    stripe_event,
    stripe_payment,
)

pytestmark = pytest.mark.requirement("E3")


def require_parked(shopper: Shopper, event: event_pb.PaymentEvent, problem: str) -> None:
    """Require that an event is parked for a reason, and that nobody got or paid anything."""
    assert event_state(event) == "PARKED"
    assert problem in event.problem
    assert not event.HasField("next_attempt_time")
    assert shopper.figures() == (0, 0)
    assert {state_of(purchase) for purchase in shopper.purchases()} == {"PENDING"}


@pytest.mark.parametrize(
    ("fields", "problem"),
    [
        ({"amount_received": PRICE - 1}, "999.99 THB was charged, the purchase is for 1000.00 THB"),
        ({"amount_received": PRICE + 1}, "1000.01 THB was charged"),
        ({"amount_received": 0}, "0.00 THB was charged"),
        ({"currency": "usd"}, "1000.00 USD was charged"),
        ({"currency": "THB"}, "currency"),
        ({"amount_received": -PRICE}, "amount_received is no amount"),
        ({"amount_received": PRICE + 0.0}, "amount_received is no amount"),
        ({"amount_received": str(PRICE)}, "amount_received is no amount"),
        ({"amount_received": 2**63}, "amount_received is no amount"),
        ({"id": "../v1/payouts"}, "no id"),
        ({"id": None}, "no id"),
    ],
    ids=str,
)
def test_a_payment_of_another_price_or_shape_is_parked(shopper: Shopper, fields: dict[str, Any], problem: str) -> None:
    payment = stripe_payment(shopper.buy().name, **fields)
    require_parked(shopper, ingested(shopper, STRIPE, stripe_event("payment_intent.succeeded", payment)), problem)


@pytest.mark.parametrize(
    ("fields", "problem"),
    [
        ({"total": PRICE - 1}, "999.99 THB was charged"),
        ({"discount_total": 100, "total": PRICE - 100}, "999.00 THB was charged"),
        ({"currency": "USD"}, "1000.00 USD was charged"),
        ({"store_id": 2}, "another store"),
        ({"status": "unheard_of"}, "status is not known"),
        ({"total": -1}, "total is no amount"),
    ],
    ids=str,
)
def test_an_order_of_another_price_store_or_shape_is_parked(
    shopper: Shopper, fields: dict[str, Any], problem: str
) -> None:
    order = lemon_squeezy_order(shopper.buy(LEMON_SQUEEZY).name, **fields)
    require_parked(shopper, ingested(shopper, LEMON_SQUEEZY, order), problem)


def test_taxes_on_top_of_the_price_are_the_payers(shopper: Shopper) -> None:
    name = shopper.buy(LEMON_SQUEEZY).name
    ingested(shopper, LEMON_SQUEEZY, lemon_squeezy_order(name, tax=7_000, total=PRICE + 7_000))
    assert shopper.becomes(name, "COMPLETED").paid_amount == PRICE + 7_000


def test_real_money_never_pays_for_a_purchase_in_test_mode(shopper: Shopper) -> None:
    payment = stripe_payment(shopper.buy().name)
    event = ingested(shopper, STRIPE, stripe_event("payment_intent.succeeded", payment, live=True))
    assert event.live
    require_parked(shopper, event, "live is True")


def test_an_order_in_live_mode_does_not_either(shopper: Shopper) -> None:
    order = lemon_squeezy_order(shopper.buy(LEMON_SQUEEZY).name)
    order["meta"]["test_mode"] = False
    order["data"]["attributes"] |= {"test_mode": False, "first_order_item": {"variant_id": 11}}
    require_parked(shopper, ingested(shopper, LEMON_SQUEEZY, order), "live is True")


def test_one_providers_payment_pays_for_no_purchase_of_another(shopper: Shopper) -> None:
    payment = stripe_payment(shopper.buy(LEMON_SQUEEZY).name)
    event = ingested(shopper, STRIPE, stripe_event("payment_intent.succeeded", payment))
    require_parked(shopper, event, "the purchase is of LEMON_SQUEEZY")


def test_one_payment_pays_for_one_purchase(shopper: Shopper) -> None:
    """Whoever can write metadata at the provider still cannot sell a payment twice."""
    first, second = shopper.buy(), shopper.buy()
    payment = stripe_payment(first.name)
    ingested(shopper, STRIPE, stripe_event("payment_intent.succeeded", payment))
    payment["metadata"] = metadata_of(second.name)
    ingested(shopper, STRIPE, stripe_event("payment_intent.succeeded", payment))
    assert [state_of(shopper.purchase(one.name)) for one in (first, second)] == ["COMPLETED", "PENDING"]
    assert shopper.figures() == (100, 0)


def test_a_purchase_paid_twice_is_credited_once_and_the_second_payment_parked(shopper: Shopper) -> None:
    purchase = shopper.bought()
    event = ingested(shopper, STRIPE, stripe_event("payment_intent.succeeded", stripe_payment(purchase.name)))
    assert event_state(event) == "PARKED"
    assert f"has to be given back: {purchase.payment_id} paid the purchase" in event.problem
    assert shopper.figures() == (100, 0)
    assert (event.account_id, event.purchase) == (shopper.account_id, purchase.name)
    stands = shopper.purchase(purchase.name)
    assert (stands.payment_id, stands.extra_amount_left) == (purchase.payment_id, PRICE)
    assert list(stands.extra_payment_ids) == list(event.waits_for[:1])


@pytest.mark.parametrize(
    "metadata",
    [
        {"account_id": "../account", "purchase_id": "x"},
        {"account_id": "a/purchases/b", "purchase_id": "../../x"},
        {"account_id": ["a"], "purchase_id": {"b": 1}},
        {"account_id": "x" * 5_000, "purchase_id": "01890000-0000-7000-8000-000000000000"},
        {"account_id": "a\x00b", "purchase_id": "01890000-0000-7000-8000-000000000000\n"},
        ["account_id"],
        None,
    ],
    ids=lambda metadata: str(metadata)[:40],
)
def test_metadata_that_name_nothing_of_ours_wait_and_touch_nothing(shopper: Shopper, metadata: Any) -> None:
    shopper.buy()
    payment = stripe_payment() | {"metadata": metadata}
    event = ingested(shopper, STRIPE, stripe_event("payment_intent.succeeded", payment))
    assert (event_state(event), event.account_id) == ("WAITING", "")
    assert event.problem.startswith("no purchase is known for " + payment["id"])
    assert event.HasField("next_attempt_time")
    assert shopper.figures() == (0, 0)


@pytest.mark.parametrize("account_id", ["..", "nobody"])
def test_metadata_that_name_a_purchase_which_there_is_not_are_for_a_person_at_once(
    shopper: Shopper, account_id: str
) -> None:
    shopper.buy()
    name = f"accounts/{account_id}/purchases/01890000-0000-7000-8000-000000000000"
    event = ingested(shopper, STRIPE, stripe_event("payment_intent.succeeded", stripe_payment(name)))
    require_parked(shopper, event, "no purchase is known for")
    assert (event.account_id, event.purchase) == (account_id, "")


def test_metadata_of_anothers_purchase_pay_that_one_and_nobody_else(shopper: Shopper) -> None:
    """It was paid after all, at the price that our own row says."""
    other = shopper.another("other")
    purchase = other.buy()
    shopper.buy()
    ingested(shopper, STRIPE, stripe_event("payment_intent.succeeded", stripe_payment(purchase.name)))
    assert (shopper.figures(), other.figures()) == ((0, 0), (100, 0))


@pytest.mark.requirement("E5")
def test_a_refund_before_its_payment_waits_and_is_applied_when_that_is_known(shopper: Shopper) -> None:
    purchase = shopper.buy()
    payment = stripe_payment(purchase.name)
    refund = {
        "id": new_id("re"),
        "object": "refund",
        "amount": PRICE // 4,
        "currency": "thb",
        "status": "succeeded",
        "payment_intent": payment["id"],
        "charge": payment["latest_charge"],
        "metadata": {},
    }
    early = stripe_event("refund.created", refund)
    waiting = ingested(shopper, STRIPE, early)
    assert (event_state(waiting), waiting.purchase) == ("WAITING", "")
    assert set(waiting.waits_for) == {payment["id"], payment["latest_charge"]}
    assert "no purchase is known" in waiting.problem
    ingested(shopper, STRIPE, stripe_event("payment_intent.succeeded", payment))
    seen = shopper.becomes(purchase.name, "PARTIALLY_REFUNDED")
    assert (seen.refunded_amount, seen.credits_reversed) == (PRICE // 4, 25)
    assert shopper.figures() == (75, 0)
    applied = eventually(lambda: event_state(found := shopper.settled(key_of(early))) == "APPLIED" and found)
    assert (applied.purchase, applied.problem) == (purchase.name, "")
