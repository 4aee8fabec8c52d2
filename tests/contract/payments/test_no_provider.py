"""A service without any payment provider sells nothing, takes no webhook, and has nothing to show."""

from collections.abc import Iterator
from types import SimpleNamespace

import grpc
import pytest

from credit.v1 import payment_admin_service_pb2 as payment_admin
from credit.v1 import payment_service_pb2 as pb
from tests.contract.payments.shopper import LABELS, PROVIDER_NAMES, facts_of
from tests.support.market import LEMON_SQUEEZY, OMISE, STRIPE
from tests.support.refusals import refused
from tests.support.service import running_service
from tests.support.signed_webhooks import SIGN, ingesting

EVERY = [STRIPE, OMISE, LEMON_SQUEEZY]


@pytest.fixture(scope="module")
def bare(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SimpleNamespace]:
    """Run a service without providers, and return the stubs of its administrator."""
    with running_service(tmp_path_factory.mktemp("bare")) as service:
        yield service.as_caller("staff", "ADMIN")


def test_every_list_is_empty(bare: SimpleNamespace) -> None:
    assert bare.payment.ListPackages(pb.ListPackagesRequest(show_retired=True)) == pb.ListPackagesResponse()
    events = bare.payment_admin.ListPaymentEvents(payment_admin.ListPaymentEventsRequest())
    assert events == payment_admin.ListPaymentEventsResponse()
    rejected = bare.payment_admin.ListRejectedWebhooks(payment_admin.ListRejectedWebhooksRequest())
    assert rejected == payment_admin.ListRejectedWebhooksResponse()


@pytest.mark.parametrize("provider", EVERY, ids=PROVIDER_NAMES.get)
def test_what_needs_a_provider_is_refused_with_its_name(bare: SimpleNamespace, provider: int) -> None:
    buying = pb.CreatePurchaseRequest(account_id="ann", package_id="small", request_id="1")
    buying.provider = provider  # type: ignore[assignment]
    reconciliation = payment_admin.ReconcilePaymentsRequest()
    reconciliation.provider = provider  # type: ignore[assignment]
    for call, request in (
        (bare.payment.CreatePurchase, buying),
        (bare.webhook.IngestWebhook, ingesting(provider, b"{}", SIGN[provider](b"", b"{}", 0))),
        (bare.payment_admin.ReconcilePayments, reconciliation),
    ):
        refusal = refused(call, request)
        assert (refusal.code, refusal.reason) == (grpc.StatusCode.NOT_FOUND, "PROVIDER_NOT_CONFIGURED")
        assert facts_of(refusal) == {"provider": LABELS[provider].upper()}
    purchases = bare.payment.ListPurchases(pb.ListPurchasesRequest(account_id="ann"))
    assert purchases == pb.ListPurchasesResponse()
