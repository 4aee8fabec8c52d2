"""Who may call what: one table, from the full name of an RPC to the permission that it needs.

``PERMISSIONS`` says who has which permission, row by row as the matrix in docs/access.md. What is in no table is
refused.
"""

from collections.abc import Iterable, Mapping
from typing import Final, NamedTuple

from creditd.domain.controls import access
from creditd.server.authentication.callers import Caller
from creditd.server.authorization.allow_lists import is_within
from creditd.server.refusals import PermissionDenied

SERVICE: Final = access.SERVICE


class Permission(NamedTuple):
    """Who may do something; one match is enough.

    ``roles`` may do it to any account, ``own_roles`` to the account that is theirs, and SERVICE with one of ``scopes``
    to any account, or to those on its allow list. With ``is_for_everyone`` whoever has a valid token may do it.
    ``needs_second_factor``: it has to be recent, whoever calls.
    """

    name: str
    roles: frozenset[str] = frozenset()
    own_roles: frozenset[str] = frozenset()
    scopes: frozenset[str] = frozenset()
    is_for_everyone: bool = False
    needs_second_factor: bool = False


class Rule(NamedTuple):
    """Who may call one RPC: whoever has its permission, the fields of which it repeats.

    ``is_open`` is for RPCs that need no token at all. ``names_account`` tells whether each of its requests has to name
    an account where the caller is limited to some: not where items are judged one by one, or no account is concerned.
    """

    method: str
    roles: frozenset[str] = frozenset()
    own_roles: frozenset[str] = frozenset()
    scopes: frozenset[str] = frozenset()
    is_open: bool = False
    is_for_everyone: bool = False
    needs_second_factor: bool = False
    names_account: bool = True
    permission: str = ""


_ADMINS: Final = frozenset({"ADMIN", "SUPER_ADMIN"})
_FINANCE: Final = _ADMINS | {"FINANCE"}
_STAFF: Final = _FINANCE | {"SUPPORT"}
_OWNERS: Final = frozenset({"USER", "PREMIUM"})
_NOBODY: Final[frozenset[str]] = frozenset()

_SPEND: Final = frozenset({"credits.spend"})
_READ: Final = frozenset({"credits.read"})
_TOP_UP: Final = frozenset({"credits.admin"})
_BUY: Final = frozenset({"payments.write"})
_INGEST: Final = frozenset({"payments.ingest"})
_EVENTS: Final = frozenset({"events.read"})

# Permission: roles on any account, roles on their own account, scopes of a service.
SPEND: Final = Permission("credits.spend", _ADMINS, _NOBODY, _SPEND)
ADD: Final = Permission("credits.add", _ADMINS, _NOBODY, _TOP_UP)
# What FINANCE asks for here waits for a second person: see creditd.domain.controls.approval.
REMOVE: Final = Permission("credits.remove", _FINANCE)
READ_ACCOUNT: Final = Permission("accounts.read", _STAFF, _OWNERS, _READ)
READ_ACCOUNTS: Final = Permission("accounts.read_many", _STAFF, _NOBODY, _READ)
SEARCH_ACCOUNTS: Final = Permission("accounts.search", _STAFF)
CHANGE_ACCOUNT: Final = Permission("accounts.change", _ADMINS)
CLEAR_FLAGS: Final = Permission("account_flags.clear", _FINANCE)
READ_CREDIT_TYPES: Final = Permission("credit_types.read", _STAFF | _OWNERS, _NOBODY, _SPEND | _READ | _TOP_UP | _BUY)
READ_PACKAGES: Final = Permission("packages.read", _STAFF | _OWNERS, _NOBODY, _READ | _BUY)
CHANGE_SETTINGS: Final = Permission("settings.change", _ADMINS)
BUY: Final = Permission("purchases.change", _ADMINS, _OWNERS, _BUY)
ADMINISTER_PROMOS: Final = Permission("promo_codes.change", _ADMINS)
REDEEM: Final = Permission("promo_codes.redeem", _ADMINS, _OWNERS, _BUY)
# Whoever spends for accounts runs their workflows, and so says what these are.
RUN: Final = Permission("workflows.run", _ADMINS, _OWNERS, _SPEND)
READ_WORKFLOWS: Final = Permission("workflows.read", _STAFF, _OWNERS, _READ | _SPEND)
# Not for services: what they may read, they read page by page.
EXPORT: Final = Permission("statements.export", _FINANCE, frozenset({"PREMIUM"}))
READ_PURCHASES: Final = Permission("purchases.read", _STAFF, _OWNERS, _READ | _BUY)
# It asks a provider what it says anyway; who is on the phone need not wait for it.
INSPECT: Final = Permission("purchases.inspect", _STAFF)
# What the phone needs at once: nothing that is spent is touched, and little is given.
RETURN_HOLDS: Final = Permission("holds.return", _STAFF)
GIVE: Final = Permission("credits.give", _STAFF)
# SUPPORT is told a part of it.
READ_STATUS: Final = Permission("system_status.read", _STAFF)
REVERSE: Final = Permission("purchases.reverse", _FINANCE)
READ_APPROVALS: Final = Permission("approvals.read", _FINANCE)
DECIDE: Final = Permission("approvals.decide", _FINANCE)
READ_FINANCES: Final = Permission("finances.read", _FINANCE)
SETTLE_PAYMENTS: Final = Permission("payments.settle", _ADMINS)
# An administrator may hand a webhook in by hand: it has to be as authentic as the adapter's.
INGEST: Final = Permission("webhooks.ingest", _ADMINS, _NOBODY, _INGEST)
READ_ACCESS: Final = Permission("access.read", _ADMINS)
CHANGE_ACCESS: Final = Permission("access.change", _ADMINS, needs_second_factor=True)
READ_AUDIT: Final = Permission("audit.read", _ADMINS)
READ_EVENTS: Final = Permission("events.read", _STAFF, _OWNERS, _EVENTS)
DELIVER_EVENTS: Final = Permission("event_endpoints.run", _ADMINS)
# Where to, and signed with what: whoever may say so may have all events sent to themselves.
CHANGE_ENDPOINTS: Final = Permission("event_endpoints.change", _ADMINS, needs_second_factor=True)
KNOW_ONESELF: Final = Permission("access.read_own", is_for_everyone=True)
# About the caller alone, who is a person: no request names anybody.
SIGN_IN: Final = Permission("sign_in.change_own", _STAFF | _OWNERS)

_TABLE: Final[Mapping[str, Permission]] = {
    "/credit.v1.CreditService/Reserve": SPEND,
    "/credit.v1.CreditService/Confirm": SPEND,
    "/credit.v1.CreditService/Refund": SPEND,
    "/credit.v1.CreditService/Deduct": SPEND,
    "/credit.v1.CreditService/ExtendReservation": SPEND,
    "/credit.v1.CreditService/BatchReserve": SPEND,
    "/credit.v1.CreditService/BatchConfirm": SPEND,
    "/credit.v1.CreditService/BatchDeduct": SPEND,
    "/credit.v1.CreditService/GetBalance": READ_ACCOUNT,
    "/credit.v1.CreditService/BatchGetBalances": READ_ACCOUNTS,
    "/credit.v1.CreditService/WatchBalance": READ_ACCOUNT,
    "/credit.v1.CreditService/ListCreditTypes": READ_CREDIT_TYPES,
    "/credit.v1.CreditService/GetReservation": READ_ACCOUNT,
    "/credit.v1.CreditService/ListReservations": READ_ACCOUNT,
    "/credit.v1.CreditService/ListTransactions": READ_ACCOUNT,
    "/credit.v1.CreditService/GetHistoricalBalance": READ_ACCOUNT,
    "/credit.v1.CreditService/GetUsageSummary": READ_ACCOUNT,
    "/credit.v1.AdminService/CreateCreditType": CHANGE_SETTINGS,
    "/credit.v1.AdminService/AddCredits": ADD,
    "/credit.v1.AdminService/RemoveCredits": REMOVE,
    "/credit.v1.AdminService/WriteOffDebt": REMOVE,
    "/credit.v1.AdminService/SetAccountStatus": CHANGE_ACCOUNT,
    "/credit.v1.AdminService/SetPlan": CHANGE_ACCOUNT,
    "/credit.v1.AdminService/SetLimits": CHANGE_ACCOUNT,
    "/credit.v1.AdminService/GetLimits": SEARCH_ACCOUNTS,
    "/credit.v1.AdminService/SetBalanceAlerts": CHANGE_ACCOUNT,
    "/credit.v1.AdminService/GetBalanceAlerts": SEARCH_ACCOUNTS,
    "/credit.v1.AdminService/ListAccountFlags": SEARCH_ACCOUNTS,
    "/credit.v1.AdminService/ClearAccountFlag": CLEAR_FLAGS,
    "/credit.v1.AdminService/GetAccount": SEARCH_ACCOUNTS,
    "/credit.v1.AdminService/ListAccounts": SEARCH_ACCOUNTS,
    "/credit.v1.AdminService/VerifyLedger": READ_FINANCES,
    "/credit.v1.AdminService/GetUsageAnalytics": READ_FINANCES,
    "/credit.v1.PaymentService/ListPackages": READ_PACKAGES,
    "/credit.v1.PaymentService/CreatePurchase": BUY,
    "/credit.v1.PaymentService/GetPurchase": READ_PURCHASES,
    "/credit.v1.PaymentService/ListPurchases": READ_PURCHASES,
    "/credit.v1.PaymentService/CancelPurchase": BUY,
    "/credit.v1.PaymentAdminService/CreatePackage": CHANGE_SETTINGS,
    "/credit.v1.PaymentAdminService/RetirePackage": CHANGE_SETTINGS,
    "/credit.v1.PaymentAdminService/ReversePurchase": REVERSE,
    "/credit.v1.PaymentAdminService/InspectPurchase": INSPECT,
    "/credit.v1.PaymentAdminService/ListPaymentEvents": READ_FINANCES,
    "/credit.v1.PaymentAdminService/GetPaymentEvent": READ_FINANCES,
    "/credit.v1.PaymentAdminService/ReplayPaymentEvent": SETTLE_PAYMENTS,
    "/credit.v1.PaymentAdminService/DismissPaymentEvent": SETTLE_PAYMENTS,
    "/credit.v1.PaymentAdminService/ListRejectedWebhooks": READ_FINANCES,
    "/credit.v1.PaymentAdminService/ListSubscriptions": SEARCH_ACCOUNTS,
    "/credit.v1.PaymentAdminService/ReconcilePayments": SETTLE_PAYMENTS,
    "/credit.v1.WebhookService/IngestWebhook": INGEST,
    "/credit.v1.AccessService/GrantRole": CHANGE_ACCESS,
    "/credit.v1.AccessService/RevokeRole": CHANGE_ACCESS,
    "/credit.v1.AccessService/ListRoleGrants": READ_ACCESS,
    "/credit.v1.AccessService/CreateServiceAccount": CHANGE_ACCESS,
    "/credit.v1.AccessService/UpdateServiceAccount": CHANGE_ACCESS,
    "/credit.v1.AccessService/ListServiceAccounts": READ_ACCESS,
    "/credit.v1.AccessService/GetMyAccess": KNOW_ONESELF,
    "/credit.v1.ApiKeyService/CreateApiKey": CHANGE_ACCESS,
    "/credit.v1.ApiKeyService/ListApiKeys": READ_ACCESS,
    "/credit.v1.ApiKeyService/RotateApiKey": CHANGE_ACCESS,
    "/credit.v1.ApiKeyService/RevokeApiKey": CHANGE_ACCESS,
    "/credit.v1.ApprovalService/Approve": DECIDE,
    "/credit.v1.ApprovalService/Reject": DECIDE,
    "/credit.v1.ApprovalService/CancelApproval": DECIDE,
    "/credit.v1.ApprovalService/GetApproval": READ_APPROVALS,
    "/credit.v1.ApprovalService/ListApprovals": READ_APPROVALS,
    "/credit.v1.PromoService/CreatePromoCode": ADMINISTER_PROMOS,
    "/credit.v1.PromoService/GeneratePromoCodes": ADMINISTER_PROMOS,
    "/credit.v1.PromoService/GetPromoCode": ADMINISTER_PROMOS,
    "/credit.v1.PromoService/ListPromoCodes": ADMINISTER_PROMOS,
    "/credit.v1.PromoService/EndPromoCode": ADMINISTER_PROMOS,
    "/credit.v1.PromoService/RedeemPromoCode": REDEEM,
    "/credit.v1.StatementService/ExportTransactions": EXPORT,
    "/credit.v1.StatementService/GetReceipt": READ_PURCHASES,
    "/credit.v1.SupportService/ExplainReserve": SEARCH_ACCOUNTS,
    "/credit.v1.SupportService/GetGrant": SEARCH_ACCOUNTS,
    "/credit.v1.SupportService/ListGrants": SEARCH_ACCOUNTS,
    "/credit.v1.SupportService/ListGrantUses": SEARCH_ACCOUNTS,
    "/credit.v1.SupportService/ListAccountHistory": SEARCH_ACCOUNTS,
    "/credit.v1.SupportService/GetSystemStatus": READ_STATUS,
    "/credit.v1.SupportService/ReturnHold": RETURN_HOLDS,
    "/credit.v1.SupportService/GiveCredits": GIVE,
    "/credit.v1.SupportService/Search": SEARCH_ACCOUNTS,
    "/credit.v1.WorkflowService/CreateWorkflow": RUN,
    "/credit.v1.WorkflowService/GetWorkflow": READ_WORKFLOWS,
    "/credit.v1.WorkflowService/ListWorkflows": READ_WORKFLOWS,
    "/credit.v1.WorkflowService/UpdateWorkflow": RUN,
    "/credit.v1.WorkflowService/ArchiveWorkflow": RUN,
    "/credit.v1.WorkflowService/RunWorkflow": RUN,
    "/credit.v1.WorkflowService/GetRun": READ_WORKFLOWS,
    "/credit.v1.WorkflowService/ListRuns": READ_WORKFLOWS,
    "/credit.v1.WorkflowService/CancelRun": RUN,
    "/credit.v1.WorkflowService/WatchRun": READ_WORKFLOWS,
    "/credit.v1.AuditService/ListAuditEvents": READ_AUDIT,
    "/credit.v1.AuditService/GetAuditHead": READ_AUDIT,
    "/credit.v1.EventService/SubscribeEvents": READ_EVENTS,
    "/credit.v1.EventEndpointService/CreateEventEndpoint": CHANGE_ENDPOINTS,
    "/credit.v1.EventEndpointService/UpdateEventEndpoint": CHANGE_ENDPOINTS,
    "/credit.v1.EventEndpointService/RotateEventEndpointSecret": CHANGE_ENDPOINTS,
    "/credit.v1.EventEndpointService/DeleteEventEndpoint": CHANGE_ENDPOINTS,
    "/credit.v1.EventEndpointService/GetEventEndpoint": DELIVER_EVENTS,
    "/credit.v1.EventEndpointService/ListEventEndpoints": DELIVER_EVENTS,
    "/credit.v1.EventEndpointService/PauseEventEndpoint": DELIVER_EVENTS,
    "/credit.v1.EventEndpointService/ResumeEventEndpoint": DELIVER_EVENTS,
    "/credit.v1.EventEndpointService/ReplayEvents": DELIVER_EVENTS,
    "/credit.v1.EventEndpointService/ListDeliveryAttempts": DELIVER_EVENTS,
    "/credit.v1.EventEndpointService/ListDeadLetters": DELIVER_EVENTS,
    "/credit.v1.IdentityService/Revoke": SIGN_IN,
    "/credit.v1.IdentityService/ChangePassword": SIGN_IN,
    "/credit.v1.IdentityService/EnrolTotp": SIGN_IN,
    "/credit.v1.IdentityService/ConfirmTotp": SIGN_IN,
    "/credit.v1.IdentityService/RegenerateRecoveryCodes": SIGN_IN,
    "/credit.v1.IdentityService/StepUp": SIGN_IN,
}

_OF_ITEMS: Final = frozenset(
    f"/credit.v1.CreditService/{name}" for name in ("BatchReserve", "BatchConfirm", "BatchDeduct", "BatchGetBalances")
)
"""RPCs whose items name the accounts: their handlers judge each."""

_OF_NO_ACCOUNT: Final = frozenset(
    {
        "/credit.v1.CreditService/ListCreditTypes",
        "/credit.v1.PaymentService/ListPackages",
        "/credit.v1.AccessService/GetMyAccess",
        "/credit.v1.IdentityService/Revoke",
        "/credit.v1.IdentityService/ChangePassword",
        "/credit.v1.IdentityService/EnrolTotp",
        "/credit.v1.IdentityService/ConfirmTotp",
        "/credit.v1.IdentityService/RegenerateRecoveryCodes",
        "/credit.v1.IdentityService/StepUp",
    }
)
"""RPCs that tell nothing of any account but the caller's own right. Whoever is limited to some may call them, and no
other one that names none."""

# Probes and tools come without a token, and learn nothing of anybody's credits; and whoever signs in has none yet.
_OPEN: Final = (
    "/credit.v1.IdentityService/Register",
    "/credit.v1.IdentityService/Login",
    "/credit.v1.IdentityService/Refresh",
    "/credit.v1.IdentityService/GetKeys",
    "/credit.v1.ApiKeyService/ExchangeApiKey",
    "/grpc.health.v1.Health/Check",
    "/grpc.health.v1.Health/List",
    "/grpc.health.v1.Health/Watch",
    "/grpc.reflection.v1.ServerReflection/ServerReflectionInfo",
    "/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo",
)


def _rule(method: str, permission: Permission) -> Rule:
    return Rule(
        method,
        permission.roles,
        permission.own_roles,
        permission.scopes,
        is_for_everyone=permission.is_for_everyone,
        needs_second_factor=permission.needs_second_factor,
        names_account=method not in _OF_ITEMS | _OF_NO_ACCOUNT,
        permission=permission.name,
    )


RULES: Final[Mapping[str, Rule]] = {method: _rule(method, permission) for method, permission in _TABLE.items()} | {
    method: Rule(method, is_open=True) for method in _OPEN
}

PERMISSIONS: Final[Mapping[str, Permission]] = {permission.name: permission for permission in _TABLE.values()}
"""Every permission, by name."""

SCOPES: Final = frozenset[str]().union(*(rule.scopes for rule in RULES.values()))
"""Every scope that opens an RPC."""


def rule_for(method: str) -> Rule:
    """Return the rule of an RPC by its full name, such as `/credit.v1.CreditService/Reserve`.

    One that the table does not know may be called by nobody.
    """
    return RULES.get(method) or Rule(method)


def authorize(rule: Rule, caller: Caller, account_id: str | None) -> bool:
    """Raise PermissionDenied unless the rule lets the caller do this on the account that the request names, if any.

    Return whether this use opens an account that was never seen: a service's does, and its owner's. Staff may mistype
    an account, and would open one that is nobody's. Nothing is looked up for it, so that a refusal does not tell
    whether the account exists.
    """
    method, roles, own_roles, scopes, is_open, is_for_everyone, _, names_account, _ = rule
    if caller.accounts and names_account:
        require_within(caller.accounts, account_id or "", method)
    if SERVICE in caller.roles and not scopes.isdisjoint(caller.scopes):
        return True
    if account_id == caller.subject and not own_roles.isdisjoint(caller.roles):
        return True
    if roles.isdisjoint(caller.roles) and not (is_open or is_for_everyone):
        raise PermissionDenied(method=method, allowed=_allowed(rule))
    return False


def require_within(accounts: tuple[str, ...], account_id: str, method: str) -> None:
    """Raise PermissionDenied unless an allow list, if it is one, has an account. An empty one allows every account."""
    if accounts and not is_within(accounts, account_id):
        raise PermissionDenied(method=method, allowed="the accounts on the caller's allow list")


def permissions_of(caller: Caller, account_id: str | None) -> Iterable[str]:
    """Return what a caller may do, by name: on the account, which may be its own, or on any if that is None."""
    for name, permission in PERMISSIONS.items():
        try:
            authorize(_rule("", permission)._replace(names_account=False), caller, account_id)
        except PermissionDenied:
            continue
        yield name


def _allowed(rule: Rule) -> str:
    groups = [*sorted(rule.roles), *(f"{role} on their own account" for role in sorted(rule.own_roles))]
    groups += [f"{SERVICE} with scope {scope}" for scope in sorted(rule.scopes)]
    return ", ".join(groups) or "nobody"
