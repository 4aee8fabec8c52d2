"""The methods as gRPC's asyncio interface has them: a coroutine with a context, on the event loop.

To gRPC every method has a stream of requests: such a method begins with the headers of a call, so that no message is
taken in from a caller without a token. One message is read; what follows it is not.
"""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Coroutine
from contextlib import aclosing
from functools import partial
from typing import Any, NamedTuple

import grpc
from google.protobuf.descriptor import MethodDescriptor
from google.protobuf.message import Message
from google.protobuf.message_factory import GetMessageClass

from creditd.server.authentication.callers import Caller
from creditd.server.authentication.client_certificates import Connection
from creditd.server.gate import Passage
from creditd.server.pipeline import REPLAYED, Exchange, Pipeline, Steps
from creditd.server.refusals import TooManyAtOnce
from creditd.service.call import Call
from creditd.service.loop import driven

UnaryHandler = Callable[[Any, Call], Coroutine[Any, Any, Message]]
StreamHandler = Callable[[Any, Call], AsyncGenerator[Message]]


class Admitted(NamedTuple):
    """A call whose caller is known."""

    exchange: Exchange
    caller: Caller
    end: float
    """From when on a stream may not go on, in seconds since the Unix epoch; any number for all other calls."""


def admit(pipeline: Pipeline, exchange: Exchange, connection: Connection) -> Admitted:
    """Return a call with its caller. Raises what Pipeline.authenticate does."""
    caller = pipeline.authenticate(exchange, connection)
    return Admitted(exchange, caller, pipeline.end_of(exchange) if pipeline.streams else 0.0)


class ContextMethod:
    """One method, whose calls have a context of gRPC's asyncio interface."""

    def __init__(self, pipeline: Pipeline, steps: Steps) -> None:
        """Serve by ``pipeline``, which was composed of ``steps``."""
        self._pipeline = pipeline
        self._steps = steps
        self._gate = steps.gate

    def _begin(self, context: Any) -> tuple[Exchange, Admitted | None]:
        # Only the completion queue authenticates callers ahead. A context of gRPC's own has no such attribute.
        known: Admitted | None = getattr(context, "admitted", None)
        if known is not None:
            return known.exchange, known
        return self._pipeline.begin(context.invocation_metadata(), context.peer()), None

    async def _read(self, known: Admitted, passage: Passage, context: Any) -> tuple[Any, Call]:
        """Read a request and let it pass, or raise why not."""
        exchange, caller, _ = known
        try:
            message = await self._steps.arrivals.message(context, caller, passage)
        except (asyncio.CancelledError, TooManyAtOnce):
            if not passage.is_ended:
                self._pipeline.note_reset(exchange)
            raise
        return self._pipeline.let_pass(exchange, message, caller, context.time_remaining())

    async def _fail(self, exchange: Exchange, error: Exception, context: Any) -> None:
        # gRPC keeps the exception of an abort with its call; every frame that the abort passes through drops its
        # reference, here and in `serve`. See Pipeline.failure.
        try:
            await context.abort(*self._pipeline.failure(exchange, error))
        finally:
            del context

    def unary(self, handler: UnaryHandler) -> Callable[[Any, Any], Awaitable[Message | None]]:
        """Compose a call with one answer."""

        async def serve(requests: object, context: Any) -> Message | None:
            del requests
            exchange, known = self._begin(context)
            try:
                if self._gate.is_closed:
                    await self._gate.turn_away()
                with self._gate.passage() as passage:
                    known = known or admit(self._pipeline, exchange, context)
                    request, call = await self._read(known, passage, context)
                    response = await driven(handler(request, call))
                if call.replayed:
                    context.set_trailing_metadata(REPLAYED)
            except asyncio.CancelledError:
                exchange.code = "CANCELLED"
                raise
            except Exception as error:  # noqa: BLE001 - every failure becomes a status here, and only here.
                await self._fail(exchange, error, context)
                return None
            else:
                return response
            finally:
                self._pipeline.end(exchange)
                del context

        return serve

    def stream(self, handler: StreamHandler) -> Callable[[Any, Any], AsyncIterator[Message]]:
        """Compose a call with a stream of answers."""

        async def serve(requests: object, context: Any) -> AsyncIterator[Message]:
            del requests
            exchange, known = self._begin(context)
            try:
                if self._gate.is_closed:
                    await self._gate.turn_away()
                with self._gate.passage() as passage:
                    known = known or admit(self._pipeline, exchange, context)
                    request, call = await self._read(known, passage, context)
                    self._gate.streams(passage, known.end, partial(self._pipeline.require_allowed, exchange))
                    async with aclosing(handler(request, call)) as responses:
                        while (response := await driven(_next(responses))) is not None:
                            passage.sends()
                            yield response
                            passage.goes_on()
            except (asyncio.CancelledError, GeneratorExit):
                exchange.code = "CANCELLED"
                raise
            except Exception as error:  # noqa: BLE001 - every failure becomes a status here, and only here.
                await self._fail(exchange, error, context)
            finally:
                self._pipeline.end(exchange)
                del context

        return serve


async def _next(responses: AsyncGenerator[Message]) -> Message | None:
    return await anext(responses, None)


def method_handler(method: MethodDescriptor, handler: Any, steps: Steps) -> "grpc.RpcMethodHandler[Any, Any]":
    """Return what gRPC's asyncio interface serves a method with."""
    served = ContextMethod(Pipeline(method, steps), steps)
    serializer = GetMessageClass(method.output_type).SerializeToString
    if method.server_streaming:
        return grpc.stream_stream_rpc_method_handler(served.stream(handler), None, serializer)
    return grpc.stream_unary_rpc_method_handler(served.unary(handler), None, serializer)
