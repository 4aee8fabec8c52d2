"""Packages are put on sale and taken off again by staff (requirement E1)."""

from types import SimpleNamespace
from typing import Any

import grpc
import pytest
from google.protobuf.timestamp_pb2 import Timestamp

from credit.v1 import money_pb2, package_pb2
from credit.v1 import payment_admin_service_pb2 as payment_admin
from credit.v1 import payment_service_pb2 as pb
from creditd.domain.resource_names import package_name
from creditd.ledger.ids import uuid7
from tests.contract.payments.shopper import facts_of
from tests.support.refusals import refused

pytestmark = pytest.mark.requirement("E1")

PRICE = money_pb2.Money(amount=9_900, currency="THB")


def package(**fields: Any) -> package_pb2.Package:
    """Return a package that nobody has seen yet."""
    stated: dict[str, Any] = {
        "package_id": uuid7(),
        "display_name": "100 credits",
        "price": PRICE,
        "credit_type": "chat",
        "credits": 90,
        "bonus": 10,
    }
    return package_pb2.Package(**stated | fields)


def creating(wanted: package_pb2.Package) -> payment_admin.CreatePackageRequest:
    """Return the request to sell a package."""
    return payment_admin.CreatePackageRequest(package=wanted, request_id=uuid7())


def create(staff: SimpleNamespace, wanted: package_pb2.Package) -> package_pb2.Package:
    """Sell a package."""
    answer: payment_admin.CreatePackageResponse = staff.payment_admin.CreatePackage(creating(wanted))
    return answer.package


def retire(staff: SimpleNamespace, package_id: str) -> package_pb2.Package:
    """Sell a package no more."""
    answer: payment_admin.RetirePackageResponse = staff.payment_admin.RetirePackage(
        payment_admin.RetirePackageRequest(name=package_name(package_id), request_id=uuid7())
    )
    return answer.package


def listed(staff: SimpleNamespace, *, retired: bool = False) -> dict[str, package_pb2.Package]:
    """Return what is sold, by id and in the order of the answer."""
    request, found = pb.ListPackagesRequest(show_retired=retired, page_size=100), []
    while True:
        answer = staff.payment.ListPackages(request)
        found += answer.packages
        request.page_token = answer.next_page_token
        if not request.page_token:
            return {one.package_id: one for one in found}


def test_a_package_on_sale_is_listed_as_it_was_created(staff: SimpleNamespace) -> None:
    wanted = package()
    made = create(staff, wanted)
    assert made.create_time.seconds
    assert not made.HasField("retire_time")
    assert listed(staff)[wanted.package_id] == made
    assert made.name == f"packages/{wanted.package_id}"
    made.ClearField("create_time")
    made.ClearField("name")
    assert made == wanted


def test_packages_come_by_id(staff: SimpleNamespace) -> None:
    for _ in range(3):
        create(staff, package())
    assert list(listed(staff)) == sorted(listed(staff))


def test_its_times_are_not_the_callers_to_state(staff: SimpleNamespace) -> None:
    wanted = package(create_time=Timestamp(seconds=1), retire_time=Timestamp(seconds=2))
    made = create(staff, wanted)
    assert made.create_time.seconds > 1
    assert not made.HasField("retire_time")


def test_the_same_package_again_is_answered_as_before(staff: SimpleNamespace) -> None:
    wanted = package()
    assert create(staff, wanted) == create(staff, wanted)


@pytest.mark.parametrize(
    "other",
    [
        {"display_name": "More credits"},
        {"price": money_pb2.Money(amount=9_901, currency="THB")},
        {"price": money_pb2.Money(amount=9_900, currency="USD")},
        {"credit_type": "spec"},
        {"credits": 91},
        {"bonus": 0},
    ],
    ids=["name", "amount", "currency", "credit type", "credits", "bonus"],
)
def test_another_package_with_its_id_is_refused_and_changes_nothing(
    staff: SimpleNamespace, other: dict[str, Any]
) -> None:
    made = create(staff, package())
    refusal = refused(staff.payment_admin.CreatePackage, creating(package(package_id=made.package_id, **other)))
    assert (refusal.code, refusal.reason) == (grpc.StatusCode.ALREADY_EXISTS, "PACKAGE_EXISTS")
    assert facts_of(refusal) == {"package_id": made.package_id}
    assert listed(staff)[made.package_id] == made


def test_a_retired_package_is_shown_only_to_who_asks_for_those(staff: SimpleNamespace) -> None:
    made = create(staff, package())
    gone = retire(staff, made.package_id)
    assert gone.HasField("retire_time")
    assert made.package_id not in listed(staff)
    assert listed(staff, retired=True)[made.package_id] == gone


def test_to_retire_or_create_it_again_leaves_it_retired_as_it_is(staff: SimpleNamespace) -> None:
    wanted = package()
    create(staff, wanted)
    gone = retire(staff, wanted.package_id)
    assert retire(staff, wanted.package_id) == gone
    assert create(staff, wanted) == gone


def test_to_retire_what_there_is_not_is_refused(staff: SimpleNamespace) -> None:
    request = payment_admin.RetirePackageRequest(name=package_name("nothing"), request_id=uuid7())
    refusal = refused(staff.payment_admin.RetirePackage, request)
    assert (refusal.code, refusal.reason) == (grpc.StatusCode.NOT_FOUND, "PACKAGE_NOT_FOUND")
    assert facts_of(refusal) == {"package_id": "nothing"}


def test_credits_of_a_type_that_there_is_not_are_not_sold(staff: SimpleNamespace) -> None:
    wanted = package(credit_type="nothing")
    refusal = refused(staff.payment_admin.CreatePackage, creating(wanted))
    assert (refusal.code, refusal.reason) == (grpc.StatusCode.NOT_FOUND, "CREDIT_TYPE_NOT_FOUND")
    assert wanted.package_id not in listed(staff, retired=True)


@pytest.mark.parametrize(
    ("field", "spoilt"),
    [
        ("package.package_id", package(package_id="")),
        ("package.package_id", package(package_id="../small")),
        ("package.package_id", package(package_id="Small")),
        ("package.package_id", package(package_id="x" * 65)),
        ("package.display_name", package(display_name="")),
        ("package.display_name", package(display_name="x" * 201)),
        ("package.display_name", package(display_name="a\x00b")),
        ("package.price", package(price=None)),
        ("package.price.amount", package(price=money_pb2.Money(amount=0, currency="THB"))),
        ("package.price.amount", package(price=money_pb2.Money(amount=-1, currency="THB"))),
        ("package.price.amount", package(price=money_pb2.Money(amount=100_000_000, currency="THB"))),
        ("package.price.amount", package(price=money_pb2.Money(amount=10**12, currency="IDR"))),
        ("package.price.currency", package(price=money_pb2.Money(amount=1, currency="thb"))),
        ("package.price.currency", package(price=money_pb2.Money(amount=1, currency="BAHT"))),
        ("package.credit_type", package(credit_type="chat; --")),
        ("package.credits", package(credits=0)),
        ("package.credits", package(credits=10**12 + 1)),
        ("package.bonus", package(bonus=-1)),
        ("package.bonus", package(bonus=10**12 + 1)),
    ],
)
def test_a_field_out_of_bounds_is_named_and_nothing_is_sold(
    staff: SimpleNamespace, field: str, spoilt: package_pb2.Package
) -> None:
    before = listed(staff, retired=True)
    refusal = refused(staff.payment_admin.CreatePackage, creating(spoilt))
    assert (refusal.code, refusal.reason) == (grpc.StatusCode.INVALID_ARGUMENT, "INVALID_FIELD")
    assert refusal.violations == [field]
    assert listed(staff, retired=True) == before


@pytest.mark.parametrize(
    ("amount", "currency"),
    [
        (150_000_000, "IDR"),
        (999_999_999_999, "IDR"),
        (150_000_000, "VND"),
        (150_000_000, "KRW"),
        (100_000_000, "JPY"),
        (999_999_999, "INR"),
        (99_999_999, "THB"),
        (99_999_990, "KWD"),
        (1_000_000_000, "ISK"),
        (99_999_999, "QQQ"),
        (1, "QQQ"),
    ],
)
def test_a_price_is_as_high_as_its_currency_needs(staff: SimpleNamespace, amount: int, currency: str) -> None:
    wanted = package(price=money_pb2.Money(amount=amount, currency=currency))
    assert create(staff, wanted).price == wanted.price


@pytest.mark.parametrize(
    ("amount", "currency", "rule"),
    [
        (100_000_000, "THB", "0.01 to 999999.99 THB by STRIPE; 20.00 to 150000.00 THB by OMISE"),
        (100_000_000, "QQQ", "0.01 to 999999.99 QQQ by STRIPE"),
        (1_000_000_000, "INR", "0.01 to 9999999.99 INR by STRIPE"),
        (1_000_000_050, "ISK", "0.01 to 9999999999.99 ISK by STRIPE in multiples of 1.00"),
    ],
)
def test_a_price_that_no_provider_takes_is_refused_with_what_each_takes(
    staff: SimpleNamespace, amount: int, currency: str, rule: str
) -> None:
    wanted = package(price=money_pb2.Money(amount=amount, currency=currency))
    refusal = refused(staff.payment_admin.CreatePackage, creating(wanted))
    assert (refusal.code, refusal.reason) == (grpc.StatusCode.INVALID_ARGUMENT, "INVALID_FIELD")
    assert refusal.violations == ["package.price.amount"]
    assert rule in refusal.metadata["rule"]
    assert wanted.package_id not in listed(staff, retired=True)


def test_no_package_at_all_is_refused(staff: SimpleNamespace) -> None:
    assert refused(
        staff.payment_admin.CreatePackage, payment_admin.CreatePackageRequest(request_id=uuid7())
    ).violations == ["package"]
