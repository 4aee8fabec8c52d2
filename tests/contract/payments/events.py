"""Events of providers: handed in, listed, and acted on by staff."""

from typing import Any

from credit.v1 import payment_admin_service_pb2 as admin_pb
from credit.v1 import payment_event_pb2 as event_pb
from creditd.ledger.ids import uuid7
from tests.contract.payments.shopper import Shopper, event_state
from tests.support.market import SECONDS, STRIPE
from tests.support.patience import eventually
from tests.support.signed_webhooks import (
    body_of,
    key_of,
    signed,
    stripe_event,
)


def ingested(shopper: Shopper, provider: int, document: dict[str, Any]) -> event_pb.PaymentEvent:
    """Hand an authentic webhook in, and return its event once it was tried."""
    shopper.staff.webhook.IngestWebhook(signed(shopper.market, provider, body_of(document)))
    return shopper.settled(key_of(document))


def stripe_event_ingested(shopper: Shopper, event_type: str, about: dict[str, Any]) -> event_pb.PaymentEvent:
    """Hand an event of Stripe's in, and return it once it was tried."""
    return ingested(shopper, STRIPE, stripe_event(event_type, about))


def replay(shopper: Shopper, event: event_pb.PaymentEvent, reason: str = "again") -> event_pb.PaymentEvent:
    """Have an event applied again."""
    request = admin_pb.ReplayPaymentEventRequest(name=event.name, reason=reason, request_id=uuid7())
    answer: admin_pb.ReplayPaymentEventResponse = shopper.staff.payment_admin.ReplayPaymentEvent(request)
    return answer.payment_event


def dismiss(shopper: Shopper, event: event_pb.PaymentEvent, reason: str = "no") -> event_pb.PaymentEvent:
    """Put an event aside."""
    request = admin_pb.DismissPaymentEventRequest(name=event.name, reason=reason, request_id=uuid7())
    answer: admin_pb.DismissPaymentEventResponse = shopper.staff.payment_admin.DismissPaymentEvent(request)
    return answer.payment_event


def event_becomes(shopper: Shopper, event: event_pb.PaymentEvent, state: str) -> event_pb.PaymentEvent:
    """Wait until an event is in a state, and return it whole."""

    def is_so() -> event_pb.PaymentEvent | None:
        seen = shopper.event_called(event.name)
        return seen if event_state(seen) == state else None

    found: event_pb.PaymentEvent = eventually(is_so, SECONDS)
    return found


def events_listed(shopper: Shopper, **fields: Any) -> list[event_pb.PaymentEvent]:
    """Return the newest events of some kind."""
    request = admin_pb.ListPaymentEventsRequest(page_size=100, **fields)
    return list(shopper.staff.payment_admin.ListPaymentEvents(request).payment_events)
