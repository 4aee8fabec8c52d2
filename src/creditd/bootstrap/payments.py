"""Payments in one process: the configured providers, the inbox, its workers, and the pollers."""

import asyncio
from collections.abc import Iterable

from creditd.bootstrap.core import Core
from creditd.bootstrap.payment_providers import configured_providers
from creditd.domain.provider import Provider
from creditd.ledger.accounts import AccountLedger
from creditd.server.payment_admin_handlers import (
    PackageHandlers,
    PaymentEventHandlers,
    ReconciliationHandlers,
    ReversalHandlers,
)
from creditd.server.payment_handlers import PurchaseHandlers, WebhookHandlers
from creditd.service.catalogue import Catalogue
from creditd.service.pages import PageTokens
from creditd.service.payments.cases import FoundCases
from creditd.service.payments.due_worker import DueWorker
from creditd.service.payments.hints import Hints, HintWorker
from creditd.service.payments.inbox import BacklogWatch, Inbox
from creditd.service.payments.inbox_worker import APPLIED_AT_ONCE, InboxWorker
from creditd.service.payments.intake import Intake
from creditd.service.payments.packages import Packages
from creditd.service.payments.payment_events import Events
from creditd.service.payments.payment_requests import PaymentRequests
from creditd.service.payments.poller import Poller
from creditd.service.payments.providers import Providers
from creditd.service.payments.purchases import PurchaseReader, Purchases
from creditd.service.payments.reconciliation import Reconciliation
from creditd.service.payments.recorder import PurchaseRecorder, Recorder
from creditd.service.payments.rejections import Rejections
from creditd.service.payments.reversals import Reversals
from creditd.service.payments.subscriptions import Subscriptions
from creditd.service.threads import Threads

Handlers = Iterable[object]


class Payments:
    """Everything that runs for payments. Make it on the event loop that it is to run on."""

    def __init__(
        self, core: Core, accounts: AccountLedger, catalogue: Catalogue, threads: Threads, tokens: PageTokens
    ) -> None:
        """Wire it."""
        self._core = core
        self._threads = threads
        self._catalogue = catalogue
        self._tokens = tokens
        self._providers = Providers(configured_providers(core.config, core.clock.now))
        statistics, clock, database = core.payment_statistics, core.clock, core.database
        make_id = core.make_id
        self._purchase_recorder = PurchaseRecorder(make_id)
        subscriptions = Subscriptions(accounts, make_id)
        self._recorder = Recorder(core.transactions, self._purchase_recorder, subscriptions)
        found_cases = FoundCases(database, clock, make_id)
        self._payment_requests = PaymentRequests(core.transactions, self._providers, self._recorder, threads.payments)
        self._purchases = Purchases(
            database,
            core.transactions,
            self._providers,
            self._payment_requests,
            self._recorder,
            clock,
            make_id,
            threads.payments,
        )
        turns = asyncio.Semaphore(APPLIED_AT_ONCE)
        self._workers = {
            provider.provider: InboxWorker(
                database, provider, self._recorder, clock, threads.payments, turns, statistics
            )
            for provider in self._providers
        }
        self._rejections = Rejections(database, clock, threads.background, statistics)
        filing = Intake(clock, make_id)
        self._hint_workers = self._make_hint_workers(filing)
        self.inbox = Inbox(
            database,
            self._providers,
            clock,
            filing,
            Hints(database, clock, filing, threads.webhooks, self._rejections),
            threads.webhooks,
            statistics,
            self._rejections,
            self._wake,
        )
        self.reconciliation = Reconciliation(
            database, self._providers, self._recorder, found_cases, clock, make_id, threads.background, statistics
        )
        self._background = [
            *(worker.background for worker in self._workers.values()),
            *(worker.background for worker in self._hint_workers.values()),
            *(poller.background for poller in self._make_pollers(found_cases)),
            DueWorker(database, self._recorder, clock, threads.background).background,
            self.reconciliation.background,
            self._rejections.background,
            BacklogWatch(database, clock, threads.background, statistics).background,
        ]
        statistics.failures.update((background.name, background.failures.counts) for background in self._background)

    def _make_hint_workers(self, filing: Intake) -> dict[Provider, HintWorker]:
        core, background = self._core, self._threads.background
        return {
            known.provider: HintWorker(
                core.database,
                known,
                known.unsigned,
                filing,
                core.clock,
                background,
                core.payment_statistics,
                self._wake,
            )
            for known in self._providers
            if known.unsigned
        }

    def _make_pollers(self, found_cases: FoundCases) -> list[Poller]:
        core, background = self._core, self._threads.background
        return [
            Poller(
                core.database,
                provider,
                self._payment_requests,
                self._recorder,
                found_cases,
                core.clock,
                background,
                core.payment_statistics,
                core.config.payment_poll_interval_seconds,
            )
            for provider in self._providers
        ]

    def _wake(self, provider: Provider) -> None:
        """Wake a provider's workers; other servers' workers look every second by themselves."""
        self._workers[provider].background.wake()
        if provider in self._hint_workers:
            self._hint_workers[provider].background.wake()

    def handlers(self) -> tuple[Handlers, Handlers, Handlers]:
        """Return the handlers of PaymentService, PaymentAdminService and WebhookService."""
        core, threads = self._core, self._threads
        packages = Packages(core.database, self._catalogue, core.clock, threads, self._tokens)
        reading = PurchaseReader(core.database, self._tokens, threads)
        administration = (
            PackageHandlers(packages),
            ReversalHandlers(Reversals(core.transactions, self._purchase_recorder, threads), reading),
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
