"""Every RPC has a rule, what has none is refused, and each role may do what the permission matrix says."""

import importlib
import pkgutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from google.protobuf.message_factory import GetMessageClass

import credit.v1
from creditd.cli.methods import all_methods
from creditd.server.authentication.callers import ROLES, Caller
from creditd.server.authorization.policy import PERMISSIONS, RULES, authorize, rule_for
from creditd.server.refusals import PermissionDenied
from creditd.server.requests import account_reader
from tests.support.rules import rules_of

CREDIT = "/credit.v1.CreditService/"
ADMIN = "/credit.v1.AdminService/"
APPROVAL = "/credit.v1.ApprovalService/"
STATEMENT = "/credit.v1.StatementService/"
SUPPORT = "/credit.v1.SupportService/"
PAYMENT = "/credit.v1.PaymentService/"
PAYMENT_ADMIN = "/credit.v1.PaymentAdminService/"
PROMO = "/credit.v1.PromoService/"
WEBHOOK = "/credit.v1.WebhookService/"
IDENTITY = "/credit.v1.IdentityService/"
WORKFLOW = "/credit.v1.WorkflowService/"

SPENDING = {
    "Reserve",
    "Confirm",
    "Refund",
    "Deduct",
    "ExtendReservation",
    "BatchReserve",
    "BatchConfirm",
    "BatchDeduct",
}
OWN_READING = {
    *("GetBalance", "WatchBalance", "GetReservation", "ListReservations", "ListTransactions", "GetHistoricalBalance"),
    "GetUsageSummary",
}
SUPPORTING = {
    *("ExplainReserve", "GetGrant", "ListGrants", "ListGrantUses", "ListAccountHistory", "Search"),
    *("GetSystemStatus", "ReturnHold", "GiveCredits"),
}
READING = OWN_READING | {"BatchGetBalances"}
PURCHASE_READING = {"GetPurchase", "ListPurchases"}
RECEIPT = {STATEMENT + "GetReceipt"}
BUYING = PURCHASE_READING | {"CreatePurchase", "CancelPurchase"}
REDEEMING = {PROMO + "RedeemPromoCode"}
WORKFLOW_READING = {WORKFLOW + name for name in ("GetWorkflow", "ListWorkflows", "GetRun", "ListRuns", "WatchRun")}
WORKING = WORKFLOW_READING | {
    WORKFLOW + name for name in ("CreateWorkflow", "UpdateWorkflow", "ArchiveWorkflow", "RunWorkflow", "CancelRun")
}


def described_rpcs() -> Iterator[str]:
    for module in pkgutil.iter_modules(credit.v1.__path__, "credit.v1."):
        if module.name.endswith("_pb2"):
            file = importlib.import_module(module.name).DESCRIPTOR
            for service in file.services_by_name.values():
                yield from (f"/{service.full_name}/{method.name}" for method in service.methods)


METHODS = {f"/{method.containing_service.full_name}/{method.name}": method for method in all_methods()}

RPCS = sorted(described_rpcs())


def may(method: str, caller: Caller, account_id: str | None) -> bool:
    try:
        authorize(rule_for(method), caller, account_id)
    except PermissionDenied:
        return False
    return True


ONESELF = "/credit.v1.AccessService/GetMyAccess"
"""What everybody may call who has a token."""


def allowed(caller: Caller, account_id: str | None) -> set[str]:
    assert may(ONESELF, caller, account_id)
    return {rpc for rpc in RPCS if may(rpc, caller, account_id)} - {ONESELF} - OPEN - THEMSELVES


def somebody(*roles: str, scopes: tuple[str, ...] = (), subject: str = "me") -> Caller:
    return Caller(subject, frozenset(roles), frozenset(scopes), subject)


def credit_rpcs(names: set[str]) -> set[str]:
    return {CREDIT + name for name in names}


def admin_rpcs(*names: str) -> set[str]:
    return {ADMIN + name for name in names}


def payment_rpcs(names: set[str]) -> set[str]:
    return {PAYMENT + name for name in names}


def payment_admin_rpcs(*names: str) -> set[str]:
    return {PAYMENT_ADMIN + name for name in names}


EVENTS = "/credit.v1.EventService/SubscribeEvents"

CATALOGUE = {CREDIT + "ListCreditTypes"}

OWN_MONEY = payment_rpcs(BUYING) | REDEEMING | RECEIPT

OPEN = {IDENTITY + name for name in ("Register", "Login", "Refresh", "GetKeys")} | {
    "/credit.v1.ApiKeyService/ExchangeApiKey"
}
"""Whoever signs in has no token yet."""

THEMSELVES = {
    IDENTITY + name
    for name in ("Revoke", "ChangePassword", "EnrolTotp", "ConfirmTotp", "RegenerateRecoveryCodes", "StepUp")
}
"""Of nobody but the caller, who is a person."""


ALL_READING = (
    CATALOGUE
    | credit_rpcs(READING)
    | payment_rpcs(PURCHASE_READING | {"ListPackages"})
    | RECEIPT
    | WORKFLOW_READING
    | admin_rpcs("GetAccount", "GetLimits", "GetBalanceAlerts", "ListAccounts", "ListAccountFlags")
    | payment_admin_rpcs("ListSubscriptions", "InspectPurchase")
    | {SUPPORT + name for name in SUPPORTING}
    | {EVENTS}
)


def test_the_descriptors_were_found() -> None:
    assert set(RPCS) == {method for method in RULES if method.startswith("/credit.v1.")}


@pytest.mark.requirement("D3")
@pytest.mark.parametrize("rpc", RPCS)
def test_every_rpc_has_a_rule_and_needs_a_token_but_to_sign_in(rpc: str) -> None:
    assert rpc in RULES
    assert RULES[rpc].is_open == (rpc in OPEN)


def test_every_rule_has_an_rpc() -> None:
    assert {method for method, rule in RULES.items() if not rule.is_open} == set(RPCS) - OPEN


@pytest.mark.requirement("D3")
@pytest.mark.parametrize("rpc", RPCS)
def test_whose_an_account_is_decides_only_where_every_request_names_it(rpc: str) -> None:
    """What an owner may call, and a service that is limited to some accounts, names one: its id, or what it has."""
    rule, fields = RULES[rpc], METHODS[rpc].input_type.fields_by_name
    if rule.own_roles or (rule.scopes and rule.names_account and rpc != WEBHOOK + "IngestWebhook"):
        in_name = "name" in fields and rules_of(fields["name"]).string.pattern.startswith("^accounts/")
        by_id = "account_id" in fields and rules_of(fields["account_id"]).string.pattern.startswith("^[")
        # An update has its resource in full, and that its name.
        whole = [field.message_type for field in fields.values() if "update_mask" in fields and field.message_type]
        names = [one.fields_by_name["name"] for one in whole if "name" in one.fields_by_name]
        in_resource = any(rules_of(name).string.pattern.startswith("^accounts/") for name in names)
        assert in_name or by_id or in_resource
        assert account_reader(METHODS[rpc].input_type)(GetMessageClass(METHODS[rpc].input_type)()) in ("", None)


def test_the_page_of_access_names_every_permission() -> None:
    page = (Path(__file__).parents[2] / "docs" / "access.md").read_text(encoding="utf-8")
    assert [name for name in PERMISSIONS if f"`{name}`" not in page] == []


def test_rules_name_only_roles_that_there_are() -> None:
    for rule in RULES.values():
        assert rule.roles <= ROLES
        assert rule.own_roles <= ROLES


@pytest.mark.requirement("D3")
@pytest.mark.parametrize("role", sorted(ROLES))
@pytest.mark.parametrize("method", ["/credit.v1.CreditService/Mint", "/credit.v2.CreditService/Reserve", "", "Reserve"])
def test_what_has_no_rule_is_refused_to_everyone(method: str, role: str) -> None:
    scopes = ("credits.spend", "credits.read", "credits.admin", "")
    assert not may(method, somebody(role, scopes=scopes), "me")


@pytest.mark.parametrize(
    "method", ["/grpc.health.v1.Health/Check", "/grpc.reflection.v1.ServerReflection/ServerReflectionInfo"]
)
def test_health_and_reflection_are_open(method: str) -> None:
    assert rule_for(method).is_open
    assert may(method, somebody(), None)


@pytest.mark.requirement("D3")
def test_a_caller_without_roles_may_do_nothing() -> None:
    assert allowed(somebody(), "me") == set()
    assert allowed(somebody(scopes=("credits.spend", "credits.read", "credits.admin")), "me") == set()


@pytest.mark.requirement("D3")
@pytest.mark.parametrize(
    ("scopes", "rpcs"),
    [
        ((), set()),
        (("payments.read", "credits.write"), set()),
        (("credits.spend",), credit_rpcs(SPENDING) | CATALOGUE | WORKING),
        (
            ("credits.read",),
            credit_rpcs(READING)
            | CATALOGUE
            | payment_rpcs(PURCHASE_READING | {"ListPackages"})
            | RECEIPT
            | WORKFLOW_READING,
        ),
        (("payments.write",), payment_rpcs(BUYING | {"ListPackages"}) | REDEEMING | CATALOGUE | RECEIPT),
        (("payments.ingest",), {WEBHOOK + "IngestWebhook"}),
        (("credits.admin",), admin_rpcs("AddCredits") | CATALOGUE),
        (
            ("credits.spend", "credits.read"),
            credit_rpcs(SPENDING | READING)
            | CATALOGUE
            | payment_rpcs(PURCHASE_READING | {"ListPackages"})
            | RECEIPT
            | WORKING,
        ),
    ],
)
def test_a_service_may_do_what_its_scopes_say(scopes: tuple[str, ...], rpcs: set[str]) -> None:
    assert allowed(somebody("SERVICE", scopes=scopes), "anybody") == rpcs


@pytest.mark.requirement("D3")
@pytest.mark.parametrize(("role", "more"), [("USER", set()), ("PREMIUM", {STATEMENT + "ExportTransactions"})])
def test_owners_read_their_own_account_and_buy_for_it_and_for_no_other(role: str, more: set[str]) -> None:
    owner = somebody(role, scopes=("credits.spend", "credits.read", "credits.admin", "payments.write"))
    catalogue = payment_rpcs({"ListPackages"}) | CATALOGUE
    own = credit_rpcs(OWN_READING) | OWN_MONEY | {EVENTS} | WORKING
    assert allowed(owner, "me") == own | catalogue | more
    for account_id in ("you", "ME", "me ", "", None):
        assert allowed(owner, account_id) == catalogue


@pytest.mark.requirement("D3")
def test_support_reads_and_does_the_little_that_the_phone_needs() -> None:
    assert allowed(somebody("SUPPORT"), "anybody") == ALL_READING


@pytest.mark.requirement("D3")
def test_finance_reads_verifies_clears_flags_and_asks_for_and_gives_approvals() -> None:
    more = admin_rpcs("VerifyLedger", "GetUsageAnalytics", "RemoveCredits", "WriteOffDebt", "ClearAccountFlag")
    more |= payment_admin_rpcs("ListPaymentEvents", "GetPaymentEvent", "ListRejectedWebhooks", "ReversePurchase")
    more |= {rpc for rpc in RPCS if rpc.startswith(APPROVAL)}
    more |= {STATEMENT + "ExportTransactions"}
    assert allowed(somebody("FINANCE"), "anybody") == ALL_READING | more


@pytest.mark.requirement("D3")
@pytest.mark.parametrize("role", ["ADMIN", "SUPER_ADMIN"])
def test_administrators_may_do_everything(role: str) -> None:
    assert allowed(somebody(role), "anybody") == set(RPCS) - {ONESELF} - OPEN - THEMSELVES


@pytest.mark.requirement("D3")
@pytest.mark.parametrize("role", sorted(ROLES))
def test_whoever_signs_in_sees_to_their_own_sign_in_and_a_service_does_not(role: str) -> None:
    expected = set() if role == "SERVICE" else THEMSELVES
    scopes = ("credits.spend", "credits.read", "credits.admin", "payments.write")
    assert {rpc for rpc in RPCS if may(rpc, somebody(role, scopes=scopes), None)} & THEMSELVES == expected
    assert {rpc for rpc in OPEN if may(rpc, somebody(), None)} == OPEN


@pytest.mark.requirement("D3")
def test_several_roles_add_up() -> None:
    both = somebody("USER", "SERVICE", scopes=("credits.spend",))
    catalogue = payment_rpcs({"ListPackages"}) | CATALOGUE
    own = credit_rpcs(OWN_READING) | OWN_MONEY | {EVENTS}
    assert allowed(both, "me") == credit_rpcs(SPENDING) | own | catalogue | WORKING
    assert allowed(both, "you") == credit_rpcs(SPENDING) | catalogue | WORKING


def test_a_refusal_says_who_may_and_nothing_of_the_account() -> None:
    with pytest.raises(PermissionDenied) as refusal:
        authorize(rule_for(CREDIT + "GetBalance"), somebody("USER"), "you")
    assert refusal.value.facts == {
        "method": CREDIT + "GetBalance",
        "allowed": "ADMIN, FINANCE, SUPER_ADMIN, SUPPORT, PREMIUM on their own account, USER on their own account, "
        "SERVICE with scope credits.read",
    }
