"""Promo codes on purchases: a lower price that the provider is asked for, or a bonus that leaves with a refund (F1)."""

from typing import Any

import psycopg
import pytest

from credit.v1 import account_pb2
from credit.v1 import admin_service_pb2 as admin
from credit.v1 import promo_code_pb2 as code_pb
from credit.v1.payment_provider_pb2 import PaymentMethod
from credit.v1.purchase_pb2 import Purchase
from creditd.ledger.ids import uuid7
from tests.contract.at_once import at_once, reasons
from tests.contract.payments.events import stripe_event_ingested
from tests.contract.payments.shopper import Shopper, event_state
from tests.support.market import OMISE, PRICE, STRIPE
from tests.support.patience import eventually
from tests.support.promos import (
    code_now,
    counted,
    make_code,
    make_due,
    percent_bonus,
    percent_discount,
    redeeming,
    terms,
)
from tests.support.refusals import refused
from tests.support.signed_webhooks import new_id, stripe_payment

pytestmark = pytest.mark.requirement("F1")


def why(call: Any, request: Any) -> str:
    """Return the reason of a refusal, with its problem if it has one."""
    refusal = refused(call, request)
    return f"{refusal.reason} {refusal.metadata.get('problem', '')}".strip()


def settled(shopper: Shopper, code: code_pb.PromoCode) -> dict[str, int]:
    """Have the claims of a code looked at, and return what there is of it once nothing is left to do."""
    url = shopper.market.service.config.database_url

    def is_over() -> bool:
        make_due(url)
        found = counted(url, code)
        return found["finished"] == found["claims"]

    eventually(is_over)
    return counted(url, code)


def asked_for(shopper: Shopper, purchase: Purchase) -> int:
    """Return the price that Stripe was asked for."""
    session = shopper.market.act(lambda: shopper.market.fakes.stripe.sessions[purchase.provider_reference])
    return int(session["amount_total"])


def test_the_provider_is_asked_for_the_discounted_price_and_paid_it(shopper: Shopper) -> None:
    code = make_code(shopper.staff, percent_discount(15))
    purchase = shopper.buy(promo_code=f" {code.display_code.lower()} ")
    assert (purchase.price.amount, purchase.discount.amount) == (PRICE * 85 // 100, PRICE * 15 // 100)
    assert (purchase.promo_code, asked_for(shopper, purchase)) == (code.name, purchase.price.amount)
    shopper.pay(purchase)
    paid = shopper.becomes(purchase.name, "COMPLETED")
    assert (paid.paid_amount, paid.credits_granted, shopper.figures()) == (purchase.price.amount, 100, (100, 0))
    assert shopper.entries()[0].metadata["promo_code"] == code.name
    now = code_now(shopper.staff, code)
    assert (now.used_count, now.given_amount) == (1, PRICE * 15 // 100)
    found = settled(shopper, code)
    assert (found["claims"], found["used"]) == (1, 1)


def test_a_request_id_that_was_used_tells_no_code_from_another(shopper: Shopper) -> None:
    """Neither the id of a purchase does, nor that of something else; and nobody's guess costs the code a use."""
    good, gift = make_code(shopper.staff, percent_discount(15)), make_code(shopper.staff)
    request = shopper.buying()
    bought = shopper.create(request)
    redeemed = redeeming(shopper.account_id, make_code(shopper.staff).display_code)
    shopper.staff.promo.RedeemPromoCode(redeemed)
    for request_id in (request.request_id, redeemed.request_id):
        guesses = [
            shopper.buying(promo_code=code, request_id=request_id)
            for code in (good.display_code, gift.display_code, "nobodys", "--")
        ]
        assert {why(shopper.staff.payment.CreatePurchase, guess) for guess in guesses} == {"REQUEST_ID_REUSED"}
    assert shopper.create(request).name == bought.name
    assert code_now(shopper.staff, good).used_count == 0


def test_a_bonus_comes_with_the_credits_and_leaves_with_its_share_of_a_refund(shopper: Shopper) -> None:
    code = make_code(shopper.staff, percent_bonus(20))
    purchase = shopper.bought(promo_code=code.display_code)
    bonus = purchase.promo_bonus
    assert bonus == purchase.credits * 20 // 100
    assert purchase.credits_granted == 100 + bonus
    assert shopper.figures() == (100 + bonus, 0)
    assert {part.source for entry in shopper.entries() for part in entry.slices} == {3}
    shopper.staff.payment_admin.ReversePurchase(shopper.reverse(purchase, PRICE // 4))
    taken = (100 + bonus) * (PRICE // 4) // PRICE
    assert shopper.purchase(purchase.name).credits_reversed == taken
    assert shopper.figures() == (100 + bonus - taken, 0)
    shopper.staff.payment_admin.ReversePurchase(shopper.reverse(purchase))
    assert shopper.figures() == (0, 0)
    # What was given stays told: a refund gives no use back.
    assert code_now(shopper.staff, code).given_amount == bonus


@pytest.mark.requirement("A7", "E1")
def test_a_repeated_request_has_the_same_purchase_and_takes_one_use(shopper: Shopper) -> None:
    code = make_code(shopper.staff, percent_discount(10, account_limit=5))
    request = shopper.buying(promo_code=code.display_code)
    outcomes = at_once(shopper.staff.payment.CreatePurchase, [request] * 4)
    made = {outcome.purchase.name for outcome in outcomes if hasattr(outcome, "purchase")}
    assert len(made) == 1
    assert shopper.create(request).name in made
    assert set(reasons(outcomes)) <= {"OK", "PROVIDER_UNAVAILABLE"}
    assert code_now(shopper.staff, code).used_count == 1


def test_what_does_not_fit_is_refused_before_anybody_is_asked_and_takes_no_use(shopper: Shopper) -> None:
    create = shopper.staff.payment.CreatePurchase
    cases: list[tuple[code_pb.PromoTerms, str]] = [
        (terms(), "PROMO_NOT_APPLICABLE NOT_FOR_PURCHASES"),
        (percent_discount(10, minimum_amount=PRICE + 1), "PROMO_NOT_APPLICABLE MINIMUM"),
        (percent_discount(10, currency="USD"), "PROMO_NOT_APPLICABLE CURRENCY"),
        (percent_discount(99, start_time={"seconds": 4_000_000_000}), "PROMO_NOT_APPLICABLE NOT_YET"),
    ]
    for of, reason in cases:
        code = make_code(shopper.staff, of)
        assert why(create, shopper.buying(promo_code=code.display_code)) == reason
        assert code_now(shopper.staff, code).used_count == 0
    assert why(create, shopper.buying(promo_code="nobodys")) == "PROMO_NOT_FOUND"
    assert shopper.purchases() == []


def test_a_price_that_a_provider_does_not_take_is_refused(shopper: Shopper) -> None:
    code = make_code(shopper.staff, percent_discount(99))
    request = shopper.buying(OMISE, promo_code=code.display_code)
    assert why(shopper.staff.payment.CreatePurchase, request) == "PROMO_NOT_APPLICABLE PRICE_NOT_TAKEN"
    assert code_now(shopper.staff, code).used_count == 0


def test_a_code_for_first_purchases_is_for_the_first_alone(shopper: Shopper) -> None:
    code = make_code(shopper.staff, percent_discount(10, first_purchase_only=True, account_limit=9))
    other = make_code(shopper.staff, percent_bonus(10, first_purchase_only=True, account_limit=9))
    create = shopper.staff.payment.CreatePurchase
    first = shopper.buy(promo_code=code.display_code)
    refusal = "PROMO_NOT_APPLICABLE FIRST_PURCHASE_ONLY"
    # One that is open counts, whatever the code of the next one is.
    for again in (code, other):
        assert why(create, shopper.buying(promo_code=again.display_code)) == refusal
    assert code_now(shopper.staff, other).used_count == 0
    shopper.pay(first)
    shopper.becomes(first.name, "COMPLETED")
    assert why(create, shopper.buying(promo_code=other.display_code)) == refusal
    buyer = shopper.another("old")
    buyer.bought()
    assert why(create, buyer.buying(promo_code=code.display_code)) == refusal


def test_of_many_first_purchases_at_once_one_has_the_code(shopper: Shopper) -> None:
    code = make_code(shopper.staff, percent_discount(10, first_purchase_only=True, account_limit=9))
    requests = [shopper.buying(promo_code=code.display_code) for _ in range(4)]
    outcomes = at_once(shopper.staff.payment.CreatePurchase, requests)
    assert reasons(outcomes) == ["OK"] + ["PROMO_NOT_APPLICABLE"] * 3
    eventually(lambda: code_now(shopper.staff, code).used_count == 1)


def test_a_purchase_that_is_never_paid_gives_its_use_back(shopper: Shopper) -> None:
    code = make_code(shopper.staff, percent_bonus(50, total_limit=1))
    purchase = shopper.buy(promo_code=code.display_code)
    buyer = shopper.another("next")
    request = buyer.buying(promo_code=code.display_code)
    assert why(buyer.staff.payment.CreatePurchase, request) == "PROMO_EXHAUSTED"
    _expire(shopper, purchase)
    assert settled(shopper, code)["used"] == 0
    left = shopper.purchase(purchase.name)
    assert (left.promo_given_back, left.bonus, left.promo_bonus) == (True, purchase.bonus - purchase.promo_bonus, 0)
    assert shopper.history(purchase)[-1] == ("EXPIRED", "system")
    assert buyer.bought(promo_code=code.display_code).credits_granted == 100 + purchase.promo_bonus


@pytest.mark.requirement("E4")
def test_a_declined_card_leaves_the_code_for_the_next_one(shopper: Shopper) -> None:
    """At once, and not when somebody looks: whose card was declined takes another one."""
    code = make_code(shopper.staff, percent_discount(10, account_limit=1))
    cards = {"method": PaymentMethod.PAYMENT_METHOD_CARD_TOKEN, "promo_code": code.display_code}
    for _ in range(2):
        declined = shopper.buying(OMISE, card_token=f"tokn_test_declined_{new_id('x')}", **cards)
        assert why(shopper.staff.payment.CreatePurchase, declined) == "PROVIDER_REFUSED"
    bought = shopper.buy(OMISE, card_token=f"tokn_test_ok_{new_id('x')}", **cards)
    paid = shopper.becomes(bought.name, "COMPLETED")
    assert (paid.promo_code, paid.paid_amount) == (code.name, PRICE * 90 // 100)
    assert code_now(shopper.staff, code).used_count == 1


def _expire(shopper: Shopper, purchase: Purchase) -> None:
    """Have the provider say that a purchase cannot be paid any more."""
    session = shopper.market.act(lambda: dict(shopper.market.fakes.stripe.sessions[purchase.provider_reference]))
    stripe_event_ingested(shopper, "checkout.session.expired", session | {"status": "expired", "url": None})
    shopper.becomes(purchase.name, "EXPIRED")


def test_a_discounted_payment_after_its_use_went_back_waits_for_a_person(shopper: Shopper) -> None:
    code = make_code(shopper.staff, percent_discount(10))
    purchase = shopper.buy(promo_code=code.display_code)
    _expire(shopper, purchase)
    assert settled(shopper, code)["used"] == 0
    payment = stripe_payment(purchase.name, amount_received=purchase.price.amount)
    event = stripe_event_ingested(shopper, "payment_intent.succeeded", payment)
    assert event_state(event) == "PARKED"
    assert "discount" in event.problem
    assert shopper.figures() == (0, 0)
    assert settled(shopper, code)["used"] == 0


@pytest.mark.requirement("E8")
def test_a_provider_is_not_asked_for_a_discounted_price_a_day_later(shopper: Shopper) -> None:
    code = make_code(shopper.staff, percent_discount(10))
    request, create = shopper.buying(promo_code=code.display_code), shopper.staff.payment.CreatePurchase
    shopper.misbehave(STRIPE, "error")
    assert why(create, request) == "PROVIDER_UNAVAILABLE"
    _make_older(shopper, "24 hours")
    shopper.behave(STRIPE)
    assert why(create, request) == "PURCHASE_EXPIRED"
    _make_older(shopper, "1 hour")
    assert settled(shopper, code)["used"] == 0
    assert why(create, request) == "PURCHASE_EXPIRED"
    assert shopper.checkouts(STRIPE) == []


def _make_older(shopper: Shopper, by: str) -> None:
    """Have a shopper's purchases be older, and nobody look at them."""
    with psycopg.connect(shopper.market.service.config.database_url) as connection:
        connection.execute(
            """
            UPDATE purchases SET create_time = create_time - %s::interval, next_poll_time = NULL
            WHERE account_id = %s
            """,
            (by, shopper.account_id),
        )


def test_a_claim_whose_purchase_was_never_recorded_goes_back(shopper: Shopper) -> None:
    code = make_code(shopper.staff, percent_discount(10))
    url, code_id, request_id = (
        shopper.market.service.config.database_url,
        code.name.removeprefix("promoCodes/"),
        uuid7(),
    )
    with psycopg.connect(url) as connection:
        connection.execute("UPDATE promo_codes SET used = 1, given = 5 WHERE code = %s", (code_id,))
        connection.execute(
            """
            INSERT INTO promo_claims (code, account_id, ordinal, request_id, fingerprint, actor, value, credit_type,
                                      purchase_id, claim_time, tries, next_try_time)
            VALUES (%s, %s, 1, %s, 1, 'tests', 5, 'chat', gen_random_uuid(), now(), 0, now())
            """,
            (code_id, shopper.account_id, request_id),
        )
    assert settled(shopper, code)["used"] == 0
    late = shopper.buying(promo_code=code.display_code, request_id=request_id)
    assert why(shopper.staff.payment.CreatePurchase, late) == "REQUEST_ID_REUSED"


@pytest.mark.requirement("C1")
def test_a_closed_account_takes_no_use(shopper: Shopper) -> None:
    code = make_code(shopper.staff, percent_discount(10))
    shopper.bought()
    _close(shopper)
    assert why(shopper.staff.payment.CreatePurchase, shopper.buying(promo_code=code.display_code)) == "ACCOUNT_CLOSED"
    assert code_now(shopper.staff, code).used_count == 0


def _close(shopper: Shopper) -> None:
    shopper.staff.admin.SetAccountStatus(
        admin.SetAccountStatusRequest(
            name=f"accounts/{shopper.account_id}",
            status=account_pb2.ACCOUNT_STATUS_CLOSED,
            reason="a test",
            allow_balance=True,
            request_id=uuid7(),
        )
    )
