"""The inbox: a webhook is verified, stored and only then answered; what it says is applied afterwards."""

from collections.abc import Callable
from enum import IntEnum

from creditd.domain.instant import Instant
from creditd.domain.payment_errors import WebhookUnfit
from creditd.domain.purchase import Provider
from creditd.ledger.clock import DatabaseClock
from creditd.payments.provider import Delivery, Names, PaymentProvider, Webhook, WebhookRejected
from creditd.service.purchases.providers import InThread, Providers
from creditd.service.purchases.rejecting import Rejecting
from creditd.service.purchases.statistics import PaymentStatistics
from creditd.storage import payment_events, payment_references, purchases
from creditd.storage.database import Connection, Database
from creditd.storage.payment_events import EventState, PaymentEvent
from creditd.storage.purchases import PurchaseKey, parse_purchase_name, purchase_name


class IngestResult(IntEnum):
    """What became of an authentic webhook. The numbers are those of the proto."""

    STORED = 1
    DUPLICATE = 2
    NOT_OF_INTEREST = 3


class Inbox:
    """Takes webhooks in."""

    def __init__(
        self,
        database: Database,
        providers: Providers,
        clock: DatabaseClock,
        make_id: Callable[[], str],
        in_thread: InThread,
        statistics: PaymentStatistics,
        rejecting: Rejecting,
        on_stored: Callable[[Provider], None],
    ) -> None:
        """Store them in ``database``. ``on_stored`` is called for a provider that said something to apply."""
        self._on_stored = on_stored
        self._statistics = statistics
        self._rejecting = rejecting
        self._database = database
        self._providers = providers
        self._clock = clock
        self._make_id = make_id
        self._in_thread = in_thread

    async def ingest(self, provider: Provider, webhook: Webhook, remote_address: str) -> IngestResult:
        """Verify and store a webhook; the answer comes after COMMIT.

        Raises ProviderNotConfigured; WebhookUnfit, and nothing of it is stored but that one was rejected.
        """
        known = self._providers.get(provider)
        try:
            delivery = known.receive(webhook, self._clock.now())
        except WebhookRejected as rejection:
            self._rejecting.count(provider, rejection, remote_address)
            raise WebhookUnfit(problem=rejection.reason) from rejection
        result = await self._in_thread(lambda: self._store(known, delivery))
        self._statistics.ingested[provider.name.lower(), result.name.lower()] += 1
        if result is IngestResult.STORED or (known.hints and result is IngestResult.DUPLICATE):
            self._on_stored(provider)
        return result

    def _store(self, known: PaymentProvider, delivery: Delivery) -> IngestResult:
        now = self._clock.now()
        event = self._event(known, delivery, now)
        with self._database.transaction() as connection:
            if delivery.is_of_interest:
                event = _with_owner(connection, event, known.names(delivery))
            is_new = payment_events.add(connection, event)
            if not is_new and known.hints:
                payment_events.hint_again(connection, known.provider, delivery.key, now)
        if not is_new:
            return IngestResult.DUPLICATE
        return IngestResult.STORED if delivery.is_of_interest else IngestResult.NOT_OF_INTEREST

    def _event(self, known: PaymentProvider, delivery: Delivery, now: Instant) -> PaymentEvent:
        state = EventState.PENDING if delivery.is_of_interest else EventState.NOT_OF_INTEREST
        return PaymentEvent(
            provider=known.provider,
            delivery_key=delivery.key,
            event_id=self._make_id(),
            event_type=delivery.event_type,
            live=delivery.live,
            # What nobody looks at again may hold a payer's name and address.
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
    """Return an event with whose it is, as far as that is known: by what we know by the provider's ids, else its hints.

    One that names nothing of ours, neither by our name nor by an id that is known, has its turn after all others.
    """
    known = payment_references.referred(connection, event.provider, names.references, live=event.live)
    name = next((known[reference] for reference in names.references if reference in known), "")
    if "/purchases/" in name:
        return event._replace(account=parse_purchase_name(name).account_id, purchase=name)
    if name:
        return event._replace(account=name.removeprefix("accounts/"))
    if names.purchase:
        key = PurchaseKey(*names.purchase)
        # Anybody may have written it: it is a purchase's only if there is such a purchase.
        if purchases.find(connection, key) is not None:
            return event._replace(account=key.account_id, purchase=purchase_name(key))
    account = names.purchase.account_id if names.purchase else names.account_id
    return event._replace(account=account, is_ours=bool(account))
