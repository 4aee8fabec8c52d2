"""The completion queue as one of the two transports (see :mod:`creditd.bootstrap.transport`)."""

from collections.abc import Iterable

from google.protobuf.descriptor import ServiceDescriptor
from google.protobuf.message_factory import GetMessageClass

from creditd.ledger.queue import Attach, Sink
from creditd.server.gate import Gate
from creditd.server.pipeline import Pipeline, Steps
from creditd.server.services import snake_case
from creditd.server.transport import self_test
from creditd.server.transport.hot_call import HotMethod
from creditd.server.transport.queue_server import QueueServer
from creditd.service.loop import LoopSink


class QueueTransport:
    """Hot methods on a thread that polls a completion queue, all others on the event loop."""

    name = "queue"

    def __init__(self, options: list[tuple[str, int]], gate: Gate) -> None:
        """Serve with the options of gRPC's core; calls pass by ``gate``."""
        self.server = QueueServer(options, gate)
        self._loop: Sink = LoopSink()

    def sink(self) -> Sink:
        """Return where answers are awaited that are asked for on the thread that calls this."""
        return self.server if self.server.is_here else self._loop

    def add_hot_methods(self, service: ServiceDescriptor, handlers: Iterable[object], steps: Steps) -> None:
        """Serve on the polling thread the unary methods that ``handlers`` have, which await nothing but tickets."""
        for method in service.methods:
            name = snake_case(method.name)
            for handler in handlers:
                if hasattr(handler, name) and not method.server_streaming:
                    serialize = GetMessageClass(method.output_type).SerializeToString
                    hot = HotMethod(Pipeline(method, steps), getattr(handler, name), serialize)
                    self.server.add_hot_methods({f"/{service.full_name}/{method.name}": hot})

    def authenticate_ahead(self, services: Iterable[ServiceDescriptor], steps: Steps) -> None:
        """Authenticate the callers of what runs on the event loop before the loop hears of them."""
        for service in services:
            methods = {f"/{service.full_name}/{method.name}": method for method in service.methods}
            self.server.authenticate_ahead({name: Pipeline(method, steps) for name, method in methods.items()})

    def poll(self, attach: Attach) -> None:
        """Have what decides in ticks, such as the ledger, decide on the polling thread."""
        self.server.add_tick(attach(self.server.post))


_has_worked = False


async def require_works() -> None:
    """Run the self-test, once in a process that passes it. Raises self_test.Amiss, or what the layer below raises."""
    global _has_worked  # noqa: PLW0603 - what the installed grpcio does is the process's own.
    if not _has_worked:
        await self_test.require_works()
        _has_worked = True
