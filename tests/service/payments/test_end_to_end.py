"""A purchase from CreatePurchase to credits and back, over gRPC and HTTP alone, as by a payer without a browser."""

from collections.abc import Iterator

import grpc
import httpx
import pytest

from credit.v1 import payment_provider_pb2, purchase_pb2
from credit.v1 import payment_service_pb2 as pb
from creditd.ledger.ids import uuid7
from tests.support.market import CREDITS, LEMON_SQUEEZY, OMISE, PRICE, PROVIDERS, STRIPE, Market, open_market
from tests.support.patience import eventually
from tests.support.refusals import read_refusal

LINK = payment_provider_pb2.PaymentMethod.PAYMENT_METHOD_LINK
CARD_TOKEN = payment_provider_pb2.PaymentMethod.PAYMENT_METHOD_CARD_TOKEN
SIGN_UP = {"sign_up_credits": {"chat": 5}}
FREE = 5


@pytest.fixture(scope="module")
def market(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Market]:
    """Keep a market open for the tests of this file."""
    with open_market(tmp_path_factory.mktemp("market"), **SIGN_UP) as market:
        yield market


def pay_on_page(url: str) -> httpx.Response:
    """Open the provider's page as a payer would, and press its button to pay."""
    with httpx.Client(trust_env=False) as payer:
        assert "Pay" in payer.get(url).raise_for_status().text
        return payer.post(url, data={"act": "pay"})


@pytest.mark.requirement("E1", "E3")
@pytest.mark.parametrize(("provider", "method"), [("stripe", 0), ("omise", LINK), ("lemonsqueezy", 0)])
def test_who_pays_on_the_page_has_the_credits(market: Market, account: str, provider: str, method: int) -> None:
    purchase = market.buy(account, PROVIDERS[provider], method=method)
    assert purchase.state == purchase_pb2.PURCHASE_STATE_PENDING
    assert market.balance(account) == (FREE, 0)
    assert pay_on_page(purchase.redirect_url).status_code in {200, 303}
    eventually(lambda: market.state(purchase.name) == "COMPLETED", 30)
    assert market.balance(account) == (FREE + CREDITS, 0)
    stands = market.purchase(purchase.name)
    assert (stands.credits_granted, stands.paid_amount) == (CREDITS, PRICE)
    assert stands.payment_id


@pytest.mark.requirement("E1")
def test_a_promptpay_code_is_shown_with_its_end_and_paid(market: Market, account: str) -> None:
    purchase = market.buy(account, OMISE)
    assert purchase.HasField("payment_expire_time")
    assert httpx.get(purchase.qr_image_url, trust_env=False).headers["content-type"].startswith("image/")
    market.act(market.fakes.omise.pay, purchase.provider_reference)
    eventually(lambda: market.state(purchase.name) == "COMPLETED", 30)
    assert market.balance(account) == (FREE + CREDITS, 0)


@pytest.mark.requirement("E1")
def test_a_card_is_paid_with_by_its_token_alone(market: Market, account: str) -> None:
    purchase = market.buy(account, OMISE, method=CARD_TOKEN, card_token="tokn_test_5086xl7ddjbases4sq3i")  # noqa: S106
    if purchase.redirect_url:
        market.act(market.fakes.omise.pay, purchase.provider_reference)
    eventually(lambda: market.state(purchase.name) == "COMPLETED", 30)
    assert market.balance(account) == (FREE + CREDITS, 0)


@pytest.mark.requirement("E5")
@pytest.mark.parametrize(("provider", "method"), [("stripe", 0), ("omise", LINK), ("lemonsqueezy", 0)])
def test_money_given_back_takes_its_share_and_no_free_credit(
    market: Market, account: str, provider: str, method: int
) -> None:
    fake = getattr(market.fakes, provider)
    purchase = market.buy(account, PROVIDERS[provider], method=method)
    payment = market.act(fake.pay, purchase.provider_reference)
    market.act(fake.refund, payment, PRICE // 4)
    eventually(lambda: market.state(purchase.name) == "PARTIALLY_REFUNDED", 30)
    assert market.balance(account) == (FREE + CREDITS - CREDITS // 4, 0)
    market.act(fake.refund, payment)
    eventually(lambda: market.state(purchase.name) == "REFUNDED", 30)
    assert market.balance(account) == (FREE, 0)


@pytest.mark.requirement("E5")
def test_a_dispute_is_flagged_on_the_account_while_it_is_open(market: Market, account: str) -> None:
    purchase = market.buy(account, STRIPE)
    payment = market.act(market.fakes.stripe.pay, purchase.provider_reference)
    dispute = market.act(market.fakes.stripe.open_dispute, payment)
    market.act(market.fakes.stripe.withdraw, dispute)
    market.settle()
    assert market.balance(account) == (FREE, 0)
    assert market.purchase(purchase.name).open_disputes == 1
    assert market.open_disputes(account) == 1
    market.act(market.fakes.stripe.close_dispute, dispute, "won")
    market.act(market.fakes.stripe.reinstate, dispute)
    market.settle()
    assert market.balance(account) == (FREE + CREDITS, 0)
    assert market.open_disputes(account) == 0


@pytest.mark.requirement("E6")
def test_a_subscription_switches_the_plan_on_and_off(market: Market, account: str) -> None:
    subscription = market.act(market.fakes.lemonsqueezy.subscribe, account)
    eventually(lambda: market.is_unlimited(account), 30)
    market.act(market.fakes.lemonsqueezy.expire, subscription)
    eventually(lambda: not market.is_unlimited(account), 30)


@pytest.mark.requirement("E8")
@pytest.mark.parametrize("provider", ["omise", "stripe"])
def test_a_purchase_whose_webhooks_are_all_lost_is_found_by_looking(
    market: Market, account: str, provider: str
) -> None:
    purchase = market.buy(account, PROVIDERS[provider])
    outgoing = market.fakes.outgoing
    outgoing.mischief.drop_every = 1
    market.act(getattr(market.fakes, provider).pay, purchase.provider_reference)
    outgoing.mischief.drop_every = 0
    market.service.clock.advance(61)
    eventually(lambda: market.state(purchase.name) == "COMPLETED", 30)
    assert market.balance(account) == (FREE + CREDITS, 0)


@pytest.mark.requirement("A7")
def test_who_repeats_the_request_has_one_purchase_and_one_checkout(market: Market, account: str) -> None:
    first = market.buy(account, LEMON_SQUEEZY, request_id="the same")
    again = market.buy(account, LEMON_SQUEEZY, request_id="the same")
    assert again == first
    ours = [c for c in market.fakes.lemonsqueezy.checkouts.values() if account in str(c)]
    assert len(ours) == 1


@pytest.mark.requirement("E4")
def test_a_cancelled_purchase_can_be_paid_no_more_at_stripe(market: Market, account: str) -> None:
    purchase = market.buy(account, STRIPE)
    owner = market.service.as_caller(account, "USER")
    cancelled = owner.payment.CancelPurchase(pb.CancelPurchaseRequest(name=purchase.name, request_id=uuid7())).purchase
    assert cancelled.state == purchase_pb2.PURCHASE_STATE_CANCELLED
    with pytest.raises(ValueError, match="expired"):
        market.act(market.fakes.stripe.pay, purchase.provider_reference)
    market.settle()
    assert market.balance(account) == (FREE, 0)


def test_a_checkout_in_another_currency_is_refused_and_never_offered(market: Market, account: str) -> None:
    shop = market.fakes.lemonsqueezy
    market.act(shop.sell_on, "USD")
    try:
        for _ in range(2):
            with pytest.raises(grpc.RpcError) as refusal:
                market.buy(account, LEMON_SQUEEZY, request_id="in dollars")
            assert read_refusal(refusal.value).reason == "PROVIDER_REFUSED"
            # Looked at later, there is a checkout at the provider all the same.
            market.service.clock.advance(125)
            owner = market.service.as_caller(account, "USER").payment
            (listed,) = owner.ListPurchases(pb.ListPurchasesRequest(account_id=account)).purchases
            eventually(lambda name=listed.name: market.purchase(name).provider_reference, 30)
            assert not market.purchase(listed.name).redirect_url
    finally:
        market.act(shop.sell_on, "THB")
