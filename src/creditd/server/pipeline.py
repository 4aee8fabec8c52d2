"""What every call goes through, composed once for each method when the server starts.

In this order: observe, errors, gate, readiness, authenticate, read, deadline, authorise, validate, handler. Each step
here is a plain function that knows no transport. Waiting for the message and driving the handler is up to the
transport: :mod:`creditd.server.contexts` on the event loop, :mod:`creditd.server.transport` without one.
"""

import random
import re
import time
from collections.abc import Callable, Iterable
from typing import Any, NamedTuple

from google.protobuf.descriptor import MethodDescriptor
from google.protobuf.message import DecodeError
from google.protobuf.message_factory import GetMessageClass
from grpc import StatusCode

from creditd.domain.errors import Refusal
from creditd.ledger.work import DatabaseUnavailable, DeadlinePassed
from creditd.server.arrivals import Arrivals
from creditd.server.connections import Connections
from creditd.server.gate import Gate
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
from creditd.telemetry.calls import CallEnd, Observers

REPLAYED = (("replayed", "true"),)
"""The trailing metadata of an answer that an earlier call with the same request id had too."""

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

    def __init__(self, headers: Headers, refusal: Exception | None, span: object, peer: str) -> None:
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

    @property
    def authorization(self) -> str:
        """The header that says who calls; empty if there is none."""
        return str(self.headers.get("authorization", ""))


class Failed(NamedTuple):
    """How a call that failed is ended."""

    code: StatusCode
    message: str
    trailing: tuple[tuple[str, str | bytes], ...]


class Steps(NamedTuple):
    """What all methods share that are served on one thread."""

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
        self._takes_calls = steps.takes_calls
        self._verifier = steps.verifier
        self._connections = steps.connections
        self._rule = rule_for(self._name)
        self._largest_request = largest_request(self._name)
        self._account_of = account_reader(method.input_type)
        self._kind = method.input_type
        # The items of a batch are judged each by itself, and what strangers send as a webhook is taken as it is.
        self._is_of_one = self._largest_request == CALL_BYTES
        self._from_string = GetMessageClass(method.input_type).FromString
        self._observer = steps.observers(self._name)

    def begin(self, metadata: Iterable[tuple[str, str | bytes]] | None, peer: str) -> Exchange:
        """Begin a call with what its caller sent along, from where gRPC says that it came. Never raises."""
        headers: Headers = {}
        refusal = None
        try:
            headers = read_headers(metadata)
        except Exception as error:  # noqa: BLE001 - a defect, too, is the call's own, and becomes a status like others.
            # See `failure`: its traceback would hold on to what was sent.
            refusal = error.with_traceback(None)
        return Exchange(headers, refusal, self._observer.begin(headers), peer)

    def authenticate(self, exchange: Exchange) -> Caller:
        """Return who calls. Raises DatabaseUnavailable while nobody is served, and why the headers are refused."""
        try:
            if exchange.refusal is not None:
                raise exchange.refusal
            if not self._takes_calls():
                raise DatabaseUnavailable
            caller = self._verifier.verify(exchange.authorization)
        except Refusal:
            self._connections.meet_stranger(exchange.peer)
            raise
        self._connections.know(exchange.peer)
        exchange.subject = caller.subject
        return caller

    def let_pass(self, exchange: Exchange, message: bytes, caller: Caller, remaining: float | None) -> tuple[Any, Call]:
        """Return the request and the call as handlers take them, with ``remaining`` seconds to its deadline.

        Raises DeadlinePassed, MessageTooLarge, InvalidFields, PermissionDenied.
        """
        if remaining is not None and remaining <= 0:
            raise DeadlinePassed
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

    def failure(self, exchange: Exchange, error: Exception) -> Failed:
        """Return how a call ends that failed, and note it."""
        code, message, details, trailing = failure_of(error, exchange.language, exchange.correlation_id)
        exchange.code = code.name
        exchange.reason = reason_of(error)
        # A transport may keep an exception with its call. If the frames in its traceback referred to the call, all that
        # was sent with it would stay until the next collection of cycles, which is rare.
        error.__traceback__ = error.__context__ = None
        return Failed(code, message, (*trailing, ("grpc-status-details-bin", details)))

    def end(self, exchange: Exchange) -> None:
        """Have a call that has ended observed."""
        # See `failure`: its traceback refers to the frames that refer to this exchange.
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
                address_of(exchange.peer),
            )
        )
