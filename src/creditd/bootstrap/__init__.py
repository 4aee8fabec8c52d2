"""The only module that wires everything: configuration in, a running service out."""

import asyncio
import gc
import logging
import sys
from pathlib import Path

import grpc
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection

from credit.v1 import admin_service_pb2, credit_service_pb2
from creditd.config import Config, ConfigError
from creditd.domain.grants import Source
from creditd.domain.instant import SECOND
from creditd.domain.wallet import Rules
from creditd.ledger.accounts import AccountLedger
from creditd.ledger.batch import Terms
from creditd.ledger.clock import DatabaseClock
from creditd.ledger.ids import uuid7
from creditd.ledger.ledger import Ledger
from creditd.ledger.reading import BalanceReader
from creditd.ledger.sweep import Sweep
from creditd.ledger.verification import verify
from creditd.server.admin_handlers import (
    AccountHandlers,
    AdjustingHandlers,
    CreditTypeHandlers,
    VerificationHandlers,
)
from creditd.server.balance_handlers import BalanceHandlers, HistoryHandlers
from creditd.server.batch_handlers import BatchHandlers
from creditd.server.bridge import Bridge
from creditd.server.health import Health
from creditd.server.listening import Tls, listen, make_server
from creditd.server.pipeline import Steps
from creditd.server.services import service_handler
from creditd.server.spending_handlers import SpendingHandlers, SpendingWorks
from creditd.server.tokens import TokenVerifier, read_public_keys
from creditd.server.watch_handlers import WatchHandlers
from creditd.service.accounts import Accounts
from creditd.service.adjusting import Adjusting
from creditd.service.catalogue import Catalogue
from creditd.service.history import History
from creditd.service.pages import PageTokens
from creditd.service.spending import Spending
from creditd.service.watching import Watching
from creditd.storage.credit_types import CreditType
from creditd.storage.database import Database, DatabaseSettings
from creditd.storage.schema import schema_head
from creditd.telemetry.calls import Observers, call_observers
from creditd.telemetry.ledger_metrics import LedgerGauges, LedgerMetrics
from creditd.telemetry.lines import LineWriter
from creditd.telemetry.logs import access_log
from creditd.telemetry.metrics import MetricsServer, RpcMetrics, make_registry, start_metrics_server
from creditd.telemetry.tracing import configure_tracing

log = logging.getLogger(__name__)

CREDIT_SERVICE = credit_service_pb2.DESCRIPTOR.services_by_name["CreditService"]
ADMIN_SERVICE = admin_service_pb2.DESCRIPTOR.services_by_name["AdminService"]

SWITCH_INTERVAL_SECONDS = 0.0005
"""How long a thread may keep the interpreter while another waits. The ledger's thread wakes once a batch and the event
loop is always busy under load: at Python's default of 5 ms every batch waited that long."""

COLLECT_AFTER = 50_000
"""Allocations between two looks for cycles of garbage. The hot path makes tuples by the thousand and no cycles."""


class Core:
    """All that does not know of gRPC: storage, ledger, and the service on top."""

    def __init__(self, config: Config, clock: DatabaseClock | None = None) -> None:
        """Wire it. Nothing is connected before it is used."""
        self.config = config
        self.clock = clock or DatabaseClock()
        self.database = Database(
            DatabaseSettings(
                config.database_url,
                config.database_role,
                config.database_pool_size,
                config.database_prepare_threshold or None,
            )
        )
        self.rules = rules_from(config)
        terms = Terms(self.rules, config.sign_up_credits, uuid7)
        self.ledger = Ledger(self.database, lambda: terms, self.clock)
        self.reader = BalanceReader(self.database, self.clock, self.rules)
        self.sweep = Sweep(self.database, self.ledger, config.sweep_interval_seconds)
        self.catalogue = Catalogue(self.database, self.clock)

    def declare_credit_types(self) -> None:
        """Make the configured credit types that are not there yet; those that are keep their names."""
        known = self.catalogue.load()
        for code, decimals in self.config.credit_types.items():
            if code not in known:
                self.catalogue.declare(CreditType(code, code, decimals))

    def close(self) -> None:
        """Finish what waits, then let go of the database."""
        seconds = self.config.shutdown_grace_seconds
        self.sweep.close(seconds)
        self.ledger.close(seconds)
        self.reader.close(seconds)
        self.database.close()


def rules_from(config: Config) -> Rules:
    """Return what decisions depend on. Raises ConfigError unless the spend order names every source once."""
    sources = {source.name.lower(): source for source in Source}
    if sorted(config.spend_order) != sorted(sources):
        raise ConfigError(f"CREDITD_SPEND_ORDER has to name each of {', '.join(sources)} once")
    order = tuple(sources[name] for name in config.spend_order)
    return Rules(
        order,
        config.reservation_ttl_seconds * SECOND,
        config.reservation_max_ttl_seconds * SECOND,
        config.refund_grace_seconds * SECOND,
    )


class Service:
    """The gRPC service of one process."""

    def __init__(self, core: Core, observers: Observers) -> None:
        """Serve ``core``, and have ``observers`` note every call."""
        self._core = core
        self._observers = observers
        self._config = core.config
        self.port = 0
        self._is_declared = False

    async def start(self, *, shared_port: bool = False) -> None:
        """Listen and serve. Raises ListenError if the port cannot be had."""
        config, core = self._config, self._core
        self._bridge = Bridge(core.ledger, core.reader)
        self._server = make_server(config.max_message_bytes, shared_port=shared_port)
        names = [CREDIT_SERVICE.full_name, ADMIN_SERVICE.full_name]
        head = schema_head()
        self._health = Health(names, lambda: self._is_ready(head), self._bridge)
        self._server.add_generic_rpc_handlers(self._handlers())
        health_pb2_grpc.add_HealthServicer_to_server(self._health.servicer, self._server)
        if config.reflection:
            names += [health_pb2.DESCRIPTOR.services_by_name["Health"].full_name, reflection.SERVICE_NAME]
            reflection.enable_server_reflection(names, self._server)
        tls = None
        if config.tls_certificate_file:
            tls = Tls(config.tls_certificate_file, config.tls_key_file, config.tls_client_ca_file)
        self.port = listen(self._server, config.listen, tls)
        await self._health.prepare()
        await self._server.start()
        await self._health.start()
        _calm_the_interpreter()

    def _is_ready(self, migration: str) -> bool:
        if not self._core.database.is_ready(migration):
            return False
        if not self._is_declared:
            # What fails half-way is done again by the next check; until then the server is not ready.
            self._core.declare_credit_types()
            self._is_declared = True
        return True

    def _handlers(self) -> tuple[grpc.GenericRpcHandler, ...]:
        config, core, bridge = self._config, self._core, self._bridge
        keys = read_public_keys(map(Path, config.jwt_public_key_files))
        verifier = TokenVerifier(keys, issuer=config.jwt_issuer or None, audience=config.jwt_audience or None)
        steps = Steps(verifier, bridge, self._observers, config.max_message_bytes)
        tokens = PageTokens(config.page_token_secret.encode())
        works = SpendingWorks(Spending(core.catalogue, uuid7))
        spending = SpendingHandlers(bridge, core.catalogue, works)
        balances = BalanceHandlers(bridge, core.catalogue, core.reader, core.clock)
        self._watch = WatchHandlers(bridge, Watching(core.database), balances)
        credit = (
            spending,
            BatchHandlers(bridge, spending, works),
            balances,
            HistoryHandlers(bridge, History(core.database, core.clock, tokens), core.reader),
            self._watch,
        )
        admin = (
            CreditTypeHandlers(bridge, core.catalogue),
            AdjustingHandlers(bridge, Adjusting(core.catalogue, uuid7), core.catalogue),
            AccountHandlers(
                bridge,
                Accounts(core.database, tokens),
                AccountLedger(core.database, core.clock, core.rules),
                core.clock,
            ),
            VerificationHandlers(bridge, lambda account_id: verify(core.database, account_id)),
        )
        return service_handler(CREDIT_SERVICE, credit, steps), service_handler(ADMIN_SERVICE, admin, steps)

    async def stop(self) -> None:
        """Drain: show it, let callers turn away, finish what runs, then close."""
        await self._health.drain()
        await asyncio.sleep(self._config.drain_seconds)
        await self._watch.close()
        await self._server.stop(self._config.shutdown_grace_seconds)
        self._core.close()
        self._bridge.close()


class Telemetry:
    """What a process tells of itself: its metrics on a port, its calls in the log and, if configured, as traces."""

    def __init__(self, core: Core, lines: LineWriter, *, worker_index: int = 0) -> None:
        """Serve metrics at the configured port plus ``worker_index``. Raises OSError if the port is taken."""
        config = core.config
        methods = [f"/{s.full_name}/{m.name}" for s in (CREDIT_SERVICE, ADMIN_SERVICE) for m in s.methods]
        calls = RpcMetrics(methods)
        gauges = LedgerGauges(
            lambda: core.ledger.waiting,
            lambda: core.database.connections_in_use,
            lambda: core.sweep.lag_seconds,
        )
        registry = make_registry(calls, LedgerMetrics(core.ledger.statistics, gauges))
        self._tracing = configure_tracing(config.otlp_endpoint)
        self.observers = call_observers(calls, access_log(lines), self._tracing)
        self._server: MetricsServer | None = None
        if config.metrics_listen:
            host, port = config.metrics_listen.rsplit(":", 1)
            self._server = start_metrics_server(host, int(port), registry, worker_index=worker_index)

    def close(self) -> None:
        """Send what is left, and answer no more."""
        self._tracing.close()
        if self._server:
            self._server.close()


def _calm_the_interpreter() -> None:
    sys.setswitchinterval(SWITCH_INTERVAL_SECONDS)
    gc.collect()
    gc.freeze()
    gc.set_threshold(COLLECT_AFTER, 50, 50)
