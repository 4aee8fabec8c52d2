"""An empty grpc.aio service: what a call costs before the credit service does anything, in a process of its own."""

import asyncio

import grpc
import grpc.aio
import uvloop

from tests.bench.canned import MESSAGE


async def _answer(_request: bytes, _context: "grpc.aio.ServicerContext[bytes, bytes]") -> bytes:
    return MESSAGE


async def _serve() -> None:
    # Without serializers: the request is not parsed, and the answer is bytes already.
    handlers: dict[str, grpc.RpcMethodHandler[bytes, bytes]] = {"Reserve": grpc.unary_unary_rpc_method_handler(_answer)}
    server = grpc.aio.server()
    server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler("credit.v1.CreditService", handlers),))
    port = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    print(port, flush=True)
    await server.wait_for_termination()


if __name__ == "__main__":
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(_serve())
