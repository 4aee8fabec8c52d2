"""Who may call what: one table, from the full name of an RPC to those who may call it. What is not in it is refused."""

from collections.abc import Mapping
from typing import Final, NamedTuple

from creditd.server.refusals import PermissionDenied
from creditd.server.tokens import Caller

SERVICE: Final = "SERVICE"


class Rule(NamedTuple):
    """Who may call one RPC; one match is enough.

    ``roles`` may call it for any account, ``own_roles`` for the account that is theirs, and SERVICE with one of
    ``scopes`` for any account. ``is_open`` is for RPCs that need no token at all.
    """

    method: str
    roles: frozenset[str] = frozenset()
    own_roles: frozenset[str] = frozenset()
    scopes: frozenset[str] = frozenset()
    is_open: bool = False


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

_Row = tuple[frozenset[str], frozenset[str], frozenset[str]]

_SPENDING: Final[_Row] = (_ADMINS, _NOBODY, _SPEND)
_OWN_READING: Final[_Row] = (_STAFF, _OWNERS, _READ)

# RPC: (roles on any account, roles on their own account, scopes of a service)
_TABLE: Final[Mapping[str, _Row]] = {
    "/credit.v1.CreditService/Reserve": _SPENDING,
    "/credit.v1.CreditService/Confirm": _SPENDING,
    "/credit.v1.CreditService/Refund": _SPENDING,
    "/credit.v1.CreditService/Deduct": _SPENDING,
    "/credit.v1.CreditService/ExtendReservation": _SPENDING,
    "/credit.v1.CreditService/BatchReserve": _SPENDING,
    "/credit.v1.CreditService/BatchConfirm": _SPENDING,
    "/credit.v1.CreditService/BatchDeduct": _SPENDING,
    "/credit.v1.CreditService/GetBalance": _OWN_READING,
    "/credit.v1.CreditService/BatchGetBalances": (_STAFF, _NOBODY, _READ),
    "/credit.v1.CreditService/WatchBalance": _OWN_READING,
    "/credit.v1.CreditService/ListCreditTypes": (_STAFF | _OWNERS, _NOBODY, _SPEND | _READ | _TOP_UP | _BUY),
    "/credit.v1.CreditService/GetReservation": _OWN_READING,
    "/credit.v1.CreditService/ListReservations": _OWN_READING,
    "/credit.v1.CreditService/ListTransactions": _OWN_READING,
    "/credit.v1.AdminService/CreateCreditType": (_ADMINS, _NOBODY, _NOBODY),
    "/credit.v1.AdminService/AddCredits": (_ADMINS, _NOBODY, _TOP_UP),
    "/credit.v1.AdminService/RemoveCredits": (_ADMINS, _NOBODY, _NOBODY),
    "/credit.v1.AdminService/WriteOffDebt": (_ADMINS, _NOBODY, _NOBODY),
    "/credit.v1.AdminService/SetAccountStatus": (_ADMINS, _NOBODY, _NOBODY),
    "/credit.v1.AdminService/SetPlan": (_ADMINS, _NOBODY, _NOBODY),
    "/credit.v1.AdminService/GetAccount": (_STAFF, _NOBODY, _NOBODY),
    "/credit.v1.AdminService/ListAccounts": (_STAFF, _NOBODY, _NOBODY),
    "/credit.v1.AdminService/VerifyLedger": (_FINANCE, _NOBODY, _NOBODY),
    "/credit.v1.PaymentService/ListPackages": (_STAFF | _OWNERS, _NOBODY, _READ | _BUY),
    "/credit.v1.PaymentService/CreatePurchase": (_ADMINS, _OWNERS, _BUY),
    "/credit.v1.PaymentService/GetPurchase": (_STAFF, _OWNERS, _READ | _BUY),
    "/credit.v1.PaymentService/ListPurchases": (_STAFF, _OWNERS, _READ | _BUY),
    "/credit.v1.PaymentService/CancelPurchase": (_ADMINS, _OWNERS, _BUY),
    "/credit.v1.PaymentAdminService/CreatePackage": (_ADMINS, _NOBODY, _NOBODY),
    "/credit.v1.PaymentAdminService/RetirePackage": (_ADMINS, _NOBODY, _NOBODY),
    "/credit.v1.PaymentAdminService/ReversePurchase": (_ADMINS, _NOBODY, _NOBODY),
    "/credit.v1.PaymentAdminService/ListPaymentEvents": (_FINANCE, _NOBODY, _NOBODY),
    "/credit.v1.PaymentAdminService/GetPaymentEvent": (_FINANCE, _NOBODY, _NOBODY),
    "/credit.v1.PaymentAdminService/ReplayPaymentEvent": (_ADMINS, _NOBODY, _NOBODY),
    "/credit.v1.PaymentAdminService/DismissPaymentEvent": (_ADMINS, _NOBODY, _NOBODY),
    "/credit.v1.PaymentAdminService/ListRejectedWebhooks": (_FINANCE, _NOBODY, _NOBODY),
    "/credit.v1.PaymentAdminService/ListSubscriptions": (_STAFF, _NOBODY, _NOBODY),
    "/credit.v1.PaymentAdminService/ReconcilePayments": (_ADMINS, _NOBODY, _NOBODY),
    # An administrator may hand a webhook in by hand: it has to be as authentic as the adapter's.
    "/credit.v1.WebhookService/IngestWebhook": (_ADMINS, _NOBODY, _INGEST),
}

# Probes and tools come without a token, and learn nothing of anybody's credits.
_OPEN: Final = (
    "/grpc.health.v1.Health/Check",
    "/grpc.health.v1.Health/List",
    "/grpc.health.v1.Health/Watch",
    "/grpc.reflection.v1.ServerReflection/ServerReflectionInfo",
    "/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo",
)

RULES: Final[Mapping[str, Rule]] = {method: Rule(method, *row) for method, row in _TABLE.items()} | {
    method: Rule(method, is_open=True) for method in _OPEN
}

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
    _, roles, own_roles, scopes, is_open = rule
    if SERVICE in caller.roles and not scopes.isdisjoint(caller.scopes):
        return True
    if account_id == caller.subject and not own_roles.isdisjoint(caller.roles):
        return True
    if not is_open and roles.isdisjoint(caller.roles):
        raise PermissionDenied(method=rule.method, allowed=_allowed(rule))
    return False


def _allowed(rule: Rule) -> str:
    groups = [*sorted(rule.roles), *(f"{role} on their own account" for role in sorted(rule.own_roles))]
    groups += [f"{SERVICE} with scope {scope}" for scope in sorted(rule.scopes)]
    return ", ".join(groups) or "nobody"
