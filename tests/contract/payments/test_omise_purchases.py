"""Purchases by PromptPay, by card and by link, as Omise takes them; every webhook of its is read back there."""

import grpc
import pytest

from credit.v1 import payment_service_pb2 as pb
from credit.v1.payment_provider_pb2 import PaymentMethod
from credit.v1.purchase_pb2 import Purchase
from creditd.ledger.ids import uuid7
from tests.contract.payments.events import event_becomes
from tests.contract.payments.shopper import Shopper, event_state, facts_of, state_of
from tests.support.market import OMISE, PRICE
from tests.support.refusals import refused
from tests.support.signed_webhooks import body_of, ingesting, new_id, omise_event, signed

CARD, LINK = PaymentMethod.PAYMENT_METHOD_CARD_TOKEN, PaymentMethod.PAYMENT_METHOD_LINK


def token(kind: str = "ok") -> str:
    """Return the token of a card that was never used."""
    return f"tokn_test_{kind}_{new_id('x')}"


def by_card(shopper: Shopper, kind: str = "ok") -> Purchase:
    """Buy with a card."""
    return shopper.buy(OMISE, method=CARD, card_token=token(kind))


def by_link(shopper: Shopper) -> Purchase:
    """Buy with a payment link."""
    return shopper.buy(OMISE, method=LINK)


@pytest.mark.requirement("E1")
def test_the_usual_way_is_a_qr_code_with_its_end(shopper: Shopper) -> None:
    purchase = shopper.buy(OMISE)
    assert purchase.method == PaymentMethod.PAYMENT_METHOD_PROMPTPAY
    assert purchase.qr_image_url == f"{shopper.market.fakes.url}/omise/qr/{purchase.provider_reference}"
    assert purchase.redirect_url == ""
    assert purchase.payment_expire_time.seconds > purchase.create_time.seconds
    shopper.pay(purchase)
    paid = shopper.becomes(purchase.name, "COMPLETED")
    assert (paid.paid_amount, paid.payment_id, shopper.figures()) == (PRICE, purchase.provider_reference, (100, 0))


@pytest.mark.requirement("E1")
def test_a_card_that_is_charged_at_once_needs_nothing_more_of_the_payer(shopper: Shopper) -> None:
    purchase = by_card(shopper)
    assert (purchase.redirect_url, purchase.qr_image_url) == ("", "")
    shopper.becomes(purchase.name, "COMPLETED")
    assert shopper.figures() == (100, 0)


@pytest.mark.requirement("E1")
def test_a_card_whose_bank_asks_who_pays_is_sent_there(shopper: Shopper) -> None:
    purchase = by_card(shopper, "asking")
    assert purchase.redirect_url.startswith(shopper.market.fakes.url)
    assert state_of(shopper.purchase(purchase.name)) == "PENDING"
    shopper.pay(purchase)
    shopper.becomes(purchase.name, "COMPLETED")


@pytest.mark.requirement("E4")
def test_a_declined_card_is_a_refusal_that_stays(shopper: Shopper) -> None:
    request = shopper.buying(OMISE, method=CARD, card_token=token("declined"))
    for _ in range(2):
        refusal = refused(shopper.staff.payment.CreatePurchase, request)
        assert (refusal.code, refusal.reason) == (grpc.StatusCode.FAILED_PRECONDITION, "PROVIDER_REFUSED")
        assert facts_of(refusal) == {"code": "insufficient_fund", "message": "it failed: insufficient_fund"}
    (failed,) = shopper.purchases()
    assert (state_of(failed), failed.failure_code) == ("FAILED", "insufficient_fund")
    assert shopper.figures() == (0, 0)


def test_a_card_token_pays_once(shopper: Shopper) -> None:
    card = token()
    first = shopper.buy(OMISE, method=CARD, card_token=card)
    shopper.becomes(first.name, "COMPLETED")
    again = shopper.buying(OMISE, method=CARD, card_token=card)
    assert refused(shopper.staff.payment.CreatePurchase, again).metadata["code"] == "used_token"
    assert shopper.figures() == (100, 0)


@pytest.mark.requirement("E8")
def test_the_same_request_charges_a_card_once(shopper: Shopper) -> None:
    request = shopper.buying(OMISE, method=CARD, card_token=token())
    shopper.misbehave(OMISE, "error", after_work=True)
    assert refused(shopper.staff.payment.CreatePurchase, request).reason == "PROVIDER_UNAVAILABLE"
    shopper.behave(OMISE)
    shopper.becomes(shopper.create(request).name, "COMPLETED")
    assert len(shopper.checkouts(OMISE)) == 1
    assert shopper.figures() == (100, 0)


@pytest.mark.requirement("E1")
def test_a_link_leads_to_a_page_and_its_payment_completes(shopper: Shopper) -> None:
    purchase = by_link(shopper)
    assert purchase.redirect_url.startswith(f"{shopper.market.fakes.url}/omise/pay/link_test_")
    shopper.pay(purchase)
    paid = shopper.becomes(purchase.name, "COMPLETED")
    assert paid.payment_id.startswith("chrg_test_")
    assert shopper.figures() == (100, 0)


def test_promptpay_and_links_are_paid_in_baht_alone(shopper: Shopper) -> None:
    shopper.market.sell("USD", package_id="in-dollars")
    for method in (PaymentMethod.PAYMENT_METHOD_PROMPTPAY, LINK):
        request = shopper.buying(OMISE, method=method, package_id="in-dollars")
        assert refused(shopper.staff.payment.CreatePurchase, request).metadata["code"] == "currency"


@pytest.mark.requirement("E4")
@pytest.mark.parametrize("buy", [lambda shopper: shopper.buy(OMISE), by_link], ids=["PromptPay", "link"])
def test_cancelled_it_cannot_be_paid_any_more(shopper: Shopper, buy: object) -> None:
    purchase = buy(shopper)  # type: ignore[operator]
    answer = shopper.staff.payment.CancelPurchase(pb.CancelPurchaseRequest(name=purchase.name, request_id=uuid7()))
    assert state_of(answer.purchase) == "CANCELLED"
    with pytest.raises(ValueError, match=r"expired|deleted"):
        shopper.pay(purchase)


@pytest.mark.requirement("E2")
def test_a_hint_alone_pays_for_nothing(shopper: Shopper) -> None:
    """It says that the charge is paid; Omise itself says that it is not."""
    purchase = shopper.buy(OMISE)
    data = {"object": "charge", "id": purchase.provider_reference, "paid": True, "status": "successful"}
    document = omise_event("charge.complete", data)
    shopper.staff.webhook.IngestWebhook(signed(shopper.market, OMISE, body_of(document)))
    event = event_becomes(shopper, shopper.settled(str(document["id"])), "WAITING")
    assert event.purchase == purchase.name
    assert "successful" not in shopper.shown(event.name).body
    assert state_of(shopper.purchase(purchase.name)) == "PENDING"


@pytest.mark.requirement("E2")
def test_a_charge_that_omise_does_not_know_is_parked(shopper: Shopper) -> None:
    document = omise_event("charge.complete", {"object": "charge", "id": new_id("chrg_test")})
    shopper.staff.webhook.IngestWebhook(signed(shopper.market, OMISE, body_of(document)))
    event = shopper.settled(str(document["id"]))
    assert (event_state(event), event.problem) == ("PARKED", "unknown object")


def test_an_event_of_live_mode_is_parked_before_anything_is_asked(shopper: Shopper) -> None:
    document = omise_event("charge.complete", {"object": "charge", "id": new_id("chrg")}, live=True)
    shopper.staff.webhook.IngestWebhook(signed(shopper.market, OMISE, body_of(document)))
    event = shopper.settled(str(document["id"]))
    assert (event_state(event), event.live) == ("PARKED", True)
    assert "live is True" in event.problem


@pytest.mark.requirement("E7")
@pytest.mark.parametrize(
    "charge",
    ["../account", "chrg_test_../account", "chrg_test_a/expire", "chrg_test_a?x", "CHRG_TEST_A", "chrg_test_", 1, None],
)
def test_an_id_with_a_path_in_it_is_no_id(shopper: Shopper, charge: object) -> None:
    body = body_of(omise_event("charge.complete", {"object": "charge", "id": charge}))
    refusal = refused(shopper.staff.webhook.IngestWebhook, signed(shopper.market, OMISE, body))
    assert (refusal.reason, refusal.metadata["problem"]) == ("WEBHOOK_REJECTED", "malformed")


@pytest.mark.requirement("E8")
def test_while_omise_is_away_a_hint_waits_and_is_tried_again(shopper: Shopper) -> None:
    purchase = shopper.buy(OMISE)
    shopper.misbehave(OMISE, "html", times=3)
    shopper.pay(purchase)
    shopper.becomes(purchase.name, "COMPLETED")
    assert shopper.figures() == (100, 0)


@pytest.mark.requirement("E7")
def test_without_the_time_of_its_signature_it_is_not_signed(shopper: Shopper) -> None:
    request = signed(shopper.market, OMISE, body_of(omise_event("charge.complete", {})))
    headers = [(header.name, header.value) for header in request.headers if not header.name.endswith("timestamp")]
    refusal = refused(shopper.staff.webhook.IngestWebhook, ingesting(OMISE, request.body, headers))
    assert refusal.metadata["problem"] == "no_signature"
