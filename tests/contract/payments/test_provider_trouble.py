"""What happens at the provider is found out before it is asked again: never a second payment for a purchase (E8)."""

import grpc
import pytest

from tests.contract.at_once import answers, at_once, reasons, was_replayed
from tests.contract.payments.shopper import LABELS, PROVIDER_NAMES, Shopper, facts_of, state_of
from tests.support.market import LEMON_SQUEEZY, OMISE, STRIPE
from tests.support.patience import eventually
from tests.support.refusals import refused

pytestmark = pytest.mark.requirement("E8")

EVERY = [STRIPE, OMISE, LEMON_SQUEEZY]
TROUBLE = ["error", "busy", "html", "truncated", "cut"]


@pytest.mark.parametrize("provider", EVERY, ids=PROVIDER_NAMES.get)
@pytest.mark.parametrize("how", TROUBLE)
def test_a_provider_in_trouble_is_told_of_and_the_repeat_goes_through(
    shopper: Shopper, provider: int, how: str
) -> None:
    request = shopper.buying(provider)
    shopper.misbehave(provider, how)
    refusal = refused(shopper.staff.payment.CreatePurchase, request)
    assert (refusal.code, refusal.reason) == (grpc.StatusCode.UNAVAILABLE, "PROVIDER_UNAVAILABLE")
    assert facts_of(refusal) == {"provider": LABELS[provider].upper()}
    assert refusal.retry is not None
    (pending,) = shopper.purchases()
    assert (state_of(pending), pending.provider_reference) == ("PENDING", "")
    shopper.behave(provider)
    again, call = shopper.staff.payment.CreatePurchase.with_call(request)
    assert was_replayed(call)
    assert again.purchase.name == pending.name
    assert shopper.checkouts(provider) == [again.purchase.provider_reference]


@pytest.mark.parametrize("provider", EVERY, ids=PROVIDER_NAMES.get)
@pytest.mark.parametrize("how", ["error", "cut"])
def test_what_the_provider_did_unheard_is_found_by_the_repeat(shopper: Shopper, provider: int, how: str) -> None:
    request = shopper.buying(provider)
    shopper.misbehave(provider, how, after_work=True)
    assert refused(shopper.staff.payment.CreatePurchase, request).reason == "PROVIDER_UNAVAILABLE"
    (made,) = shopper.checkouts(provider)
    shopper.behave(provider)
    purchase = shopper.create(request)
    assert purchase.provider_reference == made
    assert purchase.redirect_url or purchase.qr_image_url
    assert shopper.checkouts(provider) == [made]


def test_one_trouble_that_passes_is_not_the_callers(shopper: Shopper) -> None:
    """Where the provider takes a repeat for the same call, it is made for the caller."""
    shopper.misbehave(STRIPE, "error", times=2, after_work=True)
    purchase = shopper.buy()
    assert shopper.checkouts() == [purchase.provider_reference]


@pytest.mark.parametrize("provider", EVERY, ids=PROVIDER_NAMES.get)
def test_a_payment_unheard_of_completes_the_purchase_before_the_repeat(shopper: Shopper, provider: int) -> None:
    """The payer was quicker than the caller: the webhook hands our own name back."""
    request = shopper.buying(provider)
    shopper.misbehave(provider, "error", after_work=True)
    refused(shopper.staff.payment.CreatePurchase, request)
    shopper.behave(provider)
    (pending,) = shopper.purchases()
    pending.provider_reference = shopper.checkouts(provider)[0]
    shopper.pay(pending)
    shopper.becomes(pending.name, "COMPLETED")
    assert state_of(shopper.create(request)) == "COMPLETED"
    assert len(shopper.checkouts(provider)) == 1
    assert shopper.figures() == (100, 0)


@pytest.mark.parametrize("provider", EVERY, ids=PROVIDER_NAMES.get)
def test_a_caller_who_goes_away_loses_nothing(shopper: Shopper, provider: int) -> None:
    request = shopper.buying(provider)
    # For all calls: hints of other purchases are read back meanwhile.
    shopper.misbehave(provider, "slow", seconds=60)
    call = shopper.staff.payment.CreatePurchase.future(request)
    eventually(shopper.purchases)
    call.cancel()
    assert call.code() == grpc.StatusCode.CANCELLED
    shopper.behave(provider)
    (purchase,) = eventually(lambda: [p for p in shopper.purchases() if p.provider_reference])
    assert shopper.create(request) == purchase
    assert shopper.checkouts(provider) == [purchase.provider_reference]


@pytest.mark.parametrize("provider", EVERY, ids=PROVIDER_NAMES.get)
def test_callers_with_one_request_id_at_once_make_one_checkout(shopper: Shopper, provider: int) -> None:
    """Whoever comes while another asks is told to come back, or gets the same purchase."""
    request = shopper.buying(provider)
    shopper.misbehave(provider, "slow", times=1, seconds=0.2)
    outcomes = at_once(shopper.staff.payment.CreatePurchase, [request] * 5)
    assert set(reasons(outcomes)) <= {"OK", "PROVIDER_UNAVAILABLE"}
    assert {answer.purchase.name for answer in answers(outcomes)} == {shopper.create(request).name}
    assert len(shopper.checkouts(provider)) == len(shopper.purchases()) == 1


def test_callers_at_once_with_ids_of_their_own_buy_each(shopper: Shopper) -> None:
    outcomes = at_once(shopper.staff.payment.CreatePurchase, [shopper.buying() for _ in range(5)])
    assert reasons(outcomes) == ["OK"] * 5
    assert len(shopper.checkouts()) == len(shopper.purchases()) == 5


@pytest.mark.requirement("E4")
def test_a_refusal_of_the_provider_fails_the_purchase_for_good(shopper: Shopper) -> None:
    """Lemon Squeezy sells in the store's own currency alone."""
    shopper.market.sell("EUR", package_id="in-euro")
    request = shopper.buying(LEMON_SQUEEZY, package_id="in-euro")
    refusal = refused(shopper.staff.payment.CreatePurchase, request)
    assert (refusal.code, refusal.reason) == (grpc.StatusCode.FAILED_PRECONDITION, "PROVIDER_REFUSED")
    assert facts_of(refusal).keys() == {"code", "message"}
    assert refusal.metadata["code"] == "currency"
    assert facts_of(refused(shopper.staff.payment.CreatePurchase, request)) == facts_of(refusal)
    (failed,) = shopper.purchases()
    assert (state_of(failed), failed.failure_code) == ("FAILED", "currency")
    assert failed.failure_message == refusal.metadata["message"]
    assert shopper.history(failed)[-1] == ("FAILED", "lemon_squeezy")
    assert not shopper.checkouts()


@pytest.mark.requirement("E4")
def test_a_payment_that_fails_is_told_with_the_providers_words_and_may_succeed_later(shopper: Shopper) -> None:
    purchase = shopper.buy()
    shopper.market.act(shopper.market.fakes.stripe.fail, purchase.provider_reference)
    failed = shopper.becomes(purchase.name, "FAILED")
    assert failed.failure_code == "insufficient_funds"
    assert failed.failure_message == "Your card has insufficient funds."
    assert shopper.figures() == (0, 0)
    shopper.pay(purchase)
    paid = shopper.becomes(purchase.name, "COMPLETED")
    assert (paid.failure_code, paid.failure_message) == ("", "")
    assert shopper.figures() == (100, 0)
    codes = [change.failure_code for change in shopper.changes(paid.name)]
    assert codes == ["", "", "insufficient_funds", ""]


@pytest.mark.requirement("E4")
def test_a_checkout_that_runs_out_is_over_without_credits(shopper: Shopper) -> None:
    purchase = shopper.buy()
    shopper.market.act(shopper.market.fakes.stripe.expire, purchase.provider_reference)
    shopper.becomes(purchase.name, "EXPIRED")
    assert shopper.figures() == (0, 0)
