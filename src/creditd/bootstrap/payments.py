"""Payments in one process: the configured providers, the inbox, its workers, and the pollers."""

import asyncio
from collections.abc import Iterable

from creditd.bootstrap.core import Core
from creditd.bootstrap.payment_providers import configured_providers
from creditd.config.velocity_rules import velocity_rules_in
from creditd.domain.payments.provider import Provider
from creditd.ledger.accounts import AccountLedger
from creditd.server.handlers.payment_admin_handlers import (
    InspectionHandlers,
    PackageHandlers,
    PaymentEventHandlers,
    ReconciliationHandlers,
    ReversalHandlers,
    SubscriptionHandlers,
)
from creditd.server.handlers.payment_handlers import PurchaseHandlers, WebhookHandlers
from creditd.service.catalogue import Catalogue
from creditd.service.controls.approvals import Approvals
from creditd.service.controls.velocity import Velocity
from creditd.service.pages import PageTokens
from creditd.service.payments.background import Background
from creditd.service.payments.cases import FoundCases
from creditd.service.payments.due_worker import DueWorker
from creditd.service.payments.hints import Hints, HintWorker
from creditd.service.payments.inbox import BacklogWatch, Inbox
from creditd.service.payments.inbox_worker import APPLIED_AT_ONCE, InboxWorker
from creditd.service.payments.inspections import Inspections
from creditd.service.payments.intake import Intake
from creditd.service.payments.packages import Packages
from creditd.service.payments.payment_events import Events
from creditd.service.payments.payment_requests import PaymentRequests
from creditd.service.payments.poller import Poller
from creditd.service.payments.providers import Providers
from creditd.service.payments.purchase_promos import PurchasePromos
from creditd.service.payments.purchase_reader import PurchaseReader
from creditd.service.payments.purchases import Purchases
from creditd.service.payments.reconciliation import Reconciliation
from creditd.service.payments.recorder import PurchaseRecorder, Recorder
from creditd.service.payments.rejections import Rejections
from creditd.service.payments.reversals import Reversals
from creditd.service.payments.subscriptions import SubscriptionReader, SubscriptionRecorder
from creditd.service.promo.promo_attempts import PromoAttempts
from creditd.service.promo.promo_claims import PromoClaims
from creditd.service.threads import Threads

Handlers = Iterable[object]


class Payments:
    """Everything that runs for payments. Make it on the event loop that it is to run on."""

    def __init__(
        self, core: Core, accounts: AccountLedger, catalogue: Catalogue, threads: Threads, tokens: PageTokens
    ) -> None:
        """Build every part on ``core``, the process's database, ledger and clock."""
        self._core = core
        self._threads = threads
        self._catalogue = catalogue
        self._tokens = tokens
        self._providers = Providers(configured_providers(core.config, core.clock.now))
        velocity = Velocity(velocity_rules_in(core.config.velocity_rules), accounts, core.make_id)
        attempts = PromoAttempts(core.transactions, velocity)
        self.promo_claims = PromoClaims(core.database, core.transactions, attempts, core.clock, core.make_id)
        self._purchase_recorder = PurchaseRecorder(core.make_id, velocity)
        self._recorder = Recorder(
            core.transactions, self._purchase_recorder, SubscriptionRecorder(accounts, core.make_id)
        )
        self.reversals = Reversals(core.transactions, self._purchase_recorder, core.make_id, threads)
        self._found_cases = FoundCases(core.database, core.clock, core.make_id)
        self._payment_requests = PaymentRequests(core.transactions, self._providers, self._recorder, threads.payments)
        self._purchases = self._make_purchases()
        self._rejections = Rejections(core.database, core.clock, threads.background, core.payment_statistics)
        intake = Intake(core.clock, core.make_id)
        self._inbox_workers = self._make_inbox_workers()
        self._hint_workers = self._make_hint_workers(intake)
        self.inbox = self._make_inbox(intake)
        self.reconciliation = self._make_reconciliation()
        self._background = self._make_background()
        core.payment_statistics.failures.update(
            (background.name, background.failures.counts) for background in self._background
        )

    def _make_purchases(self) -> Purchases:
        core = self._core
        return Purchases(
            core.database,
            core.transactions,
            self._providers,
            self._payment_requests,
            self._recorder,
            core.clock,
            core.make_id,
            self._threads.payments,
            PurchasePromos(core.database, self.promo_claims, self._threads.promos),
        )

    def _make_inbox_workers(self) -> dict[Provider, InboxWorker]:
        core = self._core
        turns = asyncio.Semaphore(APPLIED_AT_ONCE)
        return {
            provider.provider: InboxWorker(
                core.database,
                provider,
                self._recorder,
                core.clock,
                self._threads.payments,
                turns,
                core.payment_statistics,
            )
            for provider in self._providers
        }

    def _make_hint_workers(self, intake: Intake) -> dict[Provider, HintWorker]:
        core, background = self._core, self._threads.background
        return {
            known.provider: HintWorker(
                core.database,
                known,
                known.unsigned,
                intake,
                core.clock,
                background,
                core.payment_statistics,
                self._wake,
            )
            for known in self._providers
            if known.unsigned
        }

    def _make_inbox(self, intake: Intake) -> Inbox:
        core, in_thread = self._core, self._threads.webhooks
        return Inbox(
            core.database,
            self._providers,
            core.clock,
            intake,
            Hints(core.database, core.clock, intake, in_thread, self._rejections),
            in_thread,
            core.payment_statistics,
            self._rejections,
            self._wake,
        )

    def _make_reconciliation(self) -> Reconciliation:
        core = self._core
        return Reconciliation(
            core.database,
            self._providers,
            self._recorder,
            self._found_cases,
            core.clock,
            core.make_id,
            self._threads.background,
            core.payment_statistics,
        )

    def _make_background(self) -> list[Background]:
        """Return what runs by itself, in the order in which it is started."""
        core, in_thread = self._core, self._threads.background
        return [
            *(worker.background for worker in self._inbox_workers.values()),
            *(worker.background for worker in self._hint_workers.values()),
            *(poller.background for poller in self._make_pollers()),
            DueWorker(core.database, self._recorder, core.clock, in_thread).background,
            self.reconciliation.background,
            self._rejections.background,
            BacklogWatch(core.database, core.clock, in_thread, core.payment_statistics).background,
        ]

    def _make_pollers(self) -> list[Poller]:
        core, background = self._core, self._threads.background
        return [
            Poller(
                core.database,
                provider,
                self._payment_requests,
                self._recorder,
                self._found_cases,
                core.clock,
                background,
                core.payment_statistics,
                core.config.payment_poll_interval_seconds,
            )
            for provider in self._providers
        ]

    def _wake(self, provider: Provider) -> None:
        """Wake a provider's workers; other servers' workers look every second by themselves."""
        self._inbox_workers[provider].background.wake()
        if provider in self._hint_workers:
            self._hint_workers[provider].background.wake()

    def handlers(self, approvals: Approvals) -> tuple[Handlers, Handlers, Handlers]:
        """Return the handlers of PaymentService, PaymentAdminService and WebhookService."""
        core, threads = self._core, self._threads
        packages = Packages(core.database, self._catalogue, core.clock, core.make_id, threads, self._tokens)
        reading = PurchaseReader(core.database, self._tokens, threads)
        administration = (
            PackageHandlers(packages),
            ReversalHandlers(self.reversals, approvals),
            InspectionHandlers(Inspections(core.database, self._providers, core.clock, core.make_id, threads)),
            SubscriptionHandlers(SubscriptionReader(core.database, self._tokens, threads)),
            PaymentEventHandlers(Events(core.database, self._tokens, core.clock, core.make_id, threads)),
            ReconciliationHandlers(self.reconciliation),
        )
        purchases = PurchaseHandlers(packages, self._purchases, reading)
        return (purchases,), administration, (WebhookHandlers(self.inbox),)

    def start(self) -> None:
        """Start the workers and the pollers."""
        for background in self._background:
            background.start()

    async def close(self, seconds: float) -> None:
        """Stop. Requests to providers that are under way have ``seconds`` to finish.

        The next server that runs resumes what was not finished.
        """
        await asyncio.gather(*(background.close() for background in self._background), self._purchases.finish(seconds))
        await self._rejections.flush()
        await self._providers.close()
