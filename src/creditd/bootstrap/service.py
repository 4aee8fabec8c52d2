"""The gRPC service of one process: a port, and the parts that are served on it."""

import asyncio
import gc
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from typing import Final, Protocol

import grpc
from google.protobuf.descriptor import ServiceDescriptor
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection, reflection_pb2_grpc

from creditd.bootstrap.cores import Cores
from creditd.bootstrap.credit import CreditParts
from creditd.bootstrap.encryption import ShownCertificates, tls_of
from creditd.bootstrap.identity import IdentityParts
from creditd.bootstrap.issuers import Issuers
from creditd.bootstrap.rate_limits import make_rate_limits, make_shared_counts
from creditd.bootstrap.stop_grace import LAST_SECONDS, StopGrace
from creditd.bootstrap.transport import make_transport
from creditd.certificates import warn_of_ends
from creditd.server.arrivals import Arrivals
from creditd.server.authentication.client_certificates import ClientCertificates
from creditd.server.authorization.access_book import AccessBook
from creditd.server.authorization.second_factor import SecondFactor
from creditd.server.connections import Connections, places
from creditd.server.gate import Gate
from creditd.server.health import Health, HealthServicer
from creditd.server.listener import listen, server_options
from creditd.server.pipeline import Steps
from creditd.server.status import DecimalsOf
from creditd.service.controls.refused_acts import Refused
from creditd.service.pages import PageTokens
from creditd.service.threads import Bulkhead
from creditd.telemetry.calls import Observers
from creditd.telemetry.statistics import ExchangeStatistics, Occupancy

SWITCH_INTERVAL_SECONDS: Final = 0.0005
"""How long a thread may keep the interpreter while another waits. The ledger's thread wakes once a batch and the event
loop is always busy under load: at Python's default of 5 ms every batch waited that long."""

COLLECT_AFTER: Final = 50_000
"""Allocations between two looks for cycles of garbage. The hot path makes tuples by the thousand and no cycles."""


class Part(Protocol):
    """All that runs for the services that depend on one database. It is made on the event loop that it runs on."""

    @property
    def services(self) -> Sequence[ServiceDescriptor]:
        """What it serves."""

    @property
    def database_name(self) -> str:
        """What the log calls its database."""

    @property
    def in_health(self) -> Bulkhead:
        """The thread that ``is_ready`` is asked on."""

    @property
    def occupancies(self) -> Mapping[str, Occupancy]:
        """The occupancy of each of its bulkheads, by the name of its kind."""

    def seconds(self) -> float:
        """Return the seconds since the Unix epoch, by its database's clock."""

    def is_ready(self) -> bool | None:
        """Tell whether its database can be served from; None if it did not answer. Blocks."""

    def lose(self) -> None:
        """End what would wait for a database that turned out to be fit no more."""

    def handlers(self, make_steps: Callable[[], Steps]) -> tuple[grpc.GenericRpcHandler, ...]:
        """Return what its services are served with; each thread that serves calls has steps of its own."""

    def start(self) -> None:
        """Start what runs by itself, just before the first call."""

    async def close(self, grace: StopGrace) -> None:
        """Stop all of it, once no call is under way any more, and close the database's connections."""


class Service:
    """The gRPC service of one process: a port, and the parts that are served on it."""

    credit: CreditParts
    """What serves credits and payments, once it is started, if they are served."""

    def __init__(self, cores: Cores) -> None:
        """Serve these. Raises InvalidKey, InvalidIssuer, InvalidCertificate."""
        first = cores.first
        self._cores = cores
        self._config = config = first.config
        self.port = 0
        self.issuers = Issuers(config)
        if cores.identity:
            self.issuers.add(cores.identity.issuer)
        self.occupancies: dict[str, Occupancy] = {}
        self._rate_limits = make_rate_limits(config, first.clock.elapsed_seconds)
        self.exchange_statistics = ExchangeStatistics()
        self._shared_counts = make_shared_counts(config, self._rate_limits, self.exchange_statistics)
        self._second_factor = SecondFactor(config.mfa_seconds, first.seconds)
        # Stored with the ledger: where that is not served nothing is known, and tokens count as they stand.
        self._book = AccessBook(first.clock.now)
        self._tell: Callable[[Refused], None] = _tell_nobody
        self._decimals_of: DecimalsOf = _no_decimals
        self._healths: list[Health] = []
        self._warning: asyncio.Task[None] | None = None

    async def start(self, observers: Observers, *, shared_port: bool = False) -> None:
        """Listen and serve; ``observers`` observe every call.

        Raises ListenError if the port cannot be had, TransportFailure.
        """
        config = self._config
        self._observers = observers
        self._gate = Gate(self._cores.first.seconds)
        self._connections = Connections(places())
        options = server_options(shared_port=shared_port, most_connections=places())
        self._transport = await make_transport(config.transport, options, self._gate)
        self._server = self._transport.server
        self._parts = list(self._make_parts())
        self._serve_parts()
        self.port = listen(self._server, config.listen, tls_of(config), plaintext_listeners=config.plaintext_listeners)
        self.issuers.start()
        self._shared_counts.start()
        shown = ShownCertificates(config)
        self._warning = asyncio.create_task(warn_of_ends(lambda: shown.validities), name="ends of certificates")
        await asyncio.get_running_loop().run_in_executor(None, self.issuers.wait)
        for health in self._healths:
            await health.prepare()
            await health.start()
        for part in self._parts:
            part.start()
        await self._server.start()
        if not config.listen.startswith("unix:"):
            self._connections.start(self.port)
        _calm_the_interpreter()

    def _make_parts(self) -> Iterator[Part]:
        """Yield the parts; first the one that the server as a whole depends on."""
        tokens = PageTokens(self._config.page_token_secret.encode())
        credit, identity = self._cores
        if credit:
            self.credit = CreditParts(credit, self._transport, self._gate, tokens, self._second_factor)
            self._book, self._tell = self.credit.access.book, self.credit.refused_acts.note
            self._decimals_of = self.credit.decimals_of
            yield self.credit
        if identity:
            yield IdentityParts(identity, self._transport.sink, tokens)

    def _serve_parts(self) -> None:
        """Have the transport serve the parts, their health and, if configured, what describes them."""
        servicer = HealthServicer(self._connections.note_probe)
        described: list[str] = []
        for part in self._parts:
            names = [service.full_name for service in part.services]
            whole = [] if described else [""]
            health = Health([*whole, *names], part.is_ready, part.in_health, servicer, part.lose, part.database_name)
            self._server.add_generic_rpc_handlers(part.handlers(partial(self._steps, part, health)))
            self._healths.append(health)
            self.occupancies.update(part.occupancies)
            described += names
        health_pb2_grpc.add_HealthServicer_to_server(servicer, self._server)
        if self._config.reflection:
            described += [health_pb2.DESCRIPTOR.services_by_name["Health"].full_name, reflection.SERVICE_NAME]
            # The library's own way to enable it knows no server but its own.
            describing = reflection.aio.ReflectionServicer(described)
            reflection_pb2_grpc.add_ServerReflectionServicer_to_server(describing, self._server)  # type: ignore[no-untyped-call]

    def _steps(self, part: Part, health: Health) -> Steps:
        """Return the steps of a thread that serves a part's calls."""
        return Steps(
            self.issuers.verifier(part.seconds),
            ClientCertificates(self._book.service_account_of, clock=part.seconds),
            self._observers,
            self._gate,
            lambda: health.takes_calls,
            Arrivals(),
            self._connections,
            self._book.complete,
            self._second_factor,
            self._rate_limits,
            self._decimals_of,
            self._tell,
        )

    @property
    def methods(self) -> list[str]:
        """The full names of the RPCs that are served."""
        credit, identity = self._cores
        served = (*(CreditParts.services if credit else ()), *(IdentityParts.services if identity else ()))
        return [f"/{service.full_name}/{method.name}" for service in served for method in service.methods]

    @property
    def health(self) -> Health:
        """The health of the server as a whole, once it is started."""
        return self._healths[0]

    def serving(self) -> dict[str, bool]:
        """Return whether health says SERVING, by the name of what it depends on; nothing before the start."""
        return {health.database: health.serving for health in self._healths}

    @property
    def transport(self) -> str:
        """Which transport serves, once started: ``queue`` or ``aio``."""
        return self._transport.name

    async def stop(self) -> None:
        """Drain: report NOT_SERVING, refuse new calls, finish those under way, then close."""
        if self._warning:
            self._warning.cancel()
        for health in self._healths:
            await health.drain()
        await asyncio.sleep(self._config.drain_seconds)
        grace = StopGrace(self._config.shutdown_grace_seconds)
        await self._gate.close()
        # Tells every connection to go elsewhere, and goes on with the calls that are in.
        stopping = asyncio.create_task(self._server.stop(grace.left + LAST_SECONDS))
        await self._gate.release()
        await self._gate.empty(grace.left)
        # What is left has its answer under way, or is a stream of health that nobody here ends.
        await self._server.stop(LAST_SECONDS)
        await stopping
        self._connections.close()
        await asyncio.get_running_loop().run_in_executor(None, self.issuers.close)
        await asyncio.get_running_loop().run_in_executor(None, self._shared_counts.close)
        for part in reversed(self._parts):
            await part.close(grace)


def _no_decimals(code: str) -> int:
    # Credits are counted where the ledger is served; what else is refused has no amounts.
    del code
    return 0


def _tell_nobody(refused: Refused) -> None:
    # The audit log is the ledger's. That a call was refused, and why, stands in its own line of the log.
    del refused


def _calm_the_interpreter() -> None:
    sys.setswitchinterval(SWITCH_INTERVAL_SECONDS)
    gc.collect()
    gc.freeze()
    gc.set_threshold(COLLECT_AFTER, 50, 50)
