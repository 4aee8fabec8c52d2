"""A purchase that is not paid can be cancelled, here and, where that can be done, at the provider."""

import grpc
import pytest

from credit.v1 import payment_service_pb2 as pb
from credit.v1.purchase_pb2 import Purchase
from creditd.ledger.ids import uuid7
from tests.contract.at_once import answers, at_once, reasons, was_replayed
from tests.contract.payments.shopper import PROVIDER_NAMES, Shopper, facts_of, state_of
from tests.support.market import LEMON_SQUEEZY, STRIPE
from tests.support.refusals import refused

pytestmark = pytest.mark.requirement("E4")


def cancelling(purchase: Purchase, reason: str = "") -> pb.CancelPurchaseRequest:
    """Return the request to cancel a purchase."""
    return pb.CancelPurchaseRequest(name=purchase.name, reason=reason, request_id=uuid7())


def cancel(shopper: Shopper, purchase: Purchase, reason: str = "") -> Purchase:
    """Cancel a purchase."""
    answer: pb.CancelPurchaseResponse = shopper.staff.payment.CancelPurchase(cancelling(purchase, reason))
    return answer.purchase


@pytest.mark.parametrize("provider", [STRIPE, LEMON_SQUEEZY], ids=PROVIDER_NAMES.get)
def test_a_pending_purchase_is_cancelled_with_who_and_why(shopper: Shopper, provider: int) -> None:
    purchase = shopper.buy(provider)
    assert state_of(cancel(shopper, purchase, "changed my mind")) == "CANCELLED"
    seen = shopper.purchase(purchase.name)
    assert shopper.history(seen)[-1] == ("CANCELLED", "staff")
    assert shopper.changes(seen.name)[-1].reason == "changed my mind"
    assert shopper.figures() == (0, 0)


def test_it_is_over_at_the_provider_too(shopper: Shopper) -> None:
    purchase = shopper.buy()
    cancel(shopper, purchase)
    assert shopper.market.fakes.stripe.sessions[purchase.provider_reference]["status"] == "expired"


def test_what_the_provider_tells_of_it_afterwards_changes_nothing(shopper: Shopper) -> None:
    """Stripe says that the session has expired, which is our own doing."""
    purchase = shopper.buy()
    cancelled = cancel(shopper, purchase)
    shopper.quiet()
    assert state_of(shopper.purchase(purchase.name)) == state_of(cancelled) == "CANCELLED"


def test_to_cancel_again_is_answered_as_it_is(shopper: Shopper) -> None:
    purchase = shopper.buy()
    first = cancel(shopper, purchase, "first")
    assert cancel(shopper, purchase, "second") == first
    assert [change.reason for change in shopper.changes(purchase.name)].count("second") == 0


@pytest.mark.requirement("A7")
def test_the_same_request_again_is_answered_as_it_stands_and_another_with_its_id_refused(shopper: Shopper) -> None:
    """Once it is cancelled, and also once it was paid all the same."""
    purchase = shopper.buy(LEMON_SQUEEZY)
    request = cancelling(purchase, "first")
    call = shopper.staff.payment.CancelPurchase
    first, made = call.with_call(request)
    again, repeated = call.with_call(request)
    assert again == first
    assert (was_replayed(made), was_replayed(repeated)) == (False, True)
    other = pb.CancelPurchaseRequest(name=purchase.name, reason="second", request_id=request.request_id)
    assert refused(call, other).reason == "REQUEST_ID_REUSED"
    assert [change.reason for change in shopper.changes(purchase.name)].count("first") == 1
    shopper.pay(purchase)
    paid = shopper.becomes(purchase.name, "COMPLETED")
    assert call(request).purchase == paid


@pytest.mark.requirement("A7")
def test_ten_at_once_with_one_id_cancel_it_once(shopper: Shopper) -> None:
    purchase = shopper.buy()
    outcomes = at_once(shopper.staff.payment.CancelPurchase, [cancelling(purchase, "all")] * 10)
    assert {state_of(answer.purchase) for answer in answers(outcomes)} == {"CANCELLED"}
    assert reasons(outcomes) == ["OK"] * 10
    assert [change.reason for change in shopper.changes(purchase.name)].count("all") == 1


def test_a_payment_under_way_all_the_same_completes_it(shopper: Shopper) -> None:
    """Lemon Squeezy's pages cannot be closed."""
    purchase = shopper.buy(LEMON_SQUEEZY)
    cancel(shopper, purchase)
    shopper.pay(purchase)
    shopper.becomes(purchase.name, "COMPLETED")
    assert shopper.figures() == (100, 0)


def test_a_paid_purchase_stays_paid(shopper: Shopper) -> None:
    purchase = shopper.bought()
    refusal = refused(shopper.staff.payment.CancelPurchase, cancelling(purchase))
    assert (refusal.code, refusal.reason) == (grpc.StatusCode.FAILED_PRECONDITION, "PURCHASE_PAID")
    assert facts_of(refusal) == {"purchase": purchase.name, "state": "COMPLETED"}
    assert shopper.purchase(purchase.name) == purchase


def test_one_that_is_paid_and_not_known_to_be_is_not_cancelled(shopper: Shopper) -> None:
    """The webhook is on its way; the provider knows better."""
    purchase = shopper.buy()
    shopper.market.fakes.outgoing.mischief.hold = True
    shopper.pay(purchase)
    refusal = refused(shopper.staff.payment.CancelPurchase, cancelling(purchase))
    assert refusal.reason == "PURCHASE_PAID"
    assert facts_of(refusal) == {"purchase": purchase.name, "state": "PENDING"}
    assert state_of(shopper.purchase(purchase.name)) == "PENDING"
    shopper.market.act(shopper.market.fakes.outgoing.release)
    shopper.becomes(purchase.name, "COMPLETED")


def test_one_that_has_expired_is_over_already(shopper: Shopper) -> None:
    purchase = shopper.buy()
    shopper.market.act(shopper.market.fakes.stripe.expire, purchase.provider_reference)
    shopper.becomes(purchase.name, "EXPIRED")
    refusal = refused(shopper.staff.payment.CancelPurchase, cancelling(purchase))
    assert (refusal.reason, facts_of(refusal)) == ("PURCHASE_EXPIRED", {"purchase": purchase.name})


def test_one_whose_payment_failed_can_be_cancelled(shopper: Shopper) -> None:
    purchase = shopper.buy()
    shopper.market.act(shopper.market.fakes.stripe.fail, purchase.provider_reference)
    shopper.becomes(purchase.name, "FAILED")
    assert state_of(cancel(shopper, purchase)) == "CANCELLED"


def test_while_the_provider_is_away_nothing_is_cancelled(shopper: Shopper) -> None:
    purchase = shopper.buy()
    shopper.misbehave(STRIPE, "error")
    refusal = refused(shopper.staff.payment.CancelPurchase, cancelling(purchase))
    assert (refusal.code, refusal.reason) == (grpc.StatusCode.UNAVAILABLE, "PROVIDER_UNAVAILABLE")
    assert state_of(shopper.purchase(purchase.name)) == "PENDING"
    shopper.behave(STRIPE)
    assert state_of(cancel(shopper, purchase)) == "CANCELLED"


def test_a_checkout_that_was_made_unheard_is_cancelled_as_well(shopper: Shopper) -> None:
    request = shopper.buying()
    shopper.misbehave(STRIPE, "error", after_work=True)
    refused(shopper.staff.payment.CreatePurchase, request)
    shopper.behave(STRIPE)
    (pending,) = shopper.purchases()
    assert state_of(cancel(shopper, pending)) == "CANCELLED"
    (session,) = shopper.checkouts()
    assert shopper.market.fakes.stripe.sessions[session]["status"] == "expired"


def test_a_cancelled_purchase_is_not_asked_for_again(shopper: Shopper) -> None:
    request = shopper.buying()
    shopper.misbehave(STRIPE, "error")
    refused(shopper.staff.payment.CreatePurchase, request)
    shopper.behave(STRIPE)
    (pending,) = shopper.purchases()
    cancel(shopper, pending)
    assert state_of(shopper.create(request)) == "CANCELLED"
    assert not shopper.checkouts()


@pytest.mark.parametrize("reason", ["x" * 501, "a\x00b"])
def test_a_reason_that_cannot_be_kept_is_refused(shopper: Shopper, reason: str) -> None:
    purchase = shopper.buy()
    refusal = refused(shopper.staff.payment.CancelPurchase, cancelling(purchase, reason))
    assert (refusal.reason, refusal.violations) == ("INVALID_FIELD", ["reason"])
    assert state_of(shopper.purchase(purchase.name)) == "PENDING"
