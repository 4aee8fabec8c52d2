"""A request of every RPC that would be taken, and do something, if its caller were let in."""

from collections.abc import Callable, Mapping
from typing import Final
from uuid import uuid4

from google.protobuf.message import Message
from google.protobuf.message_factory import GetMessageClass

from credit.v1 import access_service_pb2 as access
from credit.v1 import admin_service_pb2 as admin
from credit.v1 import api_key_service_pb2 as api_key
from credit.v1 import approval_service_pb2 as approvals
from credit.v1 import audit_service_pb2 as audit
from credit.v1 import credit_service_pb2 as credit
from credit.v1 import event_endpoint_service_pb2 as endpoints
from credit.v1 import event_service_pb2
from credit.v1 import payment_admin_service_pb2 as payment_admin
from credit.v1 import payment_provider_pb2 as provider
from credit.v1 import payment_service_pb2 as payment
from credit.v1 import promo_service_pb2 as promo
from credit.v1 import statement_service_pb2 as statement
from credit.v1 import support_service_pb2 as support
from credit.v1 import webhook_service_pb2 as webhook
from credit.v1 import workflow_service_pb2 as workflow_service
from credit.v1.credit_type_pb2 import CreditType
from credit.v1.event_endpoint_pb2 import EventEndpoint
from credit.v1.money_pb2 import Money
from credit.v1.package_pb2 import Package
from credit.v1.promo_code_pb2 import PromoCode
from creditd.bootstrap.identity import IDENTITY_SERVICES
from creditd.domain.resource_names import grant_name
from tests.contract.requests_taken import METHODS
from tests.support.customer import Customer
from tests.support.office import Office, creating, granting, revoking, updating
from tests.support.promos import make_code, making, redeeming, terms
from tests.support.service import RunningService
from tests.support.workflows import archiving
from tests.support.workflows import creating as creating_workflow
from tests.support.workflows import updating as updating_workflow

ACCOUNT: Final = "matrix-owner"

UNKNOWN: Final = "01890000-0000-7000-8000-000000000000"

_OF_NO_ACCOUNT: Final = {
    *("ListCreditTypes", "CreateCreditType", "ListAccounts", "ListPackages", "CreatePackage", "RetirePackage"),
    *("ListPaymentEvents", "GetPaymentEvent", "ReplayPaymentEvent", "DismissPaymentEvent", "ListRejectedWebhooks"),
    *("ReconcilePayments", "IngestWebhook", "GrantRole", "RevokeRole", "ListRoleGrants", "CreateServiceAccount"),
    *("UpdateServiceAccount", "ListServiceAccounts", "GetMyAccess", "ListAuditEvents", "GetAuditHead", "Search"),
    "GetUsageAnalytics",
    *("CreatePromoCode", "GeneratePromoCodes", "GetPromoCode", "ListPromoCodes", "EndPromoCode"),
    "GetSystemStatus",
    *(method.name for method in endpoints.DESCRIPTOR.services_by_name["EventEndpointService"].methods),
    *(method.name for service in IDENTITY_SERVICES for method in service.methods),
}

Make = Callable[[RunningService], Message]


def named(rpc: str) -> bool:
    """Tell whether the requests name the account: themselves, or by each of their items."""
    return rpc not in _OF_NO_ACCOUNT


def _customer(service: RunningService) -> Customer:
    app = service.as_caller("app", "SERVICE", scope="credits.spend credits.read credits.admin")
    customer = Customer(service, app, service.as_caller("staff", "ADMIN"), ACCOUNT)
    customer.top_up(1_000)
    return customer


def _taken(rpc: str) -> Make:
    return lambda service: METHODS[rpc].make(_customer(service))


_ENDPOINT: Final = "eventEndpoints/matrix"


def _endpoint() -> EventEndpoint:
    # An address, so that no name has to be resolved.
    return EventEndpoint(name=f"eventEndpoints/e{uuid4().hex}", url="https://1.1.1.1/events")


def _about_an_endpoint(request: Callable[..., Message], **fields: object) -> Make:
    return lambda _: request(name=_ENDPOINT, reason="test", request_id=_id(), **fields)


def _id() -> str:
    return uuid4().hex


def _new_package() -> payment_admin.CreatePackageRequest:
    package = Package(
        package_id=f"p-{_id()}",
        display_name="P",
        price=Money(amount=1000, currency="THB"),
        credit_type="chat",
        credits=1,
    )
    return payment_admin.CreatePackageRequest(package=package, request_id=_id())


def _package(service: RunningService) -> str:
    name: str = service.as_caller("staff", "ADMIN").payment_admin.CreatePackage(_new_package()).package.name
    return name


def _revoking(service: RunningService) -> Message:
    subject = f"held-{_id()}"
    Office(service).grant(subject, "SUPPORT")
    return revoking(subject, "SUPPORT")


def _updating(service: RunningService) -> Message:
    account = Office(service).admin.access.CreateServiceAccount(creating(f"robot-{_id()}")).service_account
    account.version = 0
    return updating(account, disabled=True)


def _asked_for(service: RunningService, maker: str = "maker") -> str:
    asking = service.as_caller(maker, "FINANCE").admin.RemoveCredits
    name: str = asking(_customer(service).removing(1, request_id=_id())).approval.name
    return name


def _promo_code(service: RunningService) -> PromoCode:
    return make_code(service.as_caller("staff", "ADMIN"))


def _run(service: RunningService) -> str:
    service.as_caller("staff", "ADMIN").admin.AddCredits(
        admin.AddCreditsRequest(
            account_id=ACCOUNT,
            amounts=[admin.CreditAmount(credit_type="chat", amount=10)],
            reason="a test",
            request_id=_id(),
        )
    )
    stubs = service.as_caller(ACCOUNT, "USER").workflow
    request = workflow_service.RunWorkflowRequest(name=_workflow(service), request_id=_id())
    name: str = stubs.RunWorkflow(request).run.name
    # Not one is left open: there may be a hundred.
    stubs.CancelRun(workflow_service.CancelRunRequest(name=name, request_id=_id()))
    return name


def _workflow(service: RunningService) -> str:
    make = creating_workflow(ACCOUNT, f"w{_id()}")
    name: str = service.as_caller(ACCOUNT, "USER").workflow.CreateWorkflow(make).workflow.name
    return name


_BY_HAND: dict[str, Make] = {
    "Approve": lambda s: approvals.ApproveRequest(name=_asked_for(s), request_id=_id()),
    "Reject": lambda s: approvals.RejectRequest(name=_asked_for(s), reason="a test", request_id=_id()),
    "CancelApproval": lambda s: approvals.CancelApprovalRequest(name=_asked_for(s, "somebody"), request_id=_id()),
    "GetApproval": lambda s: approvals.GetApprovalRequest(name=_asked_for(s)),
    "ListApprovals": lambda _: approvals.ListApprovalsRequest(account_id=ACCOUNT),
    "CreatePromoCode": lambda _: making(),
    "GeneratePromoCodes": lambda _: promo.GeneratePromoCodesRequest(
        count=1, terms=terms(), reason="a test", request_id=_id()
    ),
    "GetPromoCode": lambda s: promo.GetPromoCodeRequest(name=_promo_code(s).name),
    "ListPromoCodes": lambda _: promo.ListPromoCodesRequest(),
    "EndPromoCode": lambda s: promo.EndPromoCodeRequest(name=_promo_code(s).name, reason="a test", request_id=_id()),
    "RedeemPromoCode": lambda s: redeeming(ACCOUNT, _promo_code(s).display_code),
    "ExportTransactions": lambda _: statement.ExportTransactionsRequest(
        account_id=ACCOUNT, format=statement.STATEMENT_FORMAT_CSV
    ),
    "GetReceipt": lambda _: statement.GetReceiptRequest(
        name=f"accounts/{ACCOUNT}/purchases/{UNKNOWN}", kind=statement.RECEIPT_KIND_PAYMENT
    ),
    "ListCreditTypes": lambda _: credit.ListCreditTypesRequest(),
    "BatchReserve": lambda s: credit.BatchReserveRequest(requests=[_customer(s).reserving(1)]),
    "BatchDeduct": lambda s: credit.BatchDeductRequest(requests=[_customer(s).deducting(1)]),
    "BatchConfirm": lambda s: credit.BatchConfirmRequest(requests=[_customer(s).confirming(_customer(s).hold(1))]),
    "CreateCreditType": lambda _: admin.CreateCreditTypeRequest(
        credit_type=CreditType(code=f"t{_id()[:20]}", display_name="T"), request_id=_id()
    ),
    "WriteOffDebt": lambda _: admin.WriteOffDebtRequest(
        account_id=ACCOUNT, credit_type="chat", reason="a test", request_id=_id()
    ),
    "ListPackages": lambda _: payment.ListPackagesRequest(),
    "CreatePurchase": lambda s: payment.CreatePurchaseRequest(
        account_id=ACCOUNT,
        package_id=_package(s).removeprefix("packages/"),
        provider=provider.PAYMENT_PROVIDER_OMISE,
        request_id=_id(),
    ),
    "GetPurchase": lambda _: payment.GetPurchaseRequest(name=f"accounts/{ACCOUNT}/purchases/{UNKNOWN}"),
    "ListPurchases": lambda _: payment.ListPurchasesRequest(account_id=ACCOUNT),
    "CancelPurchase": lambda _: payment.CancelPurchaseRequest(
        name=f"accounts/{ACCOUNT}/purchases/{UNKNOWN}", request_id=_id()
    ),
    "CreatePackage": lambda _: _new_package(),
    "RetirePackage": lambda s: payment_admin.RetirePackageRequest(name=_package(s), request_id=_id()),
    "ReversePurchase": lambda _: payment_admin.ReversePurchaseRequest(
        name=f"accounts/{ACCOUNT}/purchases/{UNKNOWN}", reason="a test", request_id=_id()
    ),
    "InspectPurchase": lambda _: payment_admin.InspectPurchaseRequest(
        name=f"accounts/{ACCOUNT}/purchases/{UNKNOWN}", reason="a test", request_id=_id()
    ),
    "ListPaymentEvents": lambda _: payment_admin.ListPaymentEventsRequest(),
    "GetPaymentEvent": lambda _: payment_admin.GetPaymentEventRequest(name=f"paymentEvents/{UNKNOWN}"),
    "ReplayPaymentEvent": lambda _: payment_admin.ReplayPaymentEventRequest(
        name=f"paymentEvents/{UNKNOWN}", reason="a test", request_id=_id()
    ),
    "DismissPaymentEvent": lambda _: payment_admin.DismissPaymentEventRequest(
        name=f"paymentEvents/{UNKNOWN}", reason="a test", request_id=_id()
    ),
    "ListRejectedWebhooks": lambda _: payment_admin.ListRejectedWebhooksRequest(),
    "ListSubscriptions": lambda _: payment_admin.ListSubscriptionsRequest(account_id=ACCOUNT),
    "ReconcilePayments": lambda _: payment_admin.ReconcilePaymentsRequest(provider=provider.PAYMENT_PROVIDER_OMISE),
    "IngestWebhook": lambda _: webhook.IngestWebhookRequest(provider=provider.PAYMENT_PROVIDER_OMISE, body=b"{}"),
    "GrantRole": lambda _: granting(f"new-{_id()}", "SUPPORT"),
    "RevokeRole": _revoking,
    "ListRoleGrants": lambda _: access.ListRoleGrantsRequest(),
    "CreateServiceAccount": lambda _: creating(f"robot-{_id()}"),
    "UpdateServiceAccount": _updating,
    "ListServiceAccounts": lambda _: access.ListServiceAccountsRequest(),
    "GetGrant": lambda _: support.GetGrantRequest(name=grant_name(ACCOUNT, "chat", UNKNOWN)),
    "ReturnHold": lambda _: support.ReturnHoldRequest(
        name=f"accounts/{ACCOUNT}/wallets/chat/reservations/{UNKNOWN}", reason="a test", request_id=_id()
    ),
    "GiveCredits": lambda _: support.GiveCreditsRequest(
        account_id=ACCOUNT, credit_type="chat", amount=1, reason="a test", request_id=_id()
    ),
    "GetSystemStatus": lambda _: support.GetSystemStatusRequest(),
    "SubscribeEvents": lambda _: event_service_pb2.SubscribeEventsRequest(account_id=ACCOUNT),
    "CreateEventEndpoint": lambda _: endpoints.CreateEventEndpointRequest(
        event_endpoint=_endpoint(), reason="test", request_id=_id()
    ),
    "UpdateEventEndpoint": lambda _: endpoints.UpdateEventEndpointRequest(
        event_endpoint=_endpoint(), reason="test", request_id=_id()
    ),
    "GetEventEndpoint": lambda _: endpoints.GetEventEndpointRequest(name=_ENDPOINT),
    "ListEventEndpoints": lambda _: endpoints.ListEventEndpointsRequest(),
    "ListDeliveryAttempts": lambda _: endpoints.ListDeliveryAttemptsRequest(name=_ENDPOINT),
    "ListDeadLetters": lambda _: endpoints.ListDeadLettersRequest(name=_ENDPOINT),
    "DeleteEventEndpoint": _about_an_endpoint(endpoints.DeleteEventEndpointRequest),
    "RotateEventEndpointSecret": _about_an_endpoint(endpoints.RotateEventEndpointSecretRequest),
    "PauseEventEndpoint": _about_an_endpoint(endpoints.PauseEventEndpointRequest),
    "ResumeEventEndpoint": _about_an_endpoint(endpoints.ResumeEventEndpointRequest),
    "ReplayEvents": _about_an_endpoint(endpoints.ReplayEventsRequest, after_position=0),
    "CreateWorkflow": lambda _: creating_workflow(ACCOUNT, f"w{_id()}"),
    "GetWorkflow": lambda s: workflow_service.GetWorkflowRequest(name=_workflow(s)),
    "ListWorkflows": lambda _: workflow_service.ListWorkflowsRequest(account_id=ACCOUNT),
    "UpdateWorkflow": lambda s: updating_workflow(_workflow(s), "fixed_amount", fixed_amount=7),
    "ArchiveWorkflow": lambda s: archiving(_workflow(s)),
    "RunWorkflow": lambda s: workflow_service.RunWorkflowRequest(
        name=_workflow(s), request_id=_id(), validate_only=True
    ),
    "GetRun": lambda s: workflow_service.GetRunRequest(name=_run(s)),
    "ListRuns": lambda _: workflow_service.ListRunsRequest(account_id=ACCOUNT),
    "CancelRun": lambda s: workflow_service.CancelRunRequest(name=_run(s), request_id=_id()),
    "WatchRun": lambda s: workflow_service.WatchRunRequest(name=_run(s)),
    "GetAuditHead": lambda _: audit.GetAuditHeadRequest(),
    "ListAuditEvents": lambda _: audit.ListAuditEventsRequest(),
    "GetMyAccess": lambda _: access.GetMyAccessRequest(),
}


def _empty(kind: type[Message]) -> Make:
    return lambda _: kind()


# Those of identity lack what they need: passwords take long to look at, and nobody of that name has registered.
_OF_IDENTITY: dict[str, Make] = {
    method.name: _empty(GetMessageClass(method.input_type)) for method in IDENTITY_SERVICES[0].methods
}

_OF_KEYS: dict[str, Make] = {
    "CreateApiKey": lambda _: api_key.CreateApiKeyRequest(
        service_account_id=f"robot-{_id()}", reason="a test", request_id=_id()
    ),
    "ListApiKeys": lambda _: api_key.ListApiKeysRequest(service_account_id="robot"),
    "RotateApiKey": lambda _: api_key.RotateApiKeyRequest(name=f"apiKeys/{UNKNOWN}", reason="a test", request_id=_id()),
    "RevokeApiKey": lambda _: api_key.RevokeApiKeyRequest(name=f"apiKeys/{UNKNOWN}", reason="a test"),
    "ExchangeApiKey": lambda _: api_key.ExchangeApiKeyRequest(secret="ck_nobodys"),  # noqa: S106 - it is none.
}

REQUESTS: Final[Mapping[str, Make]] = {rpc: _taken(rpc) for rpc in METHODS} | _BY_HAND | _OF_IDENTITY | _OF_KEYS
"""How to make a request of each RPC, with whatever it is about made first."""
