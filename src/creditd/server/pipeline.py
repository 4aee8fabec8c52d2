"""What every call goes through, composed once for each method when the server starts.

In this order: observe, errors, gate, readiness, authenticate, read, deadline, authorise, validate, handler. Each step
is a plain function; only waiting for the message and for the ledger is asynchronous. Handlers of CreditService's unary
RPCs know nothing of the event loop: it is here that they are driven over it.

To grpc every method has a stream of requests: such a method begins with the headers of a call, so that no message is
taken in from a caller without a token. One message is read; what follows it is not.
"""

import asyncio
import random
import re
import time
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Coroutine
from contextlib import aclosing
from typing import Any, NamedTuple

import grpc
from google.protobuf.descriptor import MethodDescriptor
from google.protobuf.message import DecodeError, Message
from google.protobuf.message_factory import GetMessageClass

from creditd.domain.errors import Refusal
from creditd.ledger.work import DatabaseUnavailable, DeadlinePassed
from creditd.server.arrivals import Arrivals
from creditd.server.connections import Connections
from creditd.server.gate import Gate, Passage
from creditd.server.headers import Headers, read_headers
from creditd.server.peers import address_of
from creditd.server.policy import authorize, rule_for
from creditd.server.refusals import MessageTooLarge
from creditd.server.request_sizes import CALL_BYTES, largest_request
from creditd.server.requests import account_reader
from creditd.server.status import failure_of, reason_of
from creditd.server.texts import language_of
from creditd.server.tokens import Caller, TokenVerifier
from creditd.server.validation import validate
from creditd.server.wire_texts import require_storable, unreadable
from creditd.service.call import Call
from creditd.service.loop import driven
from creditd.telemetry.calls import CallEnd, Observers

UnaryHandler = Callable[[Any, Call], Coroutine[Any, Any, Message]]
StreamHandler = Callable[[Any, Call], AsyncGenerator[Message]]

_REPLAYED = (("replayed", "true"),)

_CORRELATION_ID = re.compile(r"[A-Za-z0-9._:-]{1,64}")
"""What a caller may bring along as its correlation id; anything else is replaced, since it goes into the logs."""


class Exchange:
    """One call on its way through the steps."""

    __slots__ = (
        "account_id",
        "code",
        "correlation_id",
        "headers",
        "peer",
        "reason",
        "refusal",
        "span",
        "started",
        "subject",
    )

    def __init__(self, headers: Headers, refusal: Refusal | None, span: object, peer: str) -> None:
        """Begin with what the caller sent along, and why that alone is refused, if it is."""
        self.started = time.perf_counter()
        self.headers = headers
        self.refusal = refusal
        self.span = span
        self.peer = peer
        self.subject = self.account_id = self.reason = ""
        self.code = "OK"
        sent = headers.get("x-correlation-id")
        self.correlation_id = (
            sent if isinstance(sent, str) and _CORRELATION_ID.fullmatch(sent) else f"{random.getrandbits(64):016x}"
        )

    @property
    def language(self) -> str:
        """The language that the caller reads."""
        return language_of(str(self.headers.get("accept-language", "")))


def _authorization(exchange: Exchange) -> str:
    return str(exchange.headers.get("authorization", ""))


class Steps(NamedTuple):
    """What all methods share."""

    verifier: TokenVerifier
    observers: Observers
    gate: Gate
    takes_calls: Callable[[], bool]
    """Whether the database was fit when it last answered; where it is not, nobody's call is looked at."""
    arrivals: Arrivals
    connections: Connections


class Pipeline:
    """The steps of one method."""

    def __init__(self, method: MethodDescriptor, steps: Steps) -> None:
        """Look up once all that depends on the method alone. A method without a rule is refused to everyone."""
        self._name = f"/{method.containing_service.full_name}/{method.name}"
        self._steps = steps
        self._gate = steps.gate
        self._rule = rule_for(self._name)
        self._largest_request = largest_request(self._name)
        self._account_of = account_reader(method.input_type)
        self._kind = method.input_type
        # The items of a batch are judged each by itself, and what strangers send as a webhook is taken as it is.
        self._is_of_one = self._largest_request == CALL_BYTES
        self._from_string = GetMessageClass(method.input_type).FromString
        self._observer = steps.observers(self._name)

    def _begin(self, context: Any) -> Exchange:
        headers: Headers = {}
        refusal = None
        try:
            headers = read_headers(context.invocation_metadata())
        except Refusal as error:
            # See _fail: its traceback would hold on to what was sent.
            refusal = error.with_traceback(None)
        return Exchange(headers, refusal, self._observer.begin(headers), address_of(context.peer()))

    async def _admit(self, exchange: Exchange, passage: Passage, context: Any) -> tuple[Any, Call]:
        """Read a request and let it pass, or raise why not."""
        caller = self._authenticate(exchange, context)
        exchange.subject = caller.subject
        message = await self._steps.arrivals.message(context, caller, passage)
        remaining = context.time_remaining()
        if remaining is not None and remaining <= 0:
            raise DeadlinePassed
        return self._let_pass(exchange, message, caller, remaining)

    def _authenticate(self, exchange: Exchange, context: Any) -> Caller:
        try:
            if exchange.refusal is not None:
                raise exchange.refusal
            if not self._steps.takes_calls():
                raise DatabaseUnavailable
            caller = self._steps.verifier.verify(_authorization(exchange))
        except Refusal:
            self._steps.connections.meet_stranger(context.peer())
            raise
        self._steps.connections.know(context.peer())
        return caller

    def _let_pass(
        self, exchange: Exchange, message: bytes, caller: Caller, remaining: float | None
    ) -> tuple[Any, Call]:
        request = self._read(message)
        account_id = self._account_of(request)
        exchange.account_id = account_id or ""
        opens = authorize(self._rule, caller, account_id)
        validate(request)
        deadline = None if remaining is None else time.monotonic() + remaining
        return request, Call(caller.subject, deadline, exchange.language, exchange.correlation_id, opens)

    def _read(self, message: bytes) -> Any:
        if len(message) > self._largest_request:
            raise MessageTooLarge(size=len(message), maximum=self._largest_request)
        # Left to grpc.aio, this error's text would go to the caller.
        try:
            request = self._from_string(message)
        except DecodeError as error:
            raise unreadable(message, self._kind) from error
        if self._is_of_one:
            require_storable(message, self._kind)
        return request

    async def _fail(self, exchange: Exchange, error: Exception, context: Any) -> None:
        code, message, details, trailing = failure_of(error, exchange.language, exchange.correlation_id)
        exchange.code = code.name
        exchange.reason = reason_of(error)
        # grpc keeps the exception of an abort with its call. If the frames in its traceback referred to the call, all
        # that was sent with it would stay until the next collection of cycles, which is rare. So every frame that the
        # abort passes through drops its reference, here and in `serve`.
        error.__traceback__ = error.__context__ = None
        try:
            await context.abort(code, message, (*trailing, ("grpc-status-details-bin", details)))
        finally:
            del context

    def _end(self, exchange: Exchange) -> None:
        # See _fail: its traceback refers to the frames that refer to this exchange.
        exchange.refusal = None
        self._observer.end(
            CallEnd(
                exchange.span,
                exchange.code,
                time.perf_counter() - exchange.started,
                exchange.correlation_id,
                exchange.subject,
                exchange.account_id,
                exchange.reason,
                exchange.peer,
            )
        )

    def unary(self, handler: UnaryHandler) -> Callable[[Any, Any], Awaitable[Message | None]]:
        """Compose a call with one answer."""

        async def serve(requests: object, context: Any) -> Message | None:
            del requests
            exchange = self._begin(context)
            try:
                if self._gate.is_closed:
                    await self._gate.turn_away()
                with self._gate.passage() as passage:
                    request, call = await self._admit(exchange, passage, context)
                    response = await driven(handler(request, call))
                if call.replayed:
                    context.set_trailing_metadata(_REPLAYED)
            except asyncio.CancelledError:
                exchange.code = "CANCELLED"
                raise
            except Exception as error:  # noqa: BLE001 - every failure becomes a status here, and only here.
                await self._fail(exchange, error, context)
                return None
            else:
                return response
            finally:
                self._end(exchange)
                del context

        return serve

    def stream(self, handler: StreamHandler) -> Callable[[Any, Any], AsyncIterator[Message]]:
        """Compose a call with a stream of answers."""

        async def serve(requests: object, context: Any) -> AsyncIterator[Message]:
            del requests
            exchange = self._begin(context)
            try:
                if self._gate.is_closed:
                    await self._gate.turn_away()
                with self._gate.passage() as passage:
                    request, call = await self._admit(exchange, passage, context)
                    self._gate.streams(passage, self._steps.verifier.end_of(_authorization(exchange)))
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
                self._end(exchange)
                del context

        return serve


async def _next(responses: AsyncGenerator[Message]) -> Message | None:
    return await anext(responses, None)


def method_handler(method: MethodDescriptor, handler: Any, steps: Steps) -> "grpc.RpcMethodHandler[Any, Any]":
    """Return what grpc serves a method with."""
    pipeline = Pipeline(method, steps)
    serializer = GetMessageClass(method.output_type).SerializeToString
    if method.server_streaming:
        return grpc.stream_stream_rpc_method_handler(pipeline.stream(handler), None, serializer)
    return grpc.stream_unary_rpc_method_handler(pipeline.unary(handler), None, serializer)
