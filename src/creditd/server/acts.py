"""Which requests are administrative acts, and what the audit log calls them (requirement D2).

Whoever adds an RPC that changes something for staff adds it here; a test walks the descriptors.
"""

from collections.abc import Mapping
from typing import Any, Final, Protocol

from creditd.domain.controls.audit_event import Act
from creditd.domain.errors import Refusal
from creditd.domain.resource_names import account_name
from creditd.domain.wallet import Origin
from creditd.server.authentication.callers import Caller
from creditd.server.peers import address_of
from creditd.server.requests import origin
from creditd.service.call import Call, require_text
from creditd.service.controls.refused_acts import REJECTED_TOKEN, Refused

KINDS: Final[Mapping[str, str]] = {
    "credit.v1.CreateCreditTypeRequest": "credit_type.create",
    "credit.v1.AddCreditsRequest": "credits.add",
    "credit.v1.GiveCreditsRequest": "credits.give",
    "credit.v1.ReturnHoldRequest": "hold.return",
    "credit.v1.RemoveCreditsRequest": "credits.remove",
    "credit.v1.WriteOffDebtRequest": "debt.write_off",
    "credit.v1.SetAccountStatusRequest": "account.set_status",
    "credit.v1.SetPlanRequest": "account.set_plan",
    "credit.v1.SetLimitsRequest": "account.set_limits",
    "credit.v1.SetBalanceAlertsRequest": "account.set_balance_alerts",
    "credit.v1.ClearAccountFlagRequest": "account_flag.clear",
    "credit.v1.CreatePackageRequest": "package.create",
    "credit.v1.RetirePackageRequest": "package.retire",
    "credit.v1.ReversePurchaseRequest": "purchase.reverse",
    "credit.v1.InspectPurchaseRequest": "purchase.inspect",
    "credit.v1.ReplayPaymentEventRequest": "payment_event.replay",
    "credit.v1.DismissPaymentEventRequest": "payment_event.dismiss",
    "credit.v1.ReconcilePaymentsRequest": "payments.reconcile",
    "credit.v1.GrantRoleRequest": "role.grant",
    "credit.v1.RevokeRoleRequest": "role.revoke",
    "credit.v1.ApproveRequest": "approval.approve",
    "credit.v1.RejectRequest": "approval.reject",
    "credit.v1.CancelApprovalRequest": "approval.cancel",
    "credit.v1.CreatePromoCodeRequest": "promo_code.create",
    "credit.v1.GeneratePromoCodesRequest": "promo_code.generate",
    "credit.v1.EndPromoCodeRequest": "promo_code.end",
    "credit.v1.CreateServiceAccountRequest": "service_account.create",
    "credit.v1.UpdateServiceAccountRequest": "service_account.update",
    "credit.v1.CreateEventEndpointRequest": "event_endpoint.create",
    "credit.v1.UpdateEventEndpointRequest": "event_endpoint.update",
    "credit.v1.DeleteEventEndpointRequest": "event_endpoint.delete",
    "credit.v1.RotateEventEndpointSecretRequest": "event_endpoint.rotate_secret",
    "credit.v1.PauseEventEndpointRequest": "event_endpoint.pause",
    "credit.v1.ResumeEventEndpointRequest": "event_endpoint.resume",
    "credit.v1.ReplayEventsRequest": "event_endpoint.replay",
    "credit.v1.CreateApiKeyRequest": "api_key.create",
    "credit.v1.RotateApiKeyRequest": "api_key.rotate",
    "credit.v1.RevokeApiKeyRequest": "api_key.revoke",
}
"""The kind of audit event by the full name of a request."""

OF_OTHERS: Final[Mapping[str, str]] = {
    "credit.v1.CreateWorkflowRequest": "workflow.create",
    "credit.v1.UpdateWorkflowRequest": "workflow.update",
    "credit.v1.ArchiveWorkflowRequest": "workflow.archive",
}
"""The same of requests that owners and services make every day: told where staff make them for others, once done."""

DENIED: Final = "call.deny"
"""The kind of a call that is no act, and that its caller may not make."""

_ON_SECURITY: Final = frozenset({"PERMISSION_DENIED", "MFA_REQUIRED"})
"""Refusals that are told whatever was called."""

_OF_TOKENS: Final = frozenset({"TOKEN_INVALID", "TOKEN_EXPIRED"})

_MALFORMED: Final = frozenset({"INVALID_FIELD", "MESSAGE_TOO_LARGE"})
"""Refusals of what is no act yet: a request that says nothing that could be done."""


class Met(Protocol):
    """What is known of a call that was refused: all of it, or the first part."""

    caller: Caller | None
    account_id: str
    request: Any
    correlation_id: str
    peer: str


def act_of(call: Call, request: Any) -> Act:
    """Return the act that a request of a kind of KINDS or OF_OTHERS asks for. Raises InvalidField."""
    name, fields = request.DESCRIPTOR.full_name, request.DESCRIPTOR.fields_by_name
    kind = KINDS.get(name) or OF_OTHERS[name]
    # What may be done any number of times has no request id.
    is_once = "request_id" in fields
    by = origin(call, request, getattr(request, "reason", "")) if is_once else Origin(call.subject)
    note = getattr(request, "staff_note", "")
    require_text("staff_note", note)
    return Act(by, kind, call.person, tuple(sorted(call.roles)), call.correlation_id, address_of(call.peer), note)


def refused_act(kind: str, method: str, refusal: Refusal, met: Met) -> Refused | None:
    """Return what the audit log is told of a refusal; None if it has nothing to do with it.

    ``kind`` is that of the act that was called for, empty if it is none; ``method`` is the RPC's full name.
    """
    reason, caller = refusal.reason, met.caller
    if caller is None:
        # Nobody's: which part of the token is wrong, and where the last of them came from, is all that counts.
        problem = str(refusal.facts.get("problem", ""))
        if reason not in _OF_TOKENS:
            return None
        return Refused(REJECTED_TOKEN, f"{reason}.{problem}".rstrip("."), address=address_of(met.peer))
    if reason not in _ON_SECURITY and (not kind or reason in _MALFORMED):
        return None
    request = met.request
    return Refused(
        kind or DENIED,
        reason,
        caller.subject,
        caller.person,
        tuple(sorted(caller.roles)),
        met.account_id,
        _target(request, met.account_id) if kind else method,
        getattr(request, "reason", ""),
        getattr(request, "request_id", ""),
        met.correlation_id,
        address_of(met.peer),
    )


def _target(request: Any, account_id: str) -> str:
    """Return what a request is about, as far as it says so: a resource name."""
    name: str = getattr(request, "name", "")
    return name or (account_name(account_id) if account_id else "")
