"""The inbox: a webhook is verified, stored, and only then answered; a worker records it afterwards."""

from collections.abc import Callable
from typing import Final

from creditd.domain.controls.velocity import VelocityAction, VelocityKind
from creditd.domain.instant import SECOND
from creditd.domain.payments.payment_errors import WebhookRejected
from creditd.domain.payments.provider import Provider
from creditd.ledger.clock import DatabaseClock
from creditd.payments.provider import Delivery, InvalidWebhook, PaymentProvider, Webhook
from creditd.service.payments.background import Background
from creditd.service.payments.hints import Hints
from creditd.service.payments.intake import IngestResult, Intake
from creditd.service.payments.providers import InThread, Providers
from creditd.service.payments.rejections import Rejections
from creditd.storage.controls import account_flags
from creditd.storage.controls.account_flags import OpenFlags
from creditd.storage.database import Database
from creditd.storage.payments import payment_events
from creditd.storage.payments.payment_events import Backlog
from creditd.telemetry.statistics import PaymentStatistics


class Inbox:
    """Takes webhooks in."""

    def __init__(
        self,
        database: Database,
        providers: Providers,
        clock: DatabaseClock,
        intake: Intake,
        hints: Hints,
        in_thread: InThread,
        statistics: PaymentStatistics,
        rejections: Rejections,
        on_stored: Callable[[Provider], None],
    ) -> None:
        """Store them in ``database``. ``on_stored`` is called with the provider when there is something to record."""
        self._on_stored = on_stored
        self._statistics = statistics
        self._rejections = rejections
        self._database = database
        self._providers = providers
        self._clock = clock
        self._intake = intake
        self._hints = hints
        self._in_thread = in_thread

    async def ingest(self, provider: Provider, webhook: Webhook, remote_address: str) -> IngestResult:
        """Verify and store a webhook; return after COMMIT.

        Raises ProviderNotConfigured; WebhookRejected, and only the rejection is counted; Overloaded, for an unsigned
        hint also if there are too many.
        """
        known = self._providers.get(provider)
        try:
            delivery = known.receive(webhook, self._clock.now())
        except InvalidWebhook as rejection:
            self._rejections.count(provider, rejection, remote_address)
            raise WebhookRejected(problem=rejection.reason.value) from rejection
        if known.unsigned:
            result = await self._hints.take(known, known.unsigned, delivery, remote_address)
        else:
            result = await self._in_thread(lambda: self._store(known, delivery))
        self._statistics.ingested[provider.name.lower(), result.name.lower()] += 1
        if result is IngestResult.STORED or (known.hints and result is IngestResult.DUPLICATE):
            self._on_stored(provider)
        return result

    def _store(self, known: PaymentProvider, delivery: Delivery) -> IngestResult:
        with self._database.transaction() as connection:
            return self._intake.file(connection, known, delivery)


LOOK_SECONDS: Final = 5.0
"""Seconds between looks: as often as metrics are usually read."""


class BacklogWatch:
    """Counts the backlog of the inbox, and the open flags of accounts, in the ``background``."""

    def __init__(
        self, database: Database, clock: DatabaseClock, in_thread: InThread, statistics: PaymentStatistics
    ) -> None:
        """Write the counts to ``statistics``."""
        self._database = database
        self._clock = clock
        self._in_thread = in_thread
        self._statistics = statistics
        self.background = Background(self._note, LOOK_SECONDS, "looking at the inbox")

    async def _note(self) -> None:
        (pending, oldest, waiting, parked), flags = await self._in_thread(self._look)
        self._statistics.open_flags = _by_label(flags)
        waited = self._clock.now() - oldest if oldest is not None else 0
        self._statistics.pending, self._statistics.waiting, self._statistics.parked = pending, waiting, parked
        self._statistics.oldest_pending_seconds = max(0, waited) / SECOND

    def _look(self) -> tuple[Backlog, OpenFlags]:
        with self._database.autocommit() as connection:
            return payment_events.backlog(connection), account_flags.count_open(connection)


def _by_label(flags: OpenFlags) -> dict[tuple[str, str], int]:
    """Return counts by how metrics name them; 0 for what there is none of, so that an alarm has what to look at."""
    return {
        (kind.name.lower(), action.name.lower()): flags.get((kind, action), 0)
        for kind in VelocityKind
        for action in VelocityAction
    }
