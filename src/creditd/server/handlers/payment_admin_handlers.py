"""PaymentAdminService: packages, reversals, payment events, reconciliation."""

from collections.abc import AsyncGenerator

from credit.v1 import payment_admin_service_pb2 as pb
from creditd.domain.controls.approval import Approval, ApprovalKind, WantedAct
from creditd.domain.payments.payment_event import PaymentEventState
from creditd.domain.payments.provider import Provider
from creditd.domain.payments.purchase import Purchase, parse_purchase_name
from creditd.domain.resource_names import id_in
from creditd.server.acts import act_of
from creditd.server.approval_messages import approval_message
from creditd.server.credit_messages import instant, timestamp
from creditd.server.payment_messages import (
    act_message,
    count_message,
    event_message,
    fact_message,
    package_from,
    package_message,
    purchase_message,
    rejection_message,
    subscription_message,
)
from creditd.server.requests import stated_amount, stated_version
from creditd.service.call import Call
from creditd.service.controls.approvals import Approvals
from creditd.service.line import Line
from creditd.service.pages import Asked
from creditd.service.payments.inspections import Inspections
from creditd.service.payments.packages import Packages
from creditd.service.payments.payment_events import Events
from creditd.service.payments.reconciliation import Comparison, Finding, Reconciliation
from creditd.service.payments.reversals import Reversals
from creditd.service.payments.subscriptions import SubscriptionReader
from creditd.storage.payments.payment_events import EventFilter


class PackageHandlers:
    """Packages put on sale and taken off."""

    def __init__(self, packages: Packages) -> None:
        """Sell by ``packages``."""
        self._packages = packages

    async def create_package(self, request: pb.CreatePackageRequest, call: Call) -> pb.CreatePackageResponse:
        """Answer CreatePackage."""
        stored, call.replayed = await self._packages.create(package_from(request.package), act_of(call, request))
        return pb.CreatePackageResponse(package=package_message(stored))

    async def retire_package(self, request: pb.RetirePackageRequest, call: Call) -> pb.RetirePackageResponse:
        """Answer RetirePackage."""
        stored, call.replayed = await self._packages.retire(id_in(request.name), act_of(call, request))
        return pb.RetirePackageResponse(package=package_message(stored))


class ReversalHandlers:
    """Credits taken back by staff, for money refunded outside the provider."""

    def __init__(self, reversals: Reversals, approvals: Approvals) -> None:
        """Reverse by ``reversals``; what a second person has to agree to waits among ``approvals``."""
        self._reversals = reversals
        self._approvals = approvals

    async def reverse_purchase(self, request: pb.ReversePurchaseRequest, call: Call) -> pb.ReversePurchaseResponse:
        """Answer ReversePurchase."""
        act, dry_run = act_of(call, request), request.validate_only
        key = parse_purchase_name(request.name)
        amount, version = stated_amount(request), stated_version(request)

        async def alone() -> Purchase:
            purchase, call.replayed = await self._reversals.reverse(key, amount, act, version=version, dry_run=dry_run)
            return purchase

        wanted = WantedAct(
            ApprovalKind.REVERSE_PURCHASE, key.account_id, purchase_id=key.purchase_id, money=amount, version=version
        )
        outcome = await self._approvals.perform(call, act, wanted, alone, dry_run=dry_run)
        if isinstance(outcome, Approval):
            return pb.ReversePurchaseResponse(approval=approval_message(outcome, self._approvals.now))
        return pb.ReversePurchaseResponse(purchase=purchase_message(outcome))


class InspectionHandlers:
    """Purchases looked at when staff say so."""

    def __init__(self, inspections: Inspections) -> None:
        """Inspect by ``inspections``."""
        self._inspections = inspections

    async def inspect_purchase(self, request: pb.InspectPurchaseRequest, call: Call) -> pb.InspectPurchaseResponse:
        """Answer InspectPurchase."""
        act = act_of(call, request)
        inspection, call.replayed = await self._inspections.inspect(parse_purchase_name(request.name), act)
        return pb.InspectPurchaseResponse(next_poll_time=timestamp(inspection.next_poll_time))


class SubscriptionHandlers:
    """Subscriptions, as staff see them."""

    def __init__(self, reader: SubscriptionReader) -> None:
        """Read by ``reader``."""
        self._reader = reader

    async def list_subscriptions(
        self, request: pb.ListSubscriptionsRequest, call: Call
    ) -> pb.ListSubscriptionsResponse:
        """Answer ListSubscriptions."""
        del call
        asked = Asked(request.page_size, request.page_token)
        page = await self._reader.page(request.account_id, asked, subscription_message)
        return pb.ListSubscriptionsResponse(subscriptions=page.items, next_page_token=page.next_page_token)


class PaymentEventHandlers:
    """The inbox, as staff see it."""

    def __init__(self, events: Events) -> None:
        """Act by ``events``."""
        self._events = events

    async def list_payment_events(
        self, request: pb.ListPaymentEventsRequest, call: Call
    ) -> pb.ListPaymentEventsResponse:
        """Answer ListPaymentEvents."""
        wanted = EventFilter(
            PaymentEventState(request.state) if request.state else None,
            Provider(request.provider) if request.provider else None,
            request.account_id,
            request.purchase,
            instant(request.start_time, "start_time") if request.HasField("start_time") else None,
            instant(request.end_time, "end_time") if request.HasField("end_time") else None,
        )
        asked = Asked(request.page_size, request.page_token)
        page = await self._events.page(call, wanted, asked, event_message)
        counts = await self._events.counts(call) if request.show_counts else {}
        return pb.ListPaymentEventsResponse(
            payment_events=page.items,
            next_page_token=page.next_page_token,
            counts=[count_message(state, count) for state, count in counts.items()],
        )

    async def get_payment_event(self, request: pb.GetPaymentEventRequest, call: Call) -> pb.GetPaymentEventResponse:
        """Answer GetPaymentEvent."""
        event, acts, act_count = await self._events.get(call, id_in(request.name))
        return pb.GetPaymentEventResponse(
            payment_event=event_message(event),
            body=event.body,
            acts=map(act_message, acts),
            act_count=act_count,
            facts=[fact_message(fact, event.currency) for fact in event.facts],
        )

    async def replay_payment_event(
        self, request: pb.ReplayPaymentEventRequest, call: Call
    ) -> pb.ReplayPaymentEventResponse:
        """Answer ReplayPaymentEvent."""
        event, call.replayed = await self._events.replay(id_in(request.name), act_of(call, request))
        return pb.ReplayPaymentEventResponse(payment_event=event_message(event))

    async def dismiss_payment_event(
        self, request: pb.DismissPaymentEventRequest, call: Call
    ) -> pb.DismissPaymentEventResponse:
        """Answer DismissPaymentEvent."""
        event, call.replayed = await self._events.dismiss(id_in(request.name), act_of(call, request))
        return pb.DismissPaymentEventResponse(payment_event=event_message(event))

    async def list_rejected_webhooks(
        self, request: pb.ListRejectedWebhooksRequest, call: Call
    ) -> pb.ListRejectedWebhooksResponse:
        """Answer ListRejectedWebhooks."""
        asked = Asked(request.page_size, request.page_token)
        page = await self._events.rejected(call, asked, rejection_message)
        return pb.ListRejectedWebhooksResponse(rejected_webhooks=page.items, next_page_token=page.next_page_token)


COMPARISONS_AT_ONCE = 1
"""A comparison keeps all that a provider tells of in memory, and uses up what it allows of calls."""

COMPARISONS_WAITING = 4
"""Callers in line: more than there are providers."""


class ReconciliationHandlers:
    """Providers compared with what is known here."""

    def __init__(self, reconciliation: Reconciliation) -> None:
        """Compare by ``reconciliation``."""
        self._reconciling = reconciliation
        self._line = Line(COMPARISONS_AT_ONCE, COMPARISONS_WAITING)

    async def reconcile_payments(
        self, request: pb.ReconcilePaymentsRequest, call: Call
    ) -> AsyncGenerator[pb.ReconcilePaymentsResponse]:
        """Answer ReconcilePayments."""
        act = act_of(call, request)
        since = instant(request.since, "since") if request.HasField("since") else None
        async with self._line.place():
            async for outcome in self._reconciling.compare_for(act, Provider(request.provider), since):
                yield _outcome_message(outcome)


def _outcome_message(outcome: Finding | Comparison) -> pb.ReconcilePaymentsResponse:
    if isinstance(outcome, Finding):
        return pb.ReconcilePaymentsResponse(find=pb.ReconciliationFind(**outcome._asdict()))
    return pb.ReconcilePaymentsResponse(summary=pb.ReconciliationSummary(**outcome._asdict()))
