"""Who may call what about payments: owners for their own account, services by their scopes, staff by their roles."""

from collections.abc import Mapping
from typing import Any, NamedTuple

import grpc
import pytest

from credit.v1 import admin_service_pb2
from credit.v1 import payment_admin_service_pb2 as payment_admin
from credit.v1 import payment_service_pb2 as pb
from credit.v1 import webhook_service_pb2 as webhook
from credit.v1.admin_service_pb2_grpc import AdminServiceStub
from credit.v1.payment_admin_service_pb2_grpc import PaymentAdminServiceStub
from credit.v1.payment_service_pb2_grpc import PaymentServiceStub
from credit.v1.webhook_service_pb2_grpc import WebhookServiceStub
from creditd.ledger.ids import uuid7
from tests.contract.leaks import tells_nothing_of_our_insides
from tests.contract.payments.shopper import Shopper, state_of
from tests.support.market import STRIPE
from tests.support.refusals import read_refusal, refused
from tests.support.service import RunningService
from tests.support.signed_webhooks import body_of, signed, stripe_event, stripe_payment
from tests.support.tokens import bearer

pytestmark = pytest.mark.requirement("D3")

UNKNOWN = "01890000-0000-7000-8000-000000000000"
ACCOUNT = "owner"
NAME = f"accounts/{ACCOUNT}/purchases/{UNKNOWN}"


class Caller(NamedTuple):
    """Who calls: with which token's subject, role and scope."""

    subject: str
    role: str
    scope: str = ""


ADMINS = {Caller("a", "ADMIN"), Caller("a", "SUPER_ADMIN")}
FINANCE = ADMINS | {Caller("f", "FINANCE")}
STAFF = FINANCE | {Caller("s", "SUPPORT")}
OWNERS = {Caller(ACCOUNT, "USER"), Caller(ACCOUNT, "PREMIUM")}
OTHERS = {Caller("other", "USER"), Caller("other", "PREMIUM")}
BUYER, READER = Caller("shop", "SERVICE", "payments.write"), Caller("app", "SERVICE", "credits.read")
ADAPTER, SPENDER = Caller("webhooks", "SERVICE", "payments.ingest"), Caller("app", "SERVICE", "credits.spend")
NOBODIES = {Caller("x", "NOBODY"), Caller("x", "SERVICE"), Caller("x", "SERVICE", "credits.admin"), Caller("x", "")}

EVERYBODY = sorted(STAFF | OWNERS | OTHERS | {BUYER, READER, ADAPTER, SPENDER} | NOBODIES)

ALLOWED: Mapping[str, tuple[Any, set[Caller]]] = {
    "ListPackages": (pb.ListPackagesRequest(), STAFF | OWNERS | OTHERS | {BUYER, READER}),
    "CreatePurchase": (pb.CreatePurchaseRequest(account_id=ACCOUNT), ADMINS | OWNERS | {BUYER}),
    "GetPurchase": (pb.GetPurchaseRequest(name=NAME), STAFF | OWNERS | {BUYER, READER}),
    "ListPurchases": (pb.ListPurchasesRequest(account_id=ACCOUNT), STAFF | OWNERS | {BUYER, READER}),
    "CancelPurchase": (pb.CancelPurchaseRequest(name=NAME, request_id=uuid7()), ADMINS | OWNERS | {BUYER}),
    "IngestWebhook": (webhook.IngestWebhookRequest(), ADMINS | {ADAPTER}),
    "CreatePackage": (payment_admin.CreatePackageRequest(request_id=uuid7()), ADMINS),
    "RetirePackage": (payment_admin.RetirePackageRequest(request_id=uuid7()), ADMINS),
    "ReversePurchase": (payment_admin.ReversePurchaseRequest(name=NAME), FINANCE),
    "InspectPurchase": (payment_admin.InspectPurchaseRequest(name=NAME), STAFF),
    "WriteOffDebt": (admin_service_pb2.WriteOffDebtRequest(account_id=ACCOUNT), FINANCE),
    "ListPaymentEvents": (payment_admin.ListPaymentEventsRequest(), FINANCE),
    "GetPaymentEvent": (payment_admin.GetPaymentEventRequest(), FINANCE),
    "ReplayPaymentEvent": (payment_admin.ReplayPaymentEventRequest(request_id=uuid7()), ADMINS),
    "DismissPaymentEvent": (payment_admin.DismissPaymentEventRequest(request_id=uuid7()), ADMINS),
    "ListRejectedWebhooks": (payment_admin.ListRejectedWebhooksRequest(), FINANCE),
    "ListSubscriptions": (payment_admin.ListSubscriptionsRequest(account_id=ACCOUNT), STAFF),
    "ReconcilePayments": (payment_admin.ReconcilePaymentsRequest(), ADMINS),
}
"""Requests that change nothing: most lack a field, which is looked at only after the caller."""


@pytest.fixture(scope="module")
def calls(service: RunningService) -> dict[str, Any]:
    """Return every call by its name, without a token."""
    channel = service.channel()
    stubs = PaymentServiceStub, PaymentAdminServiceStub, AdminServiceStub, WebhookServiceStub
    return {name: call for stub in stubs for name, call in vars(stub(channel)).items()}


def outcome_of(call: Any, request: Any, **options: Any) -> str:
    """Return why a call was refused, or OK."""
    try:
        answer = call(request, timeout=20, **options)
        if hasattr(answer, "__next__"):
            list(answer)
    except grpc.RpcError as error:
        return read_refusal(error).reason
    return "OK"


@pytest.mark.parametrize("method", ALLOWED)
def test_just_those_who_may_are_let_in(calls: dict[str, Any], method: str) -> None:
    request, allowed = ALLOWED[method]
    let_in = set()
    for caller in EVERYBODY:
        roles = [caller.role] if caller.role else []
        metadata = [("authorization", bearer(caller.subject, roles, caller.scope))]
        if outcome_of(calls[method], request, metadata=metadata) != "PERMISSION_DENIED":
            let_in.add(caller)
    assert let_in == allowed


@pytest.mark.parametrize("method", ALLOWED)
def test_nobody_is_let_in_without_a_token(calls: dict[str, Any], method: str) -> None:
    request, _ = ALLOWED[method]
    refusal = refused(calls[method], request, timeout=20)
    assert (refusal.code, refusal.reason) == (grpc.StatusCode.UNAUTHENTICATED, "TOKEN_INVALID")


def test_owners_buy_for_themselves_and_for_nobody_else(shopper: Shopper) -> None:
    other = shopper.another("other")
    owner = shopper.market.service.as_caller(shopper.account_id, "USER")
    purchase = owner.payment.CreatePurchase(shopper.buying()).purchase
    refusal = refused(owner.payment.CreatePurchase, other.buying())
    assert (refusal.code, refusal.reason) == (grpc.StatusCode.PERMISSION_DENIED, "PERMISSION_DENIED")
    assert not other.purchases()
    assert owner.payment.GetPurchase(pb.GetPurchaseRequest(name=purchase.name)).purchase.name == purchase.name
    assert (
        state_of(
            owner.payment.CancelPurchase(pb.CancelPurchaseRequest(name=purchase.name, request_id=uuid7())).purchase
        )
        == "CANCELLED"
    )


def test_a_refusal_does_not_tell_whether_a_purchase_exists(shopper: Shopper) -> None:
    """Nor do names with paths in them lead to another's."""
    name = shopper.buy().name
    somebody = shopper.market.service.as_caller("somebody", "USER")
    unknown = name[:-36] + UNKNOWN
    metadata = [("x-correlation-id", "same")]
    for call, kind in (
        (somebody.payment.GetPurchase, pb.GetPurchaseRequest),
        (somebody.payment.CancelPurchase, pb.CancelPurchaseRequest),
    ):
        refusals = [refused(call, kind(name=one), metadata=metadata) for one in (name, unknown, "no name")]
        assert {refusal.reason for refusal in refusals} == {"PERMISSION_DENIED"}
        assert len({refusal.message for refusal in refusals}) == 1
        assert all(map(tells_nothing_of_our_insides, refusals))
        trick = name.replace("accounts/", "accounts/somebody/../")
        assert refused(call, kind(name=trick), metadata=metadata).reason == "INVALID_FIELD"
    assert state_of(shopper.purchase(name)) == "PENDING"


@pytest.mark.requirement("E2")
def test_the_adapter_can_mint_nothing(shopper: Shopper) -> None:
    """Its token opens one door, and behind that the provider's signature counts."""
    adapter = shopper.market.service.as_caller("webhooks", "SERVICE", scope="payments.ingest")
    request = signed(shopper.market, STRIPE, body_of(stripe_event("a.b", stripe_payment(shopper.buy().name))))
    assert adapter.webhook.IngestWebhook(request).result == webhook.INGEST_RESULT_NOT_OF_INTEREST
    del request.headers[:]
    assert refused(adapter.webhook.IngestWebhook, request).reason == "WEBHOOK_REJECTED"
    assert refused(adapter.payment.ListPackages, pb.ListPackagesRequest()).reason == "PERMISSION_DENIED"
    assert shopper.figures() == (0, 0)
