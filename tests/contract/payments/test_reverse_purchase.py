"""Staff say that money was given back by another way; the same share of the credits goes (requirement E5)."""

import grpc
import pytest

from credit.v1 import account_pb2, source_pb2
from credit.v1.purchase_pb2 import Purchase
from tests.contract.at_once import at_once, reasons, was_replayed
from tests.contract.payments.shopper import PROVIDER_NAMES, Shopper, facts_of, state_of
from tests.support.customer import Customer
from tests.support.market import LEMON_SQUEEZY, OMISE, PRICE, STRIPE
from tests.support.refusals import refused

pytestmark = pytest.mark.requirement("E5")


def reverse(shopper: Shopper, purchase: Purchase, amount: int | None = None, **fields: str) -> Purchase:
    """Take the credits of a part of a payment back, of all that is left of it if 0."""
    found: Purchase = shopper.staff.payment_admin.ReversePurchase(shopper.reverse(purchase, amount, **fields)).purchase
    return found


@pytest.mark.parametrize("provider", [STRIPE, OMISE, LEMON_SQUEEZY], ids=PROVIDER_NAMES.get)
def test_all_of_it_is_taken_back(shopper: Shopper, provider: int) -> None:
    purchase = shopper.bought(provider)
    seen = reverse(shopper, purchase)
    assert (state_of(seen), seen.refunded_amount, seen.credits_reversed) == ("REFUNDED", PRICE, 100)
    assert shopper.figures() == (0, 0)
    assert shopper.kinds() == ["CLAWBACK", "TOP_UP"]


def test_a_part_takes_the_same_share_rounded_down_with_who_and_why(shopper: Shopper) -> None:
    purchase = shopper.bought()
    seen = reverse(shopper, purchase, PRICE // 3, reason="a third by bank transfer")
    assert (state_of(seen), seen.refunded_amount, seen.credits_reversed) == ("PARTIALLY_REFUNDED", 33_333, 33)
    assert (seen.version, seen.credits_granted) == (purchase.version + 1, 100)
    assert shopper.figures() == (67, 0)
    entry = shopper.entries()[0]
    assert (entry.actor, entry.reason, entry.amount) == ("staff", "a third by bank transfer", 33)
    assert shopper.history(purchase)[-1] == ("PARTIALLY_REFUNDED", "staff")


def test_parts_add_up_to_the_whole_and_no_further(shopper: Shopper) -> None:
    purchase = shopper.bought()
    for _ in range(3):
        reverse(shopper, purchase, 33_333)
    assert shopper.figures() == (1, 0)
    refusal = refused(shopper.staff.payment_admin.ReversePurchase, shopper.reverse(purchase, 2))
    assert (refusal.code, refusal.reason) == (grpc.StatusCode.FAILED_PRECONDITION, "AMOUNT_EXCEEDS_PAYMENT")
    assert facts_of(refusal) == {"currency": "THB", "requested": "2", "left": "1"}
    assert refusal.message == "0.02 THB requested, 0.01 THB left of the payment"
    assert refusal.localized.message.endswith("Requested: 0.02 THB. Left: 0.01 THB.")
    assert state_of(reverse(shopper, purchase)) == "REFUNDED"
    assert facts_of(refused(shopper.staff.payment_admin.ReversePurchase, shopper.reverse(purchase))) == {
        "currency": "THB",
        "requested": "0",
        "left": "0",
    }
    assert shopper.figures() == (0, 0)


@pytest.mark.requirement("A7")
def test_the_same_request_again_takes_nothing_more(shopper: Shopper) -> None:
    purchase = shopper.bought()
    request = shopper.reverse(purchase, PRICE // 2)
    first, call = shopper.staff.payment_admin.ReversePurchase.with_call(request)
    assert not was_replayed(call)
    again, call = shopper.staff.payment_admin.ReversePurchase.with_call(request)
    assert was_replayed(call)
    assert again == first
    request.amount = 1
    refusal = refused(shopper.staff.payment_admin.ReversePurchase, request)
    assert (refusal.code, refusal.reason) == (grpc.StatusCode.ALREADY_EXISTS, "REQUEST_ID_REUSED")
    assert shopper.figures() == (50, 0)


@pytest.mark.requirement("A7", "B3")
def test_the_same_request_many_times_at_once_takes_it_once(shopper: Shopper) -> None:
    purchase = shopper.bought()
    outcomes = at_once(
        shopper.staff.payment_admin.ReversePurchase, [shopper.reverse(purchase, PRICE // 2, request_id="1")] * 5
    )
    assert reasons(outcomes) == ["OK"] * 5
    assert shopper.kinds() == ["CLAWBACK", "TOP_UP"]
    assert shopper.figures() == (50, 0)


@pytest.mark.requirement("B3")
def test_several_at_once_never_take_more_than_was_paid(shopper: Shopper) -> None:
    purchase = shopper.bought()
    requests = [shopper.reverse(purchase, PRICE // 2) for _ in range(4)]
    outcomes = at_once(shopper.staff.payment_admin.ReversePurchase, requests)
    assert reasons(outcomes) == ["AMOUNT_EXCEEDS_PAYMENT"] * 2 + ["OK"] * 2
    assert shopper.figures() == (0, 0)


def test_what_was_spent_becomes_debt_which_the_next_purchase_pays_first(shopper: Shopper) -> None:
    purchase = shopper.bought()
    shopper.spend(70)
    reverse(shopper, purchase)
    assert shopper.figures() == (0, 70)
    shopper.bought()
    assert shopper.figures() == (30, 0)


def test_free_and_staffs_credits_are_never_taken(shopper: Shopper, customer: Customer) -> None:
    customer.top_up(40, source_pb2.SOURCE_ADMIN)
    purchase = shopper.bought()
    shopper.spend(50)
    reverse(shopper, purchase)
    available, debt = shopper.figures()
    assert available == customer.by_source().get("ADMIN", 0)
    assert available - debt == 40 + 100 - 50 - 100


def test_a_refund_at_the_provider_comes_on_top_up_to_the_whole(shopper: Shopper) -> None:
    purchase = shopper.bought()
    reverse(shopper, purchase, PRICE // 2)
    shopper.market.act(shopper.market.fakes.stripe.refund, purchase.provider_reference)
    seen = shopper.becomes(purchase.name, "REFUNDED")
    assert (seen.refunded_amount, seen.credits_reversed) == (PRICE, 100)
    assert shopper.figures() == (0, 0)


def test_what_is_not_paid_cannot_be_given_back(shopper: Shopper) -> None:
    purchase = shopper.buy()
    refusal = refused(shopper.staff.payment_admin.ReversePurchase, shopper.reverse(purchase))
    assert (refusal.code, refusal.reason) == (grpc.StatusCode.FAILED_PRECONDITION, "PURCHASE_NOT_PAID")
    assert facts_of(refusal) == {"purchase": purchase.name, "state": "PENDING"}
    assert state_of(shopper.purchase(purchase.name)) == "PENDING"


@pytest.mark.requirement("C1")
def test_of_a_closed_account_nothing_is_taken(shopper: Shopper, customer: Customer) -> None:
    purchase = shopper.bought()
    customer.become(account_pb2.ACCOUNT_STATUS_CLOSED, allow_balance=True)
    refusal = refused(shopper.staff.payment_admin.ReversePurchase, shopper.reverse(purchase))
    assert refusal.reason == "ACCOUNT_CLOSED"
    assert shopper.purchase(purchase.name) == purchase


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("amount", 0),
        ("amount", -1),
        ("reason", ""),
        ("reason", "x" * 501),
        ("reason", "a\x00b"),
        ("request_id", ""),
        ("request_id", "x" * 256),
        ("request_id", "a\x00b"),
    ],
)
def test_a_field_out_of_bounds_is_named_and_nothing_is_taken(shopper: Shopper, field: str, value: object) -> None:
    purchase = shopper.bought()
    request = shopper.reverse(purchase)
    setattr(request, field, value)
    refusal = refused(shopper.staff.payment_admin.ReversePurchase, request)
    assert (refusal.reason, refusal.violations) == ("INVALID_FIELD", [field])
    assert shopper.figures() == (100, 0)


@pytest.mark.requirement("A14")
def test_it_is_tried_and_done_only_at_the_version_stated(shopper: Shopper) -> None:
    purchase = shopper.bought()
    call, version = shopper.staff.payment_admin.ReversePurchase, purchase.version
    refusal = refused(call, shopper.reverse(purchase, expected_version=version - 1))
    assert (refusal.code, refusal.reason) == (grpc.StatusCode.ABORTED, "VERSION_MISMATCH")
    assert facts_of(refusal) == {"stated": str(version - 1), "current": str(version)}
    request = shopper.reverse(purchase, expected_version=version, validate_only=True)
    tried = call(request).purchase
    assert (state_of(tried), tried.credits_reversed) == ("REFUNDED", 100)
    assert (shopper.purchase(purchase.name), shopper.figures()) == (purchase, (100, 0))
    assert len(shopper.changes(purchase.name)) == version
    request.validate_only = False
    assert call(request).purchase.version == version + 1
    assert call(request).purchase.credits_reversed == 100
    assert shopper.figures() == (0, 0)
