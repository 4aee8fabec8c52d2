"""The gRPC service of one process."""

import asyncio
import gc
import sys
import time
from collections.abc import Mapping
from pathlib import Path

import grpc
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection, reflection_pb2_grpc

from credit.v1 import (
    admin_service_pb2,
    credit_service_pb2,
    payment_admin_service_pb2,
    payment_service_pb2,
    webhook_service_pb2,
)
from creditd.bootstrap.core import Core
from creditd.bootstrap.payments import Payments
from creditd.bootstrap.transport import make_transport
from creditd.certificates import warn_of_ends
from creditd.config import Config
from creditd.domain.instant import SECOND
from creditd.ledger.accounts import AccountLedger
from creditd.ledger.work import DatabaseUnavailable
from creditd.server.admin_handlers import (
    AccountHandlers,
    AdjustmentHandlers,
    CreditTypeHandlers,
    VerificationHandlers,
)
from creditd.server.arrivals import Arrivals
from creditd.server.balance_handlers import BalanceHandlers, HistoryHandlers
from creditd.server.batch_handlers import BatchHandlers
from creditd.server.connections import Connections, places
from creditd.server.gate import Gate
from creditd.server.health import Health
from creditd.server.hold_handlers import HoldHandlers
from creditd.server.listener import Tls, listen, server_options
from creditd.server.pipeline import Steps
from creditd.server.services import service_handler
from creditd.server.tokens import PublicKey, TokenVerifier, read_public_keys
from creditd.server.watch_handlers import WatchHandlers
from creditd.service.accounts import Accounts
from creditd.service.balances import Balances
from creditd.service.catalogue import Catalogue
from creditd.service.credits import Credits
from creditd.service.history import History
from creditd.service.pages import PageTokens
from creditd.service.threads import Threads
from creditd.service.verification import Verifications
from creditd.storage.schema import schema_head
from creditd.telemetry.calls import Observers

SERVICES = tuple(
    file.DESCRIPTOR.services_by_name[name]
    for file, name in (
        (credit_service_pb2, "CreditService"),
        (admin_service_pb2, "AdminService"),
        (payment_service_pb2, "PaymentService"),
        (payment_admin_service_pb2, "PaymentAdminService"),
        (webhook_service_pb2, "WebhookService"),
    )
)

SWITCH_INTERVAL_SECONDS = 0.0005
"""How long a thread may keep the interpreter while another waits. The ledger's thread wakes once a batch and the event
loop is always busy under load: at Python's default of 5 ms every batch waited that long."""

COLLECT_AFTER = 50_000
"""Allocations between two looks for cycles of garbage. The hot path makes tuples by the thousand and no cycles."""


LAST_SECONDS = 1.0
"""What each part of a stop has at least: calls may have used up the whole grace, and what they left is soon done."""


class Service:
    """The gRPC service of one process."""

    def __init__(self, core: Core, observers: Observers) -> None:
        """Serve ``core``; ``observers`` observe every call."""
        self._core = core
        self._observers = observers
        self._config = core.config
        self.port = 0
        self._is_prepared = False
        self._warning: asyncio.Task[None] | None = None

    async def start(self, *, shared_port: bool = False) -> None:
        """Listen and serve. Raises ListenError if the port cannot be had, TransportFailure."""
        config, core = self._config, self._core
        self._gate = Gate(self._seconds)
        self._connections = Connections(places())
        options = server_options(shared_port=shared_port, most_connections=places())
        self._transport = await make_transport(config.transport, options, self._gate)
        self._server = self._transport.server
        self._threads = Threads(self._transport.sink, config.database_pool_size)
        core.occupancies.update(self._threads.occupancies)
        self._tokens = PageTokens(config.page_token_secret.encode())
        self._catalogue = Catalogue(core.database, core.clock, self._threads, self._tokens)
        self._accounts = AccountLedger(core.transactions, core.rules, core.make_id)
        self.payments = Payments(core, self._accounts, self._catalogue, self._threads, self._tokens)
        names = [service.full_name for service in SERVICES]
        head = schema_head()
        self.health = Health(
            names,
            lambda: self._is_ready(head),
            self._threads,
            self._connections.note_probe,
            # A call ends by itself; a stream would wait for what does not come.
            lambda: self._gate.end_streams(DatabaseUnavailable()),
        )
        self._server.add_generic_rpc_handlers(self._handlers())
        health_pb2_grpc.add_HealthServicer_to_server(self.health.servicer, self._server)
        if config.reflection:
            names += [health_pb2.DESCRIPTOR.services_by_name["Health"].full_name, reflection.SERVICE_NAME]
            # The library's own way to enable it knows no server but its own.
            servicer = reflection.aio.ReflectionServicer(names)
            reflection_pb2_grpc.add_ServerReflectionServicer_to_server(servicer, self._server)  # type: ignore[no-untyped-call]
        tls = tls_of(config)
        self.port = listen(self._server, config.listen, tls)
        if tls:
            renewals = tls.renewals(tells=False)
            self._warning = asyncio.create_task(warn_of_ends(lambda: renewals.validities), name="ends of certificates")
        await self.health.prepare()
        await self.health.start()
        self._transport.poll(core.ledger.attach)
        await self._server.start()
        if not config.listen.startswith("unix:"):
            self._connections.start(self.port)
        self.payments.start()
        _calm_the_interpreter()

    def _is_ready(self, migration: str) -> bool | None:
        ready = self._core.database.is_ready(migration)
        if not ready:
            return ready
        self._core.clock.look(self._core.database)
        if not self._core.clock.is_read:
            return None
        if not self._is_prepared:
            if not self._core.may_serve_by_its_login():
                return False
            # What fails half-way is done again by the next check; until then the server is not ready.
            self._catalogue.declare_missing(self._config.credit_types)
            self._core.connect_ahead()
            self._is_prepared = True
        return True

    def _seconds(self) -> float:
        """Return the seconds since the Unix epoch, by the database's clock."""
        return self._core.clock.now() / SECOND

    def _handlers(self) -> tuple[grpc.GenericRpcHandler, ...]:
        config, core, threads = self._config, self._core, self._threads
        keys = read_public_keys(map(Path, config.jwt_public_key_files))
        steps = self._steps(keys)
        credits = Credits(core.ledger, self._catalogue, self._transport.sink)
        balances = Balances(core.reader, credits, threads, self._transport.sink)
        history = History(core.database, core.clock, threads, self._tokens)
        self._watch = WatchHandlers(balances, history, self._catalogue)
        credit_types = CreditTypeHandlers(self._catalogue)
        hot = (
            HoldHandlers(credits, core.make_id, core.clock),
            BatchHandlers(credits, core.make_id, core.clock),
            BalanceHandlers(balances, self._catalogue, core.clock),
        )
        # With steps of its own: what they remember is not for several threads.
        self._transport.add_hot_methods(SERVICES[0], hot, self._steps(keys))
        credit = (
            *hot,
            HistoryHandlers(history, core.clock),
            self._watch,
            credit_types,
        )
        admin = (
            credit_types,
            AdjustmentHandlers(credits, core.make_id),
            AccountHandlers(Accounts(core.database, self._accounts, threads, self._tokens), core.clock),
            VerificationHandlers(Verifications(core.database, threads)),
        )
        handlers = credit, admin, *self.payments.handlers()
        return tuple(service_handler(*pair, steps) for pair in zip(SERVICES, handlers, strict=True))

    def _steps(self, keys: Mapping[str, PublicKey]) -> Steps:
        """Return the steps of a thread that serves calls."""
        config = self._config
        verifier = TokenVerifier(
            keys, issuer=config.jwt_issuer or None, audience=config.jwt_audience or None, clock=self._seconds
        )
        return Steps(
            verifier, self._observers, self._gate, lambda: self.health.takes_calls, Arrivals(), self._connections
        )

    @property
    def transport(self) -> str:
        """Which transport serves, once started: ``queue`` or ``aio``."""
        return self._transport.name

    @property
    def watched(self) -> int:
        """How many wallets streams are watching."""
        return self._watch.watched

    async def stop(self) -> None:
        """Drain: report NOT_SERVING, refuse new calls, finish those under way, then close."""
        if self._warning:
            self._warning.cancel()
        await self.health.drain()
        await asyncio.sleep(self._config.drain_seconds)
        grace = _Grace(self._config.shutdown_grace_seconds)
        await self._gate.close()
        # Tells every connection to go elsewhere, and goes on with the calls that are in.
        stopping = asyncio.create_task(self._server.stop(grace.left + LAST_SECONDS))
        await self._gate.release()
        await self._gate.empty(grace.left)
        # What is left has its answer under way, or is a stream of health that nobody here ends.
        await self._server.stop(LAST_SECONDS)
        await stopping
        self._connections.close()
        await self._watch.close()
        await self.payments.close(grace.left)
        # The ledger's threads are joined where nothing else waits: deliveries to the event loop go on meanwhile.
        await asyncio.get_running_loop().run_in_executor(None, self._core.finish, grace.left)
        await asyncio.get_running_loop().run_in_executor(None, self._threads.close, grace.left)
        await asyncio.get_running_loop().run_in_executor(None, self._core.close)


def tls_of(config: Config) -> Tls | None:
    """Return the files of TLS; None where plaintext is served."""
    if not config.tls_certificate_file:
        return None
    return Tls(config.tls_certificate_file, config.tls_key_file, config.tls_client_ca_file)


class _Grace:
    """The time that all steps of a stop share."""

    def __init__(self, seconds: float) -> None:
        self._end = time.monotonic() + seconds

    @property
    def left(self) -> float:
        return max(LAST_SECONDS, self._end - time.monotonic())


def _calm_the_interpreter() -> None:
    sys.setswitchinterval(SWITCH_INTERVAL_SECONDS)
    gc.collect()
    gc.freeze()
    gc.set_threshold(COLLECT_AFTER, 50, 50)
