"""Credits and payments in one process: the threads, the background work and the handlers of their services."""

import asyncio
import logging
from collections.abc import Callable, Mapping
from typing import Final

import grpc

from credit.v1 import (
    access_service_pb2,
    admin_service_pb2,
    approval_service_pb2,
    audit_service_pb2,
    credit_service_pb2,
    event_endpoint_service_pb2,
    event_service_pb2,
    payment_admin_service_pb2,
    payment_service_pb2,
    promo_service_pb2,
    statement_service_pb2,
    support_service_pb2,
    webhook_service_pb2,
    workflow_service_pb2,
)
from creditd.bootstrap.access import Access
from creditd.bootstrap.approvals import make_approvals
from creditd.bootstrap.core import Core
from creditd.bootstrap.events import EventParts
from creditd.bootstrap.executors import make_executors
from creditd.bootstrap.payments import Payments
from creditd.bootstrap.promos import Promos
from creditd.bootstrap.runs import RunParts
from creditd.bootstrap.stop_grace import StopGrace
from creditd.bootstrap.support import make_support
from creditd.bootstrap.transport import Transport
from creditd.bootstrap.workflows import make_workflows
from creditd.ledger.accounts import AccountLedger
from creditd.ledger.work import DatabaseUnavailable
from creditd.server.authorization.second_factor import SecondFactor
from creditd.server.gate import Gate
from creditd.server.handlers.admin_handlers import (
    AccountHandlers,
    AdjustmentHandlers,
    CreditTypeHandlers,
    VerificationHandlers,
)
from creditd.server.handlers.alert_handlers import AlertHandlers
from creditd.server.handlers.approval_handlers import ApprovalHandlers
from creditd.server.handlers.audit_handlers import AuditHandlers
from creditd.server.handlers.balance_handlers import BalanceHandlers, HistoryHandlers
from creditd.server.handlers.batch_handlers import BatchHandlers
from creditd.server.handlers.flag_handlers import FlagHandlers
from creditd.server.handlers.hold_handlers import HoldHandlers
from creditd.server.handlers.limit_handlers import LimitHandlers
from creditd.server.handlers.receipt_handlers import ReceiptHandlers
from creditd.server.handlers.statement_handlers import StatementHandlers
from creditd.server.handlers.usage_handlers import UsageHandlers
from creditd.server.handlers.watch_handlers import WatchHandlers
from creditd.server.pipeline import Steps
from creditd.server.services import service_handler
from creditd.server.statements.printer import Printer
from creditd.service.account_limits import AccountLimits
from creditd.service.accounts import Accounts
from creditd.service.balances import Balances
from creditd.service.catalogue import Catalogue
from creditd.service.controls.account_flags import AccountFlags
from creditd.service.controls.approvals import Approvals
from creditd.service.controls.audit_log import AuditLog
from creditd.service.controls.refused_acts import RefusedActs
from creditd.service.controls.sealer import Sealer
from creditd.service.credits import Credits
from creditd.service.events.balance_alerts import BalanceAlerts
from creditd.service.historical_balances import HistoricalBalances
from creditd.service.history import History
from creditd.service.pages import PageTokens
from creditd.service.payments.purchase_reader import PurchaseReader
from creditd.service.statements import Statements
from creditd.service.threads import Bulkhead, Threads
from creditd.service.usage.usage import UsageReports
from creditd.service.usage.usage_rollup import UsageRoller
from creditd.service.verification import Verifications
from creditd.storage.layout import Layout
from creditd.telemetry.statistics import Occupancy

log = logging.getLogger(__name__)

SERVICES = tuple(
    file.DESCRIPTOR.services_by_name[name]
    for file, name in (
        (credit_service_pb2, "CreditService"),
        (admin_service_pb2, "AdminService"),
        (payment_service_pb2, "PaymentService"),
        (payment_admin_service_pb2, "PaymentAdminService"),
        (webhook_service_pb2, "WebhookService"),
        (access_service_pb2, "AccessService"),
        (audit_service_pb2, "AuditService"),
        (approval_service_pb2, "ApprovalService"),
        (promo_service_pb2, "PromoService"),
        (statement_service_pb2, "StatementService"),
        (support_service_pb2, "SupportService"),
        (event_service_pb2, "EventService"),
        (event_endpoint_service_pb2, "EventEndpointService"),
        (workflow_service_pb2, "WorkflowService"),
    )
)

NOT_CARRIED: Final = ("GetUsageSummary", "GetUsageAnalytics")
"""RPCs that are not served where accounts are distributed: they read the ledgers of many at one moment."""


class CreditParts:
    """Everything that runs for credits and payments. Make it on the event loop that it is to run on."""

    services: Final = SERVICES
    database_name: Final = "the database"

    def __init__(
        self, core: Core, transport: Transport, gate: Gate, tokens: PageTokens, second_factor: SecondFactor
    ) -> None:
        """Build every part on ``core``; ``gate`` has the streams, and pages are sealed by ``tokens``."""
        self._core = core
        self._transport = transport
        self._gate = gate
        self._tokens = tokens
        self._threads = threads = Threads(transport.sink, core.config.database_pool_size)
        self._catalogue = Catalogue(core.database, core.clock, core.make_id, threads, tokens)
        self.decimals_of = self._catalogue.decimals_of
        self._accounts = AccountLedger(core.transactions, core.rules, core.make_id)
        self.refused_acts = RefusedActs(core.database, core.clock, core.make_id, threads.background)
        self.access = Access(core, threads, tokens, second_factor)
        self.sealer = Sealer(core.database, core.clock, threads.background, core.config.seal_interval_seconds)
        self.usage_roller = UsageRoller(
            core.database,
            core.clock,
            threads.background,
            core.config.usage_label,
            core.config.usage_rollup_interval_seconds,
            core.config.search_label,
        )
        core.usage_lag_seconds = lambda: self.usage_roller.lag_seconds
        self.executors = make_executors(core.config, core.executor_statistics, core.seconds)
        self.events = EventParts(core, threads, tokens)
        self.payments = Payments(core, self._accounts, self._catalogue, threads, tokens)
        self._credits = Credits(core.ledger, self._catalogue, transport.sink, self.events.limit_notices.note)
        self._promos = Promos(core, self.payments.promo_claims, self._catalogue, threads, tokens, self._credits)
        self._runs = RunParts(core, self.executors, threads, tokens)
        # One each: a receipt does not wait behind statements of many pages.
        self._statement_printer, self._receipt_printer = Printer(), Printer()
        self._audit_key = core.audit_key
        self._is_prepared = False

    @property
    def in_health(self) -> Bulkhead:
        """The thread that ``is_ready`` is asked on."""
        return self._threads.health

    @property
    def occupancies(self) -> Mapping[str, Occupancy]:
        """The occupancy of each bulkhead, by the name of its kind."""
        return self._threads.occupancies

    def seconds(self) -> float:
        """Return the seconds since the Unix epoch, by the database's clock."""
        return self._core.seconds()

    def is_ready(self) -> bool | None:
        """Tell whether the database can be served from; None if it did not answer. Blocks."""
        ready = self._core.is_fit()
        if not ready:
            return ready
        self._core.clock.look(self._core.database)
        if not self._core.clock.is_read:
            return None
        if not self._is_prepared:
            if not self._core.may_serve_by_its_login():
                return False
            # What fails half-way is done again by the next check; until then the server is not ready.
            self._catalogue.declare_missing(self._core.config.credit_types)
            self.access.poller.load()
            self._core.connect_ahead()
            self._is_prepared = True
        return True

    def lose(self) -> None:
        """End the streams: a call ends by itself, and a stream would wait for what does not come."""
        self._gate.end_streams(DatabaseUnavailable())

    def handlers(self, make_steps: Callable[[], Steps]) -> tuple[grpc.GenericRpcHandler, ...]:
        """Return the handlers, and have the transport serve those that are hot in the fastest way there is."""
        core, threads = self._core, self._threads
        steps = make_steps()
        credits = self._credits
        balances = Balances(core.reader, credits, threads, self._transport.sink)
        history = History(core.database, core.clock, threads, self._tokens)
        historical = HistoricalBalances(core.database, core.clock, core.rules, threads)
        self._watch = WatchHandlers(balances, history, self._catalogue)
        credit_types = CreditTypeHandlers(self._catalogue)
        hot = (
            HoldHandlers(credits, core.make_id, core.clock),
            BatchHandlers(credits, core.make_id, core.clock, self.decimals_of),
            BalanceHandlers(balances, self._catalogue, core.clock),
        )
        # With steps of its own: what they remember is not for several threads.
        polled = make_steps()
        self._transport.add_hot_methods(SERVICES[0], hot, polled)
        self._transport.authenticate_ahead(SERVICES, polled)
        reports = UsageReports(core.database, core.clock, threads, self.usage_roller.roll_up_once)
        usage = UsageHandlers(reports, self._catalogue, core.clock)
        credit = (
            *hot,
            usage,
            HistoryHandlers(history, historical, self._catalogue, core.clock),
            self._watch,
            credit_types,
        )
        approvals = make_approvals(core, self.payments.reversals, self._catalogue, threads, self._tokens)
        audit = (AuditHandlers(AuditLog(core.database, threads, self._tokens), self._audit_key),)
        payments = self.payments.handlers(approvals)
        support = make_support(core, self._catalogue, self._credits, historical, threads, self._tokens)
        handlers = (
            credit,
            (credit_types, *self._admin_handlers(approvals), usage),
            *payments,
            self.access.handlers(),
            audit,
            (ApprovalHandlers(approvals),),
            self._promos.handlers,
            self._statement_handlers(),
            support,
            *self.events.handlers(),
            (*make_workflows(core, self._catalogue, self.executors.names, threads, self._tokens), *self._runs.handlers),
        )
        without = () if core.config.database_layout == Layout.PLAIN else NOT_CARRIED
        return tuple(service_handler(*pair, steps, without) for pair in zip(SERVICES, handlers, strict=True))

    def _admin_handlers(self, approvals: Approvals) -> tuple[object, ...]:
        core, threads = self._core, self._threads
        limits = AccountLimits(core.database, self._accounts, self._catalogue, threads, core.clock)
        flags = AccountFlags(core.database, core.transactions, self._accounts, core.make_id, threads, self._tokens)
        return (
            AdjustmentHandlers(self._credits, approvals, core.make_id),
            AccountHandlers(Accounts(core.database, self._accounts, threads, self._tokens), core.clock),
            LimitHandlers(limits, core.rules.limits),
            AlertHandlers(BalanceAlerts(core.database, self._accounts, self._catalogue, threads)),
            FlagHandlers(flags),
            VerificationHandlers(Verifications(core.database, core.clock, threads)),
        )

    def _statement_handlers(self) -> tuple[object, ...]:
        core, threads = self._core, self._threads
        reader = Statements(core.database, core.clock, threads)
        purchases = PurchaseReader(core.database, self._tokens, threads)
        return (
            StatementHandlers(reader, self._catalogue, self._tokens, self._statement_printer, core.clock),
            ReceiptHandlers(purchases, self._catalogue, self._receipt_printer),
        )

    @property
    def watched(self) -> int:
        """How many wallets streams are watching."""
        return self._watch.watched

    def start(self) -> None:
        """Start what runs by itself, the ledger where calls are taken in."""
        self._transport.poll(self._core.ledger.attach)
        self.access.poller.start()
        self.payments.start()
        self._promos.background.start()
        self.refused_acts.background.start()
        if self._core.config.database_layout == Layout.PLAIN:
            # Both read the ledgers of many accounts at one moment, which no single server of a cluster has.
            self.sealer.background.start()
            self.usage_roller.background.start()
        else:
            log.warning(
                "the layout %s carries neither usage nor seals: %s are not served (docs/citus.md)",
                self._core.config.database_layout,
                ", ".join(NOT_CARRIED),
            )
        self.events.start()
        self._runs.start()

    async def close(self, grace: StopGrace) -> None:
        """Stop, and let what is under way end; no call is any more."""
        await self._watch.close()
        self._statement_printer.close()
        self._receipt_printer.close()
        self.access.poller.close()
        await self._runs.close()
        await self._promos.background.close()
        await self.payments.close(grace.left)
        await self.usage_roller.background.close()
        await self.events.close()
        await self.executors.close()
        await self.sealer.background.close()
        await self.refused_acts.background.close()
        await self.refused_acts.flush()
        # The ledger's threads are joined where nothing else waits: deliveries to the event loop go on meanwhile.
        await asyncio.get_running_loop().run_in_executor(None, self._core.finish, grace.left)
        await asyncio.get_running_loop().run_in_executor(None, self._threads.close, grace.left)
        await asyncio.get_running_loop().run_in_executor(None, self._core.close)
