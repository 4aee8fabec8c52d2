"""Which transport serves: gRPC's completion queue, or its asyncio server."""

import logging
from collections.abc import Iterable, Mapping
from typing import Any, Final, Protocol

import grpc
from google.protobuf.descriptor import ServiceDescriptor

from creditd.ledger.queue import Attach, Sink
from creditd.server.gate import Gate
from creditd.server.headers import HeaderMemory
from creditd.server.listener import Listening
from creditd.server.pipeline import Steps
from creditd.service.loop import LoopSink

log = logging.getLogger(__name__)

QUEUE: Final = "queue"
AIO: Final = "aio"


class TransportFailure(Exception):
    """The transport that a setting names cannot serve; the message says why."""


class GrpcServer(Listening, Protocol):
    """What both transports have of ``grpc.aio.Server``."""

    def add_generic_rpc_handlers(self, generic_rpc_handlers: Iterable[grpc.GenericRpcHandler]) -> None:
        """Serve what these have."""

    def add_registered_method_handlers(self, service_name: str, method_handlers: Mapping[str, Any]) -> None:
        """Serve methods that are registered, as generated code does."""

    async def start(self) -> None:
        """Serve."""

    async def stop(self, grace: float | None) -> None:
        """Take no new calls, and let those under way end within the grace, in seconds."""


class Transport(Protocol):
    """A server with what differs from the other one."""

    @property
    def name(self) -> str:
        """What the setting, the log and the metric call it."""

    @property
    def server(self) -> GrpcServer:
        """The server."""

    def sink(self) -> Sink:
        """Return where answers are awaited that are asked for on the thread that calls this."""

    def add_hot_methods(self, service: ServiceDescriptor, handlers: Iterable[object], steps: Steps) -> None:
        """Serve the unary methods that ``handlers`` have in the fastest way there is."""

    def authenticate_ahead(self, services: Iterable[ServiceDescriptor], steps: Steps) -> None:
        """Authenticate the callers of ``services`` on the thread that takes calls in, if there is one."""

    def poll(self, attach: Attach) -> None:
        """Have what decides in ticks decide on the thread that takes calls in, if there is one."""


class AioTransport:
    """gRPC's asyncio server: everything on the event loop."""

    name = AIO

    def __init__(self, options: list[tuple[str, int]]) -> None:
        """Serve with the options of gRPC's core."""
        self.server: GrpcServer = grpc.aio.server(options=options)
        # First of all, since the first that has a method ends the search. The completion queue needs none.
        self.server.add_generic_rpc_handlers((HeaderMemory(),))
        self._loop: Sink = LoopSink()

    def sink(self) -> Sink:
        """Return the event loop's."""
        return self._loop

    def add_hot_methods(self, service: ServiceDescriptor, handlers: Iterable[object], steps: Steps) -> None:
        """Do nothing: they are served like all others."""

    def authenticate_ahead(self, services: Iterable[ServiceDescriptor], steps: Steps) -> None:
        """Do nothing: the event loop takes them in."""

    def poll(self, attach: Attach) -> None:
        """Do nothing: the ledger has a thread of its own."""


async def make_transport(wanted: str, options: list[tuple[str, int]], gate: Gate) -> Transport:
    """Return the transport that ``wanted`` names; for ``auto`` the completion queue if it passes its self-test.

    Raises TransportFailure if QUEUE is wanted and fails it.
    """
    if wanted == AIO:
        return AioTransport(options)
    try:
        # Here, since what it imports is private to grpcio, and may be gone.
        from creditd.server.transport.queue_transport import QueueTransport, require_works  # noqa: PLC0415

        await require_works()
    except Exception as error:
        if wanted == QUEUE:
            message = f"the completion queue failed its self-test ({type(error).__name__}: {error})"
            raise TransportFailure(message) from error
        log.warning("the completion queue failed its self-test: gRPC's asyncio server serves", exc_info=True)
        return AioTransport(options)
    return QueueTransport(options, gate)
