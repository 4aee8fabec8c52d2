"""What every call goes through, composed once for each method when the server starts.

In this order: observe, errors, gate, readiness, authenticate, deadline, rate limits, read, authorise, second factor,
validate, handler. Each step here is a plain function that knows no transport. Waiting for the message and driving the
handler is up to the transport: :mod:`creditd.server.contexts` on the event loop, :mod:`creditd.server.transport`
without one.
"""

import logging
import random
import re
import time
from collections.abc import Callable, Iterable
from typing import Any, NamedTuple

from google.protobuf.descriptor import MethodDescriptor
from google.protobuf.message import DecodeError
from google.protobuf.message_factory import GetMessageClass
from grpc import StatusCode

from creditd.domain.controls.access import SUPER_ADMIN
from creditd.domain.errors import Refusal
from creditd.ledger.work import DatabaseUnavailable, DeadlinePassed
from creditd.server.acts import KINDS, refused_act
from creditd.server.arrivals import Arrivals
from creditd.server.authentication.callers import Caller
from creditd.server.authentication.client_certificates import ClientCertificates, Connection, ShownCertificate
from creditd.server.authentication.tokens import TokenVerifier
from creditd.server.authorization.policy import authorize, rule_for
from creditd.server.authorization.second_factor import SecondFactor
from creditd.server.connections import Connections
from creditd.server.gate import Gate
from creditd.server.headers import Headers, read_headers
from creditd.server.peers import address_of, place_of_peer
from creditd.server.rate_limits import RateLimits
from creditd.server.refusals import MessageTooLarge
from creditd.server.request_sizes import LARGEST_BYTES, largest_request
from creditd.server.requests import account_reader
from creditd.server.status import DecimalsOf, failure_of, reason_of
from creditd.server.texts import language_of
from creditd.server.validation import validate
from creditd.server.wire_texts import require_storable, unreadable
from creditd.service.call import Call
from creditd.service.controls.refused_acts import Refused
from creditd.telemetry.calls import CallEnd, Observers

log = logging.getLogger(__name__)

REPLAYED = (("replayed", "true"),)
"""The trailing metadata of an answer that an earlier call with the same request id had too."""

_CORRELATION_ID = re.compile(r"[A-Za-z0-9._:-]{1,64}")
"""What a caller may bring along as its correlation id; anything else is replaced, since it goes into the logs."""


class Exchange:
    """One call on its way through the steps."""

    __slots__ = (
        "account_id",
        "caller",
        "certificate",
        "code",
        "correlation_id",
        "headers",
        "peer",
        "reason",
        "refusal",
        "request",
        "sent_correlation_id",
        "span",
        "started",
        "stated",
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
        self.caller: Caller | None = None
        self.certificate: ShownCertificate | None = None
        self.request: Any = None
        self.stated: Caller | None = None
        self.code = "OK"
        sent = headers.get("x-correlation-id")
        self.sent_correlation_id = sent if isinstance(sent, str) and _CORRELATION_ID.fullmatch(sent) else ""
        self.correlation_id = self.sent_correlation_id or f"{random.getrandbits(64):016x}"

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
    certificates: ClientCertificates
    observers: Observers
    gate: Gate
    takes_calls: Callable[[], bool]
    """Whether the database was fit when it last answered; where it is not, nobody's call is looked at."""
    arrivals: Arrivals
    connections: Connections
    complete: Callable[[Caller], Caller]
    """Adds to a caller, as its token says who that is, what is stored of it. Asked at each call, and costs next to
    nothing: a role that was taken away is gone whatever token is out."""
    second_factor: SecondFactor
    rate_limits: RateLimits
    decimals_of: DecimalsOf
    tell: Callable[[Refused], None] = lambda _: None
    """Has the audit log told of a refusal, without waiting."""


class Pipeline:
    """The steps of one method."""

    def __init__(self, method: MethodDescriptor, steps: Steps) -> None:
        """Look up once all that depends on the method alone. A method without a rule is refused to everyone."""
        self._name = f"/{method.containing_service.full_name}/{method.name}"
        self._takes_calls = steps.takes_calls
        self._verifier = steps.verifier
        self._certificates = steps.certificates
        self._connections = steps.connections
        self._complete = steps.complete
        self._second_factor = steps.second_factor
        self._rate_limits = steps.rate_limits
        self._limit_of_method = steps.rate_limits.of_method(self._name)
        self._rule = rule_for(self._name)
        self._is_open = self._rule.is_open
        self.streams: bool = method.server_streaming
        self._largest_request = largest_request(self._name)
        self._account_of = account_reader(method.input_type)
        self._kind = method.input_type
        # The items of a batch are judged each by itself, and what strangers send as a webhook is taken as it is.
        self._is_of_one = self._largest_request < LARGEST_BYTES
        self._from_string = GetMessageClass(method.input_type).FromString
        self._observer = steps.observers(self._name)
        self._kind_of_act = KINDS.get(method.input_type.full_name, "")
        self._tell = steps.tell
        self._decimals_of = steps.decimals_of

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

    def authenticate(self, exchange: Exchange, connection: Connection) -> Caller:
        """Return who calls: as a token says, or without one the certificate that the connection was made with.

        Raises DatabaseUnavailable while nobody is served, and why the headers or the certificate are refused.
        Where everybody may call, neither is looked at, and the connection stays a stranger's.
        """
        try:
            if exchange.refusal is not None:
                raise exchange.refusal
            if not self._takes_calls():
                raise DatabaseUnavailable
            if self._is_open:
                return _stranger(exchange.peer)
            # Whoever sends a token is judged by it, whatever it is worth.
            if "authorization" in exchange.headers:
                caller = self._verifier.verify(exchange.authorization)
            else:
                exchange.certificate = self._certificates.verify(connection.auth_context())
                caller = exchange.certificate.caller
        except Refusal:
            self._connections.meet_stranger(exchange.peer)
            self._rate_limits.take_stranger(exchange.peer)
            raise
        self._connections.know(exchange.peer)
        exchange.subject = caller.subject
        exchange.stated = caller
        exchange.caller = self._complete(caller)
        return exchange.caller

    def end_of(self, exchange: Exchange) -> float:
        """Return from when on a call that goes on may not be made any more, in seconds since the Unix epoch.

        Raises TokenInvalid, TokenExpired.
        """
        if exchange.certificate is not None:
            return exchange.certificate.end
        return self._verifier.end_of(exchange.authorization)

    def require_allowed(self, exchange: Exchange) -> None:
        """Raise PermissionDenied unless a call that goes on may still be made, by what is stored at this moment.

        Raises TokenInvalid if it is the certificate that is not good any more, MfaRequired if it is the second factor.
        """
        if exchange.stated is not None:
            self._authorize(self._caller_now(exchange, exchange.stated), exchange.account_id or None)

    def note_reset(self, exchange: Exchange) -> None:
        """Note that the caller went before it was known what is asked for."""
        self._connections.meet_reset(exchange.peer)

    def let_pass(self, exchange: Exchange, message: bytes, caller: Caller, remaining: float | None) -> tuple[Any, Call]:
        """Return the request and the call as handlers take them, with ``remaining`` seconds to its deadline.

        Raises DeadlinePassed, RateLimited, MessageTooLarge, InvalidFields, PermissionDenied, MfaRequired; TokenInvalid
        for a certificate that is not good any more.
        """
        if remaining is not None and remaining <= 0:
            raise DeadlinePassed
        if exchange.stated is not None:
            # The message may come seconds after the headers, in which its caller's rights may have been taken away.
            caller = exchange.caller = self._caller_now(exchange, exchange.stated)
        # Before anything costs more: what is refused for another reason counts as well.
        self._rate_limits.take(caller, exchange.peer, self._name, self._limit_of_method)
        request = self._read(message)
        if self._kind_of_act:
            exchange.request = request
        account_id = self._account_of(request)
        exchange.account_id = account_id or ""
        opens = self._authorize(caller, account_id)
        validate(request)
        deadline = None if remaining is None else time.monotonic() + remaining
        subject, roles, scopes, person, mfa_time, accounts = caller
        stated = exchange.stated or caller
        return request, Call(
            subject,
            deadline,
            exchange.language,
            exchange.correlation_id,
            opens,
            person,
            roles,
            exchange.peer,
            scopes,
            mfa_time,
            accounts,
            stated.roles,
            exchange.sent_correlation_id,
        )

    def _caller_now(self, exchange: Exchange, stated: Caller) -> Caller:
        if exchange.certificate is not None:
            self._certificates.require_good(exchange.certificate)
        return self._complete(stated)

    def _authorize(self, caller: Caller, account_id: str | None) -> bool:
        opens = authorize(self._rule, caller, account_id)
        if self._rule.needs_second_factor or SUPER_ADMIN in caller.roles:
            self._second_factor.require_where_needed(self._rule, caller, account_id)
        return opens

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
        if isinstance(error, Refusal):
            self._tell_of(exchange, error)
        code, message, details, trailing = failure_of(
            error, exchange.language, exchange.correlation_id, self._decimals_of
        )
        exchange.code = code.name
        exchange.reason = reason_of(error)
        # A transport may keep an exception with its call. If the frames in its traceback referred to the call, all that
        # was sent with it would stay until the next collection of cycles, which is rare.
        error.__traceback__ = error.__context__ = None
        return Failed(code, message, (*trailing, ("grpc-status-details-bin", details)))

    def _tell_of(self, exchange: Exchange, refusal: Refusal) -> None:
        """Have the audit log told of a refusal that it has to do with; never raises."""
        try:
            refused = refused_act(self._kind_of_act, self._name, refusal, exchange)
            if refused:
                self._tell(refused)
        except Exception:
            # A defect here must not fail the call, which has its answer.
            log.exception("a refusal could not be told")

    def end(self, exchange: Exchange) -> None:
        """Have a call that has ended observed."""
        # See `failure`: its traceback refers to the frames that refer to this exchange.
        exchange.refusal = exchange.request = None
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


def _stranger(peer: str) -> Caller:
    """Return a caller of whom nothing is known but the machine, whose calls are counted together."""
    subject = f"stranger at {place_of_peer(peer)}"
    return Caller(subject, frozenset(), frozenset(), subject)
