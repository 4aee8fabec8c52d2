"""The real service for a test: its own database, a real socket, and a clock that tests can move.

The server runs in this process on a thread with an event loop of its own, so that a test can let time pass at once
(``service.clock.advance(seconds)``); everything else is as in production.
"""

import asyncio
import os
import threading
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any, Final

import grpc
import uvloop

from credit.v1.access_service_pb2_grpc import AccessServiceStub
from credit.v1.admin_service_pb2_grpc import AdminServiceStub
from credit.v1.api_key_service_pb2_grpc import ApiKeyServiceStub
from credit.v1.approval_service_pb2_grpc import ApprovalServiceStub
from credit.v1.audit_service_pb2_grpc import AuditServiceStub
from credit.v1.credit_service_pb2_grpc import CreditServiceStub
from credit.v1.event_endpoint_service_pb2_grpc import EventEndpointServiceStub
from credit.v1.event_service_pb2_grpc import EventServiceStub
from credit.v1.identity_service_pb2_grpc import IdentityServiceStub
from credit.v1.payment_admin_service_pb2_grpc import PaymentAdminServiceStub
from credit.v1.payment_service_pb2_grpc import PaymentServiceStub
from credit.v1.promo_service_pb2_grpc import PromoServiceStub
from credit.v1.statement_service_pb2_grpc import StatementServiceStub
from credit.v1.support_service_pb2_grpc import SupportServiceStub
from credit.v1.webhook_service_pb2_grpc import WebhookServiceStub
from credit.v1.workflow_service_pb2_grpc import WorkflowServiceStub
from creditd.bootstrap import Core, Cores, IdentityCore, Service
from creditd.config import Config
from creditd.development.postgres.logins import IDENTITY_LOGIN, server_url
from creditd.domain.instant import SECOND
from creditd.identity.storage.schema import IDENTITY
from creditd.ledger.clock import DatabaseClock
from creditd.storage.schema import migrate
from creditd.telemetry.calls import CallObserver
from tests.support.patience import eventually
from tests.support.postgres import admin_url, as_administrator, drop_database, service_url
from tests.support.schemas import create_migrated
from tests.support.tokens import bearer, write_public_key

PREPARE_VARIABLE = "CREDITD_TEST_PREPARE_THRESHOLD"
"""Of services under test, for a pooler that tracks no prepared statements."""

TRANSPORT_VARIABLE = "CREDITD_TEST_TRANSPORT"
"""How services under test serve gRPC, where a test does not say so itself: as by default, unless it is set."""

LAYOUT_VARIABLE = "CREDITD_TEST_LAYOUT"
"""How the tables lie for services under test, where a test does not say so itself: plain, unless it is set."""

START_SECONDS = 30.0
"""Far more than a start takes, so that a loaded machine fails no test."""


@dataclass
class RunningService:
    """A service that runs, and how to reach it. The database's URL in its ``config`` is the owner's."""

    config: Config
    clock: DatabaseClock
    core: Core
    server: Service
    address: str
    loop: asyncio.AbstractEventLoop
    identity: IdentityCore | None = None
    channels: list[grpc.Channel] = field(default_factory=list)
    callers: dict[tuple[object, ...], SimpleNamespace] = field(default_factory=dict)

    def channel(self) -> grpc.Channel:
        """Open a connection of its own."""
        channel = grpc.insecure_channel(self.address, options=[("grpc.use_local_subchannel_pool", 1)])
        self.channels.append(channel)
        return channel

    def as_caller(
        self, subject: str, *roles: str, scope: str = "", language: str = "", mfa_time: float = 0.0, **further: Any
    ) -> SimpleNamespace:
        """Return stubs whose calls carry a token, by the name of the service; a call takes the request.

        ``further`` are claims of the token.
        """
        # The same caller keeps its connection: a thousand of them would be more files than a process may select from.
        caller = subject, roles, scope, language, mfa_time, repr(further)
        if caller not in self.callers:
            metadata = [("authorization", bearer(subject, roles, scope, mfa_time=mfa_time, **further))]
            if language:
                metadata.append(("accept-language", language))
            channel = grpc.intercept_channel(self.channel(), _WithMetadata(metadata))
            self.callers[caller] = SimpleNamespace(
                credit=CreditServiceStub(channel),
                admin=AdminServiceStub(channel),
                payment=PaymentServiceStub(channel),
                payment_admin=PaymentAdminServiceStub(channel),
                webhook=WebhookServiceStub(channel),
                access=AccessServiceStub(channel),
                audit=AuditServiceStub(channel),
                approval=ApprovalServiceStub(channel),
                promo=PromoServiceStub(channel),
                statement=StatementServiceStub(channel),
                support=SupportServiceStub(channel),
                event=EventServiceStub(channel),
                endpoints=EventEndpointServiceStub(channel),
                identity=IdentityServiceStub(channel),
                api_keys=ApiKeyServiceStub(channel),
                workflow=WorkflowServiceStub(channel),
            )
        return self.callers[caller]

    @property
    def seconds(self) -> float:
        """The seconds since the Unix epoch, by the service's clock."""
        return self.clock.now() / SECOND

    def as_bearer(self, token: str) -> SimpleNamespace:
        """Return stubs whose calls carry this token, or none if it is empty."""
        metadata = [("authorization", f"Bearer {token}")] if token else []
        channel = grpc.intercept_channel(self.channel(), _WithMetadata(metadata))
        return SimpleNamespace(
            credit=CreditServiceStub(channel),
            admin=AdminServiceStub(channel),
            access=AccessServiceStub(channel),
            identity=IdentityServiceStub(channel),
            api_keys=ApiKeyServiceStub(channel),
        )


class _WithMetadata(grpc.UnaryUnaryClientInterceptor, grpc.UnaryStreamClientInterceptor):
    def __init__(self, metadata: list[tuple[str, str]]) -> None:
        self._metadata = metadata

    def _with(self, details: Any) -> Any:
        return details._replace(metadata=[*(details.metadata or ()), *self._metadata])

    def intercept_unary_unary(self, continuation: Any, client_call_details: Any, request: Any) -> Any:
        return continuation(self._with(client_call_details), request)

    def intercept_unary_stream(self, continuation: Any, client_call_details: Any, request: Any) -> Any:
        return continuation(self._with(client_call_details), request)


UNLIMITED: Final[dict[str, Any]] = dict.fromkeys(
    ("user_calls_per_minute", "premium_calls_per_minute", "staff_calls_per_minute", "address_calls_per_minute"), 0
)
"""Tests make thousands of calls a minute, all from one address."""


@contextmanager
def running_service(folder: Path, **settings: Any) -> Iterator[RunningService]:
    """Run a service on a database of its own until the block ends; ``settings`` are those of Config.

    One that is given is migrated, unless ``migrated`` says that it is not to be. The service reaches it by a login that
    may do nothing but serve, unless ``as_given`` says that it is to be that of the URL. With ``signs_in`` it serves
    identity too.
    """
    name = f"creditd_{uuid.uuid4().hex}"
    url = settings.pop("database_url", None)
    migrated, as_given = settings.pop("migrated", True), settings.pop("as_given", False)
    if migrated and url:
        migrate(url)
    database_url = url or create_migrated(admin_url(), name)
    served_by = database_url if as_given else service_url(database_url)
    signs_in = settings.pop("signs_in", False)
    if signs_in:
        settings |= {
            "identity_database_url": create_migrated(admin_url(), f"{name}_identity", IDENTITY),
            "identity_key_encryption_key": "of the tests, and of nothing else",
        }
    config = Config(
        database_url=database_url,
        listen="127.0.0.1:0",
        jwt_public_key_files=(str(write_public_key(folder)),),
        page_token_secret="tests",  # noqa: S106 - nothing is kept secret in a test.
        database_prepare_threshold=int(os.environ.get(PREPARE_VARIABLE, "2")),
        transport=os.environ.get(TRANSPORT_VARIABLE, "auto"),
        database_layout=os.environ.get(LAYOUT_VARIABLE, "plain"),
        drain_seconds=0.0,
        # Tests change what is sealed, and change it back.
        seal_interval_seconds=3_600.0,
        usage_rollup_interval_seconds=3_600.0,
        # Tests look for events in the outbox; those of the stream set it.
        event_interval_seconds=3_600.0,
        shutdown_grace_seconds=5.0,
        # Nobody listens there: workflows are made and kept without anything being run.
        executors=("render=127.0.0.1:1",),
        **UNLIMITED,
    )
    try:
        with _serving(replace(config, **settings), served_by) as service:
            if migrated and not as_given:
                # On a machine that is busy the first look at the database may be late: then calls are refused at first.
                eventually(lambda: service.server.health.serving)
            yield service
    finally:
        if url is None:
            drop_database(admin_url(), name)
        if signs_in:
            drop_database(admin_url(), f"{name}_identity")


def observe_nothing(method: str) -> CallObserver:
    """Return an observer that notes nothing."""
    del method
    return CallObserver(lambda _: None, lambda _: None)


def _as_server(config: Config) -> Config:
    """Return the configuration of a server that signs users in, by a login that may do nothing but that."""
    url = server_url(as_administrator(config.identity_database_url), IDENTITY.role, IDENTITY_LOGIN)
    return replace(config, identity_database_url=url)


@contextmanager
def _serving(config: Config, served_by: str) -> Iterator[RunningService]:
    clock = DatabaseClock()
    core = Core(replace(config, database_url=served_by), clock)
    identity = IdentityCore(_as_server(config), clock) if config.identity_database_url else None
    service = Service(Cores(core, identity))
    started, stopping, loop = threading.Event(), asyncio.Event(), uvloop.new_event_loop()
    failures: list[BaseException] = []

    async def serve() -> None:
        try:
            await service.start(observe_nothing)
        except BaseException as error:
            failures.append(error)
            raise
        finally:
            started.set()
        await stopping.wait()
        await service.stop()

    thread = threading.Thread(target=lambda: loop.run_until_complete(serve()), name="service", daemon=True)
    thread.start()
    started.wait(START_SECONDS)
    if failures:
        raise failures[0]
    running = RunningService(config, clock, core, service, f"127.0.0.1:{service.port}", loop, identity)
    try:
        yield running
    finally:
        for channel in running.channels:
            channel.close()
        loop.call_soon_threadsafe(stopping.set)
        thread.join(START_SECONDS)
        loop.close()
