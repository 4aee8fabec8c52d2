"""The permission matrix of requirements.md (D3), written by hand: what `policy.py` is held against."""

from collections.abc import Iterator, Mapping
from typing import Final, NamedTuple

ROLES: Final = ("USER", "PREMIUM", "SUPPORT", "FINANCE", "ADMIN", "SUPER_ADMIN")


class Action(NamedTuple):
    """A row of the matrix: who may, in the order of ROLES, and by which RPCs."""

    who: str
    rpcs: str
    is_own: bool = False
    """Whether it is about the caller's own account alone."""


MATRIX: Final[Mapping[str, Action]] = {
    "own balance, history, top-up, promo": Action(
        "yes yes no no no no",
        "GetBalance WatchBalance GetReservation ListReservations ListTransactions GetHistoricalBalance "
        "GetUsageSummary CreatePurchase GetPurchase ListPurchases CancelPurchase RedeemPromoCode SubscribeEvents "
        "GetReceipt CreateWorkflow GetWorkflow ListWorkflows UpdateWorkflow ArchiveWorkflow "
        "RunWorkflow GetRun ListRuns CancelRun WatchRun",
        is_own=True,
    ),
    "export own history": Action("no yes no no no no", "ExportTransactions", is_own=True),
    "read other accounts": Action(
        "no no yes yes yes yes",
        "GetBalance BatchGetBalances WatchBalance GetReservation ListReservations ListTransactions "
        "GetHistoricalBalance GetUsageSummary GetAccount ListAccounts GetLimits GetBalanceAlerts ListAccountFlags "
        "ListSubscriptions GetPurchase ListPurchases ExplainReserve GetGrant ListGrants ListGrantUses Search "
        "ListAccountHistory SubscribeEvents GetReceipt GetWorkflow ListWorkflows GetRun ListRuns WatchRun",
    ),
    "change balances": Action(
        "no no no no yes yes",
        "Reserve Confirm Deduct ExtendReservation BatchReserve BatchConfirm BatchDeduct AddCredits "
        "SetAccountStatus SetPlan SetLimits SetBalanceAlerts CreatePurchase CancelPurchase RedeemPromoCode "
        "CreateWorkflow UpdateWorkflow ArchiveWorkflow RunWorkflow CancelRun",
    ),
    # "Refund" in two: of money, FINANCE's "with approval", for which a call of the same RPC asks; and of a reservation.
    "refund money, remove": Action(
        "no no no yes yes yes",
        "RemoveCredits WriteOffDebt ReversePurchase Approve Reject CancelApproval GetApproval ListApprovals",
    ),
    # Not in the matrix: what the phone needs.
    "help on the phone": Action("no no yes yes yes yes", "InspectPurchase ReturnHold GiveCredits GetSystemStatus"),
    "refund a reservation": Action("no no no no yes yes", "Refund"),
    "financial reports and export": Action(
        "no no no yes yes yes",
        "VerifyLedger GetUsageAnalytics ListPaymentEvents GetPaymentEvent ListRejectedWebhooks ExportTransactions",
    ),
    "manage users and roles, promo codes, settings": Action(
        "no no no no yes yes",
        "CreateCreditType CreatePackage RetirePackage ReplayPaymentEvent DismissPaymentEvent ReconcilePayments "
        "IngestWebhook GrantRole RevokeRole ListRoleGrants CreateServiceAccount UpdateServiceAccount "
        "ListServiceAccounts ListAuditEvents GetAuditHead CreateApiKey ListApiKeys RotateApiKey RevokeApiKey "
        "CreateEventEndpoint GetEventEndpoint ListEventEndpoints UpdateEventEndpoint DeleteEventEndpoint "
        "RotateEventEndpointSecret PauseEventEndpoint ResumeEventEndpoint ReplayEvents ListDeliveryAttempts "
        "ListDeadLetters "
        "CreatePromoCode GeneratePromoCodes GetPromoCode ListPromoCodes EndPromoCode",
    ),
    "emergency repair": Action("no no no no no yes", ""),
    # Not in the matrix: whoever looks after money looks into what the velocity rules find.
    "clear flags": Action("no no no yes yes yes", "ClearAccountFlag"),
    # Not in the matrix: how oneself signs in.
    "own sign-in": Action(
        "yes yes yes yes yes yes",
        "Revoke ChangePassword EnrolTotp ConfirmTotp RegenerateRecoveryCodes StepUp",
    ),
    # Not in the matrix: prices and units, which are nobody's secret.
    "catalogue": Action("yes yes yes yes yes yes", "ListCreditTypes ListPackages"),
}

SCOPES: Final[Mapping[str, str]] = {
    "credits.spend": "Reserve Confirm Refund Deduct ExtendReservation BatchReserve BatchConfirm BatchDeduct "
    "ListCreditTypes CreateWorkflow GetWorkflow ListWorkflows UpdateWorkflow ArchiveWorkflow "
    "RunWorkflow GetRun ListRuns CancelRun WatchRun",
    "credits.read": "GetBalance BatchGetBalances WatchBalance GetReservation ListReservations ListTransactions "
    "GetHistoricalBalance GetUsageSummary ListCreditTypes ListPackages GetPurchase ListPurchases GetReceipt "
    "GetWorkflow ListWorkflows GetRun ListRuns WatchRun",
    "credits.admin": "AddCredits ListCreditTypes",
    "payments.write": "CreatePurchase CancelPurchase RedeemPromoCode GetPurchase ListPurchases GetReceipt ListPackages "
    "ListCreditTypes",
    "payments.ingest": "IngestWebhook",
    "events.read": "SubscribeEvents",
}
"""What each scope opens to a service."""

FOR_EVERYONE: Final = {"GetMyAccess"}
"""RPCs for whoever has a valid token."""

WITHOUT_TOKEN: Final = {"Register", "Login", "Refresh", "GetKeys", "ExchangeApiKey"}
"""RPCs for whoever has no token yet; a token is not looked at."""

WITH_SECOND_FACTOR: Final = {
    *("GrantRole", "RevokeRole", "CreateServiceAccount", "UpdateServiceAccount"),
    *("CreateApiKey", "RotateApiKey", "RevokeApiKey"),
    *("CreateEventEndpoint", "UpdateEventEndpoint", "RotateEventEndpointSecret", "DeleteEventEndpoint"),
}
"""RPCs that need a recent second factor, whoever calls (D5)."""

ON_NO_ACCOUNT: Final = {"ListCreditTypes", "ListPackages", "GetMyAccess"}
"""RPCs that a service may call whatever accounts it is limited to."""


def actions_of(rpc: str) -> Iterator[Action]:
    """Return the rows that an RPC is in."""
    return (action for action in MATRIX.values() if rpc in action.rpcs.split())


def may(rpc: str, role: str, *, owns: bool) -> bool:
    """Tell whether somebody with one role may make a call, about an account that is theirs or not."""
    return rpc in FOR_EVERYONE | WITHOUT_TOKEN or any(
        dict(zip(ROLES, action.who.split(), strict=True)).get(role) == "yes" and (owns or not action.is_own)
        for action in actions_of(rpc)
    )


def known_rpcs() -> set[str]:
    """Return every RPC that the matrix knows."""
    return (FOR_EVERYONE | WITHOUT_TOKEN).union(*(action.rpcs.split() for action in MATRIX.values()))
