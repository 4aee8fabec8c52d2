"""No answer grows without end: a list comes in pages, and whatever else is repeated has a bound that is stated here."""

from collections.abc import Iterator
from typing import Any

import pytest
from google.protobuf.descriptor import Descriptor, FieldDescriptor, MethodDescriptor

from creditd.bootstrap.credit import SERVICES
from creditd.bootstrap.system_status import MOST_FIGURES
from creditd.domain.controls.access import GRANTABLE_ROLES
from creditd.domain.events.balance_alert import MAX_ALERTS
from creditd.domain.explanation import MOST_OBSTACLES, UntoldFact
from creditd.domain.grants import Source
from creditd.domain.instant import Instant
from creditd.domain.limits import MAX_LIMITS
from creditd.domain.payments.payment_event import MOST_FACTS, PaymentEvent, PaymentEventState
from creditd.domain.payments.provider import Provider
from creditd.domain.payments.purchase import Purchase, PurchaseState
from creditd.domain.promo.promo_code import MAX_CODES
from creditd.server import answer_sizes
from creditd.server.authentication.callers import MAX_ACCOUNTS, ROLES
from creditd.server.authentication.tokens import MAX_HEADER_LENGTH
from creditd.server.authorization.policy import PERMISSIONS
from creditd.server.handlers import usage_handlers
from creditd.server.payment_messages import event_message, purchase_message
from creditd.service.account_limits import COUNTS_SHOWN
from creditd.service.explanations import HOLDS_SHOWN, LAPSES_SHOWN
from creditd.service.search import MOST_HITS
from creditd.service.usage.usage import MAX_CREDIT_TYPES, PARTS_SHOWN
from creditd.storage.payments import payment_events, purchases
from tests.support.paged_lists import is_paged

AMOUNTS = 100
"""Of AddCredits and RemoveCredits, by their requests."""

BATCH = 1_000
"""Items of a batch, by its request."""

KINDS_OF_DETAILS = 5
"""Of an error within a batch: what it is, in words, which fields, when to repeat it, and which quota."""

LABELS = 64
"""Of a movement, by the requests that make one."""

SCOPES_OF_TOKEN = MAX_HEADER_LENGTH // 2
"""A letter and a blank each, in a header of the greatest length."""

SCOPES_OF_SERVICE, ACCOUNTS_OF_SERVICE, CERTIFICATES_OF_SERVICE = 16, 50, 8
"""Of a service account, by the requests that make one."""

EVENT_TYPES = 20
"""Of an endpoint, by the requests that make one."""

APPROVED = 50
"""Amounts of an approval, by the request that asks for it."""

TOP = 50
"""Accounts and labels that are ranked, by the request for them."""

BOUNDS = {
    "Approval.amounts": APPROVED,
    "Approval.balances": APPROVED,
    "Approval.preview": APPROVED,
    "AccountChange.alerts": MAX_ALERTS,
    "AccountChange.limits": MAX_LIMITS,
    "AccountBalance.wallets": answer_sizes.MAX_BALANCES,
    "AddCreditsResponse.balances": AMOUNTS,
    "AddCreditsResponse.entries": AMOUNTS,
    "AuditEvent.roles": len(ROLES),
    "BatchConfirmResponse.results": BATCH,
    "BatchDeductResponse.results": BATCH,
    "BatchGetBalancesResponse.account_balances": BATCH,
    "BatchReserveResponse.results": BATCH,
    "Entry.metadata": LABELS,
    "GetPaymentEventResponse.facts": MOST_FACTS,
    "ListPaymentEventsResponse.counts": len(PaymentEventState),
    "Entry.slices": answer_sizes.SLICES_SHOWN,
    "ReserveExplanation.obstacles": MOST_OBSTACLES,
    "ReserveExplanation.slices": answer_sizes.SLICES_SHOWN,
    "ReserveExplanation.sources": len(Source),
    "ReserveExplanation.holds": HOLDS_SHOWN,
    "ReserveExplanation.lapses": LAPSES_SHOWN,
    # On the wallet, and on the spender.
    "ReserveExplanation.limits": 2,
    "ReserveExplanation.untold_facts": len(UntoldFact),
    "SystemStatus.figures": MOST_FIGURES,
    "SearchResponse.hits": MOST_HITS,
    "GetHistoricalBalanceResponse.balances": answer_sizes.MAX_BALANCES,
    "CreditTypeAnalytics.points": usage_handlers.MAX_POINTS,
    "CreditTypeAnalytics.sources": len(Source),
    "CreditTypeAnalytics.top_accounts": TOP,
    "CreditTypeAnalytics.top_labels": TOP,
    "CreditTypeUsage.labels": PARTS_SHOWN,
    "CreditTypeUsage.points": usage_handlers.MAX_POINTS,
    "CreditTypeUsage.sources": len(Source),
    "CreditTypeUsage.spenders": PARTS_SHOWN,
    "GetUsageAnalyticsResponse.analytics": MAX_CREDIT_TYPES,
    "GetUsageSummaryResponse.usage": MAX_CREDIT_TYPES,
    # Each of the four settings that limit something names so many.
    "GetLimitsResponse.defaults": 4 * MAX_LIMITS,
    "GetLimitsResponse.limits": MAX_LIMITS,
    "GetLimitsResponse.usage": COUNTS_SHOWN,
    "GeneratePromoCodesResponse.display_codes": MAX_CODES,
    "EventEndpoint.types": EVENT_TYPES,
    "GetBalanceAlertsResponse.alerts": MAX_ALERTS,
    "GetMyAccessResponse.accounts": MAX_ACCOUNTS + ACCOUNTS_OF_SERVICE,
    "GetMyAccessResponse.own_permissions": len(PERMISSIONS),
    "GetMyAccessResponse.permissions": len(PERMISSIONS),
    # A subject has one grant of a role at a time.
    "GetMyAccessResponse.role_grants": len(GRANTABLE_ROLES),
    "GetMyAccessResponse.roles": len(ROLES),
    "GetMyAccessResponse.scopes": SCOPES_OF_TOKEN + SCOPES_OF_SERVICE,
    "GetPaymentEventResponse.acts": payment_events.MAX_ACTS,
    "GetPurchaseResponse.changes": purchases.MAX_CHANGES,
    "PaymentEvent.waits_for": answer_sizes.PROVIDER_IDS_SHOWN,
    "Purchase.extra_payment_ids": answer_sizes.PROVIDER_IDS_SHOWN,
    "RemoveCreditsResponse.balances": AMOUNTS,
    "RemoveCreditsResponse.entries": AMOUNTS,
    "Reservation.metadata": LABELS,
    "Reservation.slices": answer_sizes.SLICES_OF_ONE,
    "ServiceAccount.accounts": ACCOUNTS_OF_SERVICE,
    "ServiceAccount.certificate_names": CERTIFICATES_OF_SERVICE,
    "ServiceAccount.scopes": SCOPES_OF_SERVICE,
    "SetBalanceAlertsResponse.alerts": MAX_ALERTS,
    "SetLimitsResponse.limits": MAX_LIMITS,
    "Status.details": KINDS_OF_DETAILS,
    "Wallet.grants": answer_sizes.GRANTS_SHOWN,
}
"""Of each repeated field that is no page, how much it holds at most."""

METHODS = [method for service in SERVICES for method in service.methods]


def repeated(message: Descriptor) -> Iterator[FieldDescriptor]:
    """Yield the repeated fields of a message, and of all within it."""
    for field in message.fields:
        if field.is_repeated:
            yield field
        within = field.message_type
        if within is not None and not within.GetOptions().map_entry:
            yield from repeated(within)


def _name(field: FieldDescriptor) -> str:
    return ".".join(field.full_name.split(".")[-2:])


def unbounded(method: MethodDescriptor) -> set[str]:
    """Return the repeated fields of a method's answer for which there is neither a page nor a bound."""
    found = {_name(field) for field in repeated(method.output_type)}
    paged = {f"{method.output_type.name}.{field.name}" for field in method.output_type.fields}
    return found - BOUNDS.keys() - (paged if is_paged(method) else set())


@pytest.mark.parametrize("method", METHODS, ids=lambda method: method.name)
def test_an_answer_is_a_page_or_has_a_bound(method: MethodDescriptor) -> None:
    assert unbounded(method) == set()
    assert is_paged(method) or not method.name.startswith("List")


def test_each_bound_is_of_a_field_that_there_is() -> None:
    found = {_name(field) for method in METHODS for field in repeated(method.output_type)}
    assert BOUNDS.keys() <= found


IDS = tuple(f"id_{n:04}" for n in range(250))

_PURCHASE: list[Any] = [
    *("ann", "01890a5d-ac96-774b-bcce-b302099a8057", 1, "1", 1, Provider.STRIPE, True, 1, ""),
    *("small", "Small", 1_000, "THB", "chat", 90, 10, PurchaseState.COMPLETED, "cs_1", "", "", None, "pi_1", 100, 0),
    *((), 1_000, 0, 0, 0, "", "", None, 0, None, Instant(1), Instant(1)),
]

_EVENT: list[Any] = [
    *(Provider.STRIPE, "evt_1", "01890a5d-ac96-774b-bcce-b302099a8057", "charge.refunded", True, "{}"),
    *(PaymentEventState.PARKED, 1, None, IDS, "", "", Instant(1), Instant(1)),
]


def test_a_purchase_shows_the_first_extra_payments_and_how_many_there_are() -> None:
    message = purchase_message(Purchase(*_PURCHASE)._replace(extra_payment_ids=IDS))
    assert list(message.extra_payment_ids) == list(IDS[: BOUNDS["Purchase.extra_payment_ids"]])
    assert message.extra_payment_count == len(IDS)


def test_a_payment_event_shows_the_first_ids_it_waits_for_and_how_many_there_are() -> None:
    message = event_message(PaymentEvent(*_EVENT))
    assert list(message.waits_for) == list(IDS[: BOUNDS["PaymentEvent.waits_for"]])
    assert message.waits_for_count == len(IDS)
