"""An empty grpc.aio service: what a call costs before the credit service does anything, in a process of its own."""

from __future__ import annotations

import asyncio
import sys

import grpc
import grpc.aio
import uvloop

from tests.bench.canned import MESSAGE


class _Everything(grpc.GenericRpcHandler):
    """Answers every method alike, without parsing or serializing anything."""

    def service(self, handler_call_details: grpc.HandlerCallDetails) -> grpc.RpcMethodHandler:
        """The one handler, whatever the method."""
        return grpc.unary_unary_rpc_method_handler(_answer)


async def _answer(_request: bytes, _context: grpc.aio.ServicerContext) -> bytes:
    return MESSAGE


async def _serve() -> None:
    server = grpc.aio.server()
    server.add_generic_rpc_handlers((_Everything(),))
    port = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    sys.stdout.write(f"{port}\n")
    sys.stdout.flush()
    await server.wait_for_termination()


if __name__ == "__main__":
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(_serve())
