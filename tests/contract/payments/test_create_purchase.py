"""CreatePurchase records a pending purchase and asks the provider once, however often it is called (E1, E8)."""

from types import SimpleNamespace
from typing import Any

import grpc
import pytest

from credit.v1 import money_pb2, package_pb2, payment_provider_pb2
from credit.v1 import payment_admin_service_pb2 as payment_admin
from credit.v1 import payment_service_pb2 as pb
from creditd.currencies import money_text
from creditd.domain.resource_names import package_name
from creditd.ledger.ids import uuid7
from tests.contract.at_once import was_replayed
from tests.contract.payments.shopper import PROVIDER_NAMES, Shopper, facts_of, state_of
from tests.support.market import CREDITS, LEMON_SQUEEZY, OMISE, PACKAGE, PRICE, PROVIDERS, STRIPE
from tests.support.refusals import refused

pytestmark = pytest.mark.requirement("E1")

METHOD = payment_provider_pb2.PaymentMethod
CHECKOUTS = [STRIPE, LEMON_SQUEEZY]


@pytest.mark.parametrize("provider", CHECKOUTS, ids=PROVIDER_NAMES.get)
def test_a_purchase_by_a_checkout_page_is_pending_and_says_where_to_pay(shopper: Shopper, provider: int) -> None:
    purchase = shopper.buy(provider)
    assert purchase.name.startswith(f"accounts/{shopper.account_id}/purchases/")
    assert (purchase.account_id, purchase.provider, purchase.method) == (
        shopper.account_id,
        provider,
        METHOD.PAYMENT_METHOD_CHECKOUT,
    )
    assert state_of(purchase) == "PENDING"
    assert purchase.redirect_url.startswith(f"{shopper.market.fakes.url}/{PROVIDER_NAMES[provider]}/")
    assert purchase.payment_expire_time.seconds > purchase.create_time.seconds
    assert [purchase.provider_reference] == shopper.checkouts(provider)
    assert (purchase.payment_id, purchase.credits_granted, purchase.paid_amount, purchase.live) == ("", 0, 0, False)
    assert (purchase.package, purchase.price.amount, purchase.bonus) == (package_name(PACKAGE), PRICE, 10)
    assert shopper.figures() == (0, 0)


@pytest.mark.requirement("E3")
@pytest.mark.parametrize("provider", CHECKOUTS, ids=PROVIDER_NAMES.get)
def test_paid_it_is_complete_and_credits_and_bonus_are_there_once(shopper: Shopper, provider: int) -> None:
    purchase = shopper.bought(provider)
    assert (purchase.credits_granted, purchase.credits_reversed) == (CREDITS, 0)
    assert (purchase.paid_amount, purchase.refunded_amount, purchase.disputed_amount) == (PRICE, 0, 0)
    assert purchase.payment_id
    assert shopper.figures() == (CREDITS, 0)
    (entry,) = shopper.entries()
    assert shopper.kinds() == ["TOP_UP"]
    assert dict(entry.metadata) == {"purchase": purchase.name, "payment": purchase.payment_id}


@pytest.mark.requirement("E3")
def test_what_a_caller_says_pays_for_nothing(shopper: Shopper) -> None:
    """Only the provider's word does, and a second purchase is as unpaid as the first."""
    for _ in range(2):
        shopper.buy(return_url="https://shop.example/paid?status=paid")
    assert shopper.figures() == (0, 0)
    assert {state_of(purchase) for purchase in shopper.purchases()} == {"PENDING"}


@pytest.mark.requirement("A7", "E8")
@pytest.mark.parametrize("provider", CHECKOUTS, ids=PROVIDER_NAMES.get)
def test_the_same_request_again_is_the_same_purchase(shopper: Shopper, provider: int) -> None:
    request = shopper.buying(provider)
    first, call = shopper.staff.payment.CreatePurchase.with_call(request)
    assert not was_replayed(call)
    again, call = shopper.staff.payment.CreatePurchase.with_call(request)
    assert was_replayed(call)
    assert again == first
    assert len(shopper.purchases()) == len(shopper.checkouts(provider)) == 1


def test_the_same_request_after_the_payment_tells_how_it_stands_now(shopper: Shopper) -> None:
    request = shopper.buying()
    purchase = shopper.create(request)
    shopper.pay(purchase)
    shopper.becomes(purchase.name, "COMPLETED")
    assert state_of(shopper.create(request)) == "COMPLETED"
    assert len(shopper.checkouts()) == 1


def test_the_same_request_id_of_another_account_is_another_purchase(shopper: Shopper) -> None:
    other, request_id = shopper.another("other"), uuid7()
    assert shopper.buy(request_id=request_id).name != other.buy(request_id=request_id).name


@pytest.mark.requirement("A7")
def test_a_request_id_may_be_any_text(shopper: Shopper) -> None:
    """Up to 255 characters, whatever they are."""
    for request_id in ("x", "ก" * 255, "../../x", "' OR 1=1 --", "\n\t"):
        purchase = shopper.buy(request_id=request_id)
        assert shopper.create(shopper.buying(request_id=request_id)).name == purchase.name


@pytest.mark.requirement("A7")
@pytest.mark.parametrize(
    "other",
    [
        {"provider": LEMON_SQUEEZY},
        {"package_id": "another"},
        {"return_url": "https://evil.example"},
        {"method": METHOD.PAYMENT_METHOD_CHECKOUT},
        {"card_token": "tokn_test_1"},
    ],
    ids=lambda other: next(iter(other)),
)
def test_a_request_id_used_with_other_content_is_refused(shopper: Shopper, other: dict[str, Any]) -> None:
    first = shopper.buy(request_id="mine")
    refusal = refused(shopper.staff.payment.CreatePurchase, shopper.buying(request_id="mine", **other))
    assert (refusal.code, refusal.reason) == (grpc.StatusCode.ALREADY_EXISTS, "REQUEST_ID_REUSED")
    facts = facts_of(refusal)
    assert (facts["request_id"], facts["used_by"]) == ("mine", "PURCHASE")
    assert [purchase.name for purchase in shopper.purchases()] == [first.name]
    assert len(shopper.checkouts()) == 1


def test_the_package_stays_as_it_was_when_it_was_bought(shopper: Shopper) -> None:
    package_id = uuid7()
    shopper.market.sell(package_id=package_id)
    purchase = shopper.buy(package_id=package_id)
    shopper.staff.payment_admin.RetirePackage(
        payment_admin.RetirePackageRequest(name=package_name(package_id), request_id=uuid7())
    )
    shopper.pay(purchase)
    assert shopper.becomes(purchase.name, "COMPLETED").credits_granted == CREDITS


def test_a_package_that_there_is_not_or_not_any_more_is_not_sold(shopper: Shopper) -> None:
    package_id = uuid7()
    shopper.market.sell(package_id=package_id)
    shopper.staff.payment_admin.RetirePackage(
        payment_admin.RetirePackageRequest(name=package_name(package_id), request_id=uuid7())
    )
    for wanted, code, reason in (("nothing", "NOT_FOUND", "PACKAGE_NOT_FOUND"), (package_id, "", "PACKAGE_RETIRED")):
        refusal = refused(shopper.staff.payment.CreatePurchase, shopper.buying(package_id=wanted))
        assert (refusal.code.name, refusal.reason) == (code or "FAILED_PRECONDITION", reason)
        assert facts_of(refusal) == {"package_id": wanted}
    assert not shopper.purchases()
    assert not shopper.checkouts()


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"provider": STRIPE, "method": METHOD.PAYMENT_METHOD_PROMPTPAY}, "method"),
        ({"provider": LEMON_SQUEEZY, "method": METHOD.PAYMENT_METHOD_LINK}, "method"),
        ({"provider": OMISE, "method": METHOD.PAYMENT_METHOD_CHECKOUT}, "method"),
        ({"provider": OMISE, "package_id": "in-dong"}, "package_id"),
    ],
    ids=str,
)
def test_a_payment_that_the_provider_cannot_take_is_refused_by_field(
    shopper: Shopper, fields: dict[str, Any], field: str
) -> None:
    shopper.market.sell("VND", package_id="in-dong")
    refusal = refused(shopper.staff.payment.CreatePurchase, shopper.buying(**fields))
    assert (refusal.code, refusal.reason) == (grpc.StatusCode.INVALID_ARGUMENT, "PAYMENT_NOT_SUPPORTED")
    assert facts_of(refusal).keys() == {"field", "rule"}
    assert refusal.metadata["field"] == field
    assert not shopper.purchases()


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"provider": STRIPE, "return_url": ""}, "return_url"),
        ({"provider": STRIPE, "method": METHOD.PAYMENT_METHOD_CHECKOUT, "return_url": ""}, "return_url"),
        ({"provider": STRIPE, "card_token": "tokn_test_1"}, "card_token"),
        ({"provider": OMISE, "card_token": "tokn_test_1"}, "card_token"),
        ({"provider": OMISE, "method": METHOD.PAYMENT_METHOD_CARD_TOKEN}, "card_token"),
    ],
    ids=str,
)
def test_a_field_that_the_way_to_pay_needs_is_named_and_nothing_is_asked(
    shopper: Shopper, fields: dict[str, Any], field: str
) -> None:
    """Another way to pay is not what the caller needs to hear of."""
    refusal = refused(shopper.staff.payment.CreatePurchase, shopper.buying(**fields))
    assert (refusal.code, refusal.reason) == (grpc.StatusCode.INVALID_ARGUMENT, "INVALID_FIELD")
    assert (refusal.metadata["field"], refusal.violations) == (field, [field])
    assert not shopper.purchases()
    assert not shopper.checkouts(fields["provider"])


@pytest.mark.parametrize("provider", [OMISE, LEMON_SQUEEZY], ids=["Omise", "Lemon Squeezy"])
def test_where_nobody_has_to_come_back_no_address_is_needed(shopper: Shopper, provider: int) -> None:
    assert state_of(shopper.buy(provider, return_url="")) == "PENDING"


@pytest.mark.parametrize(
    ("provider", "amount", "currency", "minimum", "maximum"),
    [
        (STRIPE, 12_345, "ISK", "1", "999999999999"),
        (OMISE, 1_999, "THB", "2000", "15000000"),
        (OMISE, 15_000_001, "THB", "2000", "15000000"),
        (STRIPE, 12_345, "KWD", "1", "99999999"),
    ],
)
def test_an_amount_that_the_provider_does_not_take_is_refused_before_it_is_asked(
    shopper: Shopper, staff: SimpleNamespace, provider: int, amount: int, currency: str, minimum: str, maximum: str
) -> None:
    package_id = f"of-{amount}-{currency.lower()}-{provider}"
    price = money_pb2.Money(amount=amount, currency=currency)
    package = package_pb2.Package(package_id=package_id, display_name="X", price=price, credit_type="chat", credits=1)
    staff.payment_admin.CreatePackage(payment_admin.CreatePackageRequest(package=package, request_id=uuid7()))
    refusal = refused(shopper.staff.payment.CreatePurchase, shopper.buying(provider, package_id=package_id))
    assert (refusal.code, refusal.reason) == (grpc.StatusCode.INVALID_ARGUMENT, "PAYMENT_NOT_SUPPORTED")
    facts = facts_of(refusal)
    least, most = (money_text(int(amount), currency).partition(" ")[0] for amount in (minimum, maximum))
    assert facts.pop("rule").startswith(f"{least} to {most} {currency} by {facts['provider']}")
    assert facts == {
        "field": "package_id",
        "provider": PROVIDER_NAMES[provider].upper(),
        "currency": currency,
        "minimum": minimum,
        "maximum": maximum,
    }
    assert not shopper.purchases()
    assert not shopper.checkouts(provider)


def test_one_and_a_half_million_rupiah_are_paid_at_stripe(shopper: Shopper, staff: SimpleNamespace) -> None:
    price = money_pb2.Money(amount=150_000_000, currency="IDR")
    package = package_pb2.Package(
        package_id="in-rupiah", display_name="X", price=price, credit_type="chat", credits=1_000
    )
    staff.payment_admin.CreatePackage(payment_admin.CreatePackageRequest(package=package, request_id=uuid7()))
    purchase = shopper.bought(STRIPE, package_id="in-rupiah")
    assert (purchase.paid_amount, shopper.figures()) == (150_000_000, (1_000, 0))


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"account_id": ""}, "account_id"),
        ({"account_id": "a/../b"}, "account_id"),
        ({"account_id": "x" * 129}, "account_id"),
        ({"package_id": "../small"}, "package_id"),
        ({"provider": 0}, "provider"),
        ({"provider": 4}, "provider"),
        ({"method": 9}, "method"),
        ({"card_token": "4242424242424242"}, "card_token"),
        ({"card_token": "tokn_../../charges"}, "card_token"),
        ({"return_url": "javascript:alert(1)"}, "return_url"),
        ({"return_url": "https://shop.example/a b"}, "return_url"),
        ({"return_url": "https://x/" + "x" * 1_991}, "return_url"),
        ({"request_id": ""}, "request_id"),
        ({"request_id": "x" * 256}, "request_id"),
        ({"request_id": "a\x00b"}, "request_id"),
    ],
    ids=str,
)
def test_a_field_out_of_bounds_is_named_and_nothing_is_bought(
    shopper: Shopper, fields: dict[str, Any], field: str
) -> None:
    refusal = refused(shopper.staff.payment.CreatePurchase, shopper.buying(**fields))
    assert (refusal.code, refusal.reason) == (grpc.StatusCode.INVALID_ARGUMENT, "INVALID_FIELD")
    assert refusal.violations == [field]
    assert not shopper.purchases()


def test_nobodys_purchases_are_none(shopper: Shopper) -> None:
    answer = shopper.staff.payment.ListPurchases(pb.ListPurchasesRequest(account_id=shopper.account_id))
    assert answer == pb.ListPurchasesResponse()


@pytest.mark.requirement("E4")
def test_the_history_says_who_did_what(shopper: Shopper) -> None:
    owner = shopper.market.service.as_caller(shopper.account_id, "USER")
    purchase = owner.payment.CreatePurchase(shopper.buying()).purchase
    shopper.pay(purchase)
    seen = shopper.becomes(purchase.name, "COMPLETED")
    assert shopper.history(seen) == [
        ("PENDING", shopper.account_id),
        ("PENDING", "stripe"),
        ("COMPLETED", "stripe"),
    ]
    changes = shopper.changes(purchase.name)
    assert [change.version for change in changes] == [1, 2, 3] == list(range(1, seen.version + 1))
    assert changes[0].reason == "created"
    assert changes[-1].reason in {"checkout.session.completed", "payment_intent.succeeded"}
    assert changes[-1].credits_granted == CREDITS
    assert changes[-1].create_time == seen.update_time


def test_a_purchase_costs_what_the_package_does_at_the_provider(shopper: Shopper) -> None:
    session = shopper.market.fakes.stripe.sessions[shopper.buy().provider_reference]
    assert (session["amount_total"], session["currency"]) == (PRICE, "thb")


def test_two_hundred_characters_of_a_name_are_sold_everywhere(shopper: Shopper, staff: SimpleNamespace) -> None:
    package = package_pb2.Package(
        package_id=uuid7(),
        display_name="เครดิต" * 33,
        price=money_pb2.Money(amount=99_999_999, currency="THB"),
        credit_type="chat",
        credits=10**12,
        bonus=10**12,
    )
    staff.payment_admin.CreatePackage(payment_admin.CreatePackageRequest(package=package, request_id=uuid7()))
    assert set(PROVIDERS.values()) == {STRIPE, OMISE, LEMON_SQUEEZY}
    for provider in CHECKOUTS:
        purchase = shopper.buy(provider, package_id=package.package_id)
        shopper.pay(purchase)
        shopper.becomes(purchase.name, "COMPLETED")
    assert shopper.figures() == (4 * 10**12, 0)
