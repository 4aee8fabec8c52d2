"""Intake: a delivery becomes one event of the inbox, with its account and purchase as far as known."""

from collections.abc import Callable
from enum import IntEnum

from creditd.domain.instant import Instant
from creditd.domain.payments.payment_event import PaymentEvent, PaymentEventState
from creditd.domain.payments.purchase import parse_purchase_name, purchase_name
from creditd.ledger.clock import DatabaseClock
from creditd.payments.provider import Delivery, Names, PaymentProvider
from creditd.storage.database import Connection
from creditd.storage.payments import payment_events, payment_references, purchases


class IngestResult(IntEnum):
    """What became of an accepted webhook. The numbers are those of the proto."""

    STORED = 1
    DUPLICATE = 2
    NOT_OF_INTEREST = 3


class Intake:
    """Files deliveries in the inbox."""

    def __init__(self, clock: DatabaseClock, make_id: Callable[[], str]) -> None:
        """Date events by ``clock``, and name them by ``make_id``."""
        self._clock = clock
        self._make_id = make_id

    def file(self, connection: Connection, known: PaymentProvider, delivery: Delivery) -> IngestResult:
        """File a delivery; a repeated hint has its subject read again."""
        now = self._clock.now()
        event = self._event(known, delivery, now)
        if delivery.is_of_interest:
            event = _with_owner(connection, event, known.names(delivery))
        is_new = payment_events.add(connection, event)
        if not is_new and known.hints:
            is_signed = known.unsigned is None
            payment_events.hint_again(connection, known.provider, delivery.key, now, is_signed=is_signed)
        if not is_new:
            return IngestResult.DUPLICATE
        return IngestResult.STORED if delivery.is_of_interest else IngestResult.NOT_OF_INTEREST

    def _event(self, known: PaymentProvider, delivery: Delivery, now: Instant) -> PaymentEvent:
        state = PaymentEventState.PENDING if delivery.is_of_interest else PaymentEventState.NOT_OF_INTEREST
        return PaymentEvent(
            provider=known.provider,
            delivery_key=delivery.key,
            event_id=self._make_id(),
            event_type=delivery.event_type,
            live=delivery.live,
            # A body that is not needed any more may hold a payer's name and address.
            body=delivery.body if delivery.is_of_interest else "",
            state=state,
            attempts=0,
            next_attempt_time=now if delivery.is_of_interest else None,
            waits_for=(),
            problem="",
            purchase="",
            receive_time=now,
            update_time=now,
        )


def _with_owner(connection: Connection, event: PaymentEvent, names: Names) -> PaymentEvent:
    """Return an event with its owner, as far as known: by the provider's ids, else by what it states.

    An event that names nothing of ours, neither by our name nor by a known id, is tried after all others.
    """
    known = payment_references.referred(connection, event.provider, names.references, live=event.live)
    name = next((known[reference] for reference in names.references if reference in known), "")
    if "/purchases/" in name:
        return event._replace(account=parse_purchase_name(name).account_id, purchase=name)
    if name:
        return event._replace(account=name.removeprefix("accounts/"))
    if names.purchase:
        key = names.purchase
        # Anybody may have written that name, so it counts only if the purchase exists.
        if purchases.find(connection, key) is not None:
            return event._replace(account=key.account_id, purchase=purchase_name(key))
    account = names.purchase.account_id if names.purchase else names.account_id
    return event._replace(account=account, is_ours=bool(account))
