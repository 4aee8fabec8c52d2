"""Requests of staff about no account: each of something of its own."""

from typing import Any

from credit.v1 import admin_service_pb2 as admin
from credit.v1 import package_pb2
from credit.v1 import payment_admin_service_pb2 as payment_admin
from credit.v1.credit_type_pb2 import CreditType
from credit.v1.money_pb2 import Money
from creditd.ledger.ids import uuid7
from tests.contract.payments.events import stripe_event_ingested
from tests.contract.payments.shopper import Shopper
from tests.support.market import PRICE
from tests.support.signed_webhooks import stripe_payment


def declare(_: Shopper) -> Any:
    """Return the request to declare a credit type."""
    return admin.CreateCreditTypeRequest(credit_type=CreditType(code=f"c{uuid7()[-12:]}"), request_id=uuid7())


def create(_: Shopper) -> payment_admin.CreatePackageRequest:
    """Return the request to sell a package."""
    price = Money(amount=PRICE, currency="THB")
    package = package_pb2.Package(package_id=uuid7(), display_name="Small", price=price, credit_type="chat", credits=90)
    return payment_admin.CreatePackageRequest(package=package, request_id=uuid7())


def retire(shopper: Shopper) -> Any:
    """Return the request to retire a package that is on sale."""
    made = shopper.staff.payment_admin.CreatePackage(create(shopper)).package
    return payment_admin.RetirePackageRequest(name=made.name, request_id=uuid7())


def parked(shopper: Shopper) -> str:
    """Return the name of an event that waits for a person."""
    payment = stripe_payment(shopper.buy().name, amount_received=PRICE + 1)
    return stripe_event_ingested(shopper, "payment_intent.succeeded", payment).name


def replay(shopper: Shopper) -> Any:
    """Return the request to replay an event."""
    return payment_admin.ReplayPaymentEventRequest(name=parked(shopper), reason="again", request_id=uuid7())


def dismiss(shopper: Shopper) -> Any:
    """Return the request to dismiss an event."""
    return payment_admin.DismissPaymentEventRequest(name=parked(shopper), reason="no", request_id=uuid7())


def inspect(shopper: Shopper) -> Any:
    """Return the request to have a purchase looked at."""
    return payment_admin.InspectPurchaseRequest(name=shopper.buy().name, reason="paid, she says", request_id=uuid7())
