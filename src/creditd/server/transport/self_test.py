"""Whether gRPC's core still is what this transport takes it for: real calls through sockets of this machine.

Run at each start, since the layer below is private and may change with any release of grpcio.
"""

import asyncio
import datetime as dt
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from contextlib import asynccontextmanager
from ipaddress import ip_address
from math import inf
from threading import Timer
from typing import Any, Final

import grpc
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, generate_private_key
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from google.rpc.status_pb2 import Status

from credit.v1 import credit_service_pb2 as pb
from credit.v1 import credit_service_pb2_grpc as pb_grpc
from credit.v1.balance_pb2 import AccountBalance
from creditd.domain.errors import InsufficientCredit
from creditd.ledger.queue import Sink, Ticket, deliver
from creditd.server.arrivals import Arrivals
from creditd.server.authentication.callers import Caller
from creditd.server.authentication.client_certificates import AuthContext, ClientCertificates, ShownCertificate
from creditd.server.authentication.tokens import TokenVerifier
from creditd.server.authorization.second_factor import SecondFactor
from creditd.server.connections import LEAST_CONNECTIONS, Connections
from creditd.server.gate import Gate
from creditd.server.pipeline import Pipeline, Steps
from creditd.server.rate_limits import CallLimits, RateLimits
from creditd.server.transport.hot_call import HotCall, HotMethod
from creditd.server.transport.queue_server import QueueServer
from creditd.service.call import Call
from creditd.telemetry.calls import CallObserver

SECONDS: Final = 5.0
"""For the whole of it, which takes a few tenths of one; a layer that hangs is one that does not work."""

PATIENCE_SECONDS: Final = 0.05
"""The deadline of a call that is never answered."""

PAUSE_SECONDS: Final = 0.02
"""Before another thread answers: the polling thread waits by then, and has to be woken."""

CALLS_AT_ONCE: Final = 50

HOST: Final = "127.0.0.1"

_METHOD: Final = pb.DESCRIPTOR.services_by_name["CreditService"].methods_by_name["GetBalance"]
_STREAM: Final = "/creditd.SelfTest/Numbers"


class Amiss(Exception):
    """The transport does not do what is asked of it; the message says what."""


class _Anyone(ClientCertificates):
    """Takes everyone for a service that may read, whatever certificate the core says that they have shown."""

    def __init__(self) -> None:
        super().__init__(lambda _: None, clock=lambda: 0.0)

    def verify(self, auth_context: AuthContext) -> ShownCertificate:
        del auth_context
        caller = Caller("self-test", frozenset({"SERVICE"}), frozenset({"credits.read"}), "self-test")
        return ShownCertificate(caller, "self-test", inf)

    def require_good(self, certificate: ShownCertificate) -> None:
        del certificate


class _Handler:
    """Answers by what the account is called."""

    def __init__(self, sink: Sink, gate: Gate) -> None:
        self._sink = sink
        self._gate = gate
        self.waiting: list[Ticket[str, str]] = []

    async def get_balance(self, request: pb.GetBalanceRequest, call: Call) -> pb.GetBalanceResponse:
        name = request.account_id
        if name == "refused":
            raise InsufficientCredit(credit_type="none", available=0, required=1)
        if name in {"answered-elsewhere", "never-answered"}:
            ticket: Ticket[str, str] = Ticket(name, self._sink)
            if name == "never-answered":
                self.waiting.append(ticket)
            else:
                Timer(PAUSE_SECONDS, deliver, [[(ticket, name)]]).start()
            name = await ticket
        call.replayed = name == "replayed"
        return pb.GetBalanceResponse(account_balance=AccountBalance(account_id=name))

    def reset_all(self, call: Any) -> Any:
        """Have the server end all calls, of which ``call`` is one."""
        for under_way in self._gate.calls.copy():
            if isinstance(under_way, HotCall):
                under_way.reset()
        return call


class _Stream(grpc.GenericRpcHandler):
    """A method that is not hot."""

    def service(self, handler_call_details: grpc.HandlerCallDetails) -> "grpc.RpcMethodHandler[Any, Any] | None":
        if handler_call_details.method == _STREAM:
            return grpc.unary_stream_rpc_method_handler(_numbers)
        return None


async def _numbers(request: bytes, context: object) -> AsyncIterator[bytes]:
    del context
    for number in request:
        yield bytes([number])


async def require_works() -> None:
    """Serve calls of each kind on a port of its own. Raises Amiss, or whatever the layer below raises."""
    failed: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def note(error: BaseException) -> None:
        # The first tells what is amiss; others may follow from it.
        if not failed.done():
            failed.set_exception(error)

    def fail(error: BaseException) -> None:
        failed.get_loop().call_soon_threadsafe(note, error)

    test = asyncio.ensure_future(_run(fail))
    try:
        async with asyncio.timeout(SECONDS):
            await asyncio.wait({test, failed}, return_when=asyncio.FIRST_COMPLETED)
        for ended in (failed, test):
            if ended.done():
                await ended
    except grpc.aio.AioRpcError as error:
        message = f"a good call ended with {error.code().name}"
        raise Amiss(message) from error
    except TimeoutError as error:
        message = f"it did not end within {SECONDS} s"
        raise Amiss(message) from error
    finally:
        test.cancel()
        failed.cancel()


async def _run(fail: Callable[[BaseException], None]) -> None:
    async with _serving(fail) as (handler, address, secure_address, certificate):
        async with grpc.aio.insecure_channel(address) as channel:
            stub = pb_grpc.CreditServiceStub(channel)
            for check in (_check_answers, _check_refusal, _check_trailing):
                await check(stub)
            await _check_end(handler, stub, lambda call: call, grpc.StatusCode.DEADLINE_EXCEEDED)
            await _check_end(handler, stub, _cancelled, grpc.StatusCode.CANCELLED)
            await _check_end(handler, stub, handler.reset_all, grpc.StatusCode.CANCELLED)
            await _check_stream(channel)
        credentials = grpc.ssl_channel_credentials(certificate)
        async with grpc.aio.secure_channel(secure_address, credentials) as channel:
            await _check_answers(pb_grpc.CreditServiceStub(channel))


@asynccontextmanager
async def _serving(fail: Callable[[BaseException], None]) -> AsyncIterator[tuple[_Handler, str, str, bytes]]:
    gate = Gate(lambda: 0.0)
    server = QueueServer([], gate, fail=fail)
    handler = _Handler(server, gate)
    observer = CallObserver(lambda _: None, lambda _: None)
    steps = Steps(
        TokenVerifier((), clock=lambda: 0.0),
        _Anyone(),
        lambda _: observer,
        gate,
        lambda: True,
        Arrivals(),
        Connections(LEAST_CONNECTIONS),
        lambda caller: caller,
        SecondFactor(0.0, lambda: 0.0),
        RateLimits(CallLimits(), lambda: 0.0),
        lambda _: 0,
    )
    name = f"/{_METHOD.containing_service.full_name}/{_METHOD.name}"
    pipeline = Pipeline(_METHOD, steps)
    server.add_hot_methods({name: HotMethod(pipeline, handler.get_balance, pb.GetBalanceResponse.SerializeToString)})
    server.add_generic_rpc_handlers([_Stream()])
    key, certificate = _certificate()
    port = server.add_insecure_port(f"{HOST}:0")
    secure_port = server.add_secure_port(f"{HOST}:0", grpc.ssl_server_credentials([(key, certificate)]))
    await server.start()
    try:
        yield handler, f"{HOST}:{port}", f"{HOST}:{secure_port}", certificate
        await server.stop(SECONDS)
    finally:
        server.abandon()


async def _check_answers(stub: Any) -> None:
    """Many at once, some of which another thread answers."""
    names = ["plain", "answered-elsewhere"] * (CALLS_AT_ONCE // 2)
    calls = [stub.GetBalance(pb.GetBalanceRequest(account_id=name)) for name in names]
    answers = [answer.account_balance.account_id for answer in await asyncio.gather(*calls)]
    _require(answers == names, "answers went to other calls")


async def _check_refusal(stub: Any) -> None:
    code, error = await _end_of(stub.GetBalance(pb.GetBalanceRequest(account_id="refused")))
    details = _by_name(error.trailing_metadata()).get("grpc-status-details-bin", b"") if error else b""
    _require(code is grpc.StatusCode.FAILED_PRECONDITION, "a refusal has another code")
    _require(bool(Status.FromString(details).details), "a refusal has no details")


async def _check_trailing(stub: Any) -> None:
    call = stub.GetBalance(pb.GetBalanceRequest(account_id="replayed"))
    await call
    _require(_by_name(await call.trailing_metadata()).get("replayed") == "true", "an answer has no trailing metadata")


async def _check_end(handler: _Handler, stub: Any, act: Callable[[Any], Any], expected: grpc.StatusCode) -> None:
    """Check that a call which its caller gives up ends, and that what it waited for is given up."""
    handler.waiting.clear()
    request = pb.GetBalanceRequest(account_id="never-answered")
    timeout = PATIENCE_SECONDS if expected is grpc.StatusCode.DEADLINE_EXCEEDED else SECONDS
    call = stub.GetBalance(request, timeout=timeout)
    await _until(lambda: bool(handler.waiting) or call.done())
    code, _ = await _end_of(act(call))
    _require(code is expected, f"a call that was given up ended with {code}")
    await _until(lambda: all(ticket.is_given_up for ticket in handler.waiting))


def _cancelled(call: Any) -> Any:
    call.cancel()
    return call


async def _check_stream(channel: grpc.aio.Channel) -> None:
    ask: Any = channel.unary_stream(_STREAM)
    _require(
        [message async for message in ask(b"\1\2\3")] == [b"\1", b"\2", b"\3"],
        "a stream on the event loop is not whole",
    )


async def _end_of(call: Awaitable[Any]) -> tuple[grpc.StatusCode, Any]:
    try:
        await call
    except grpc.aio.AioRpcError as error:
        return error.code(), error
    except asyncio.CancelledError:
        return grpc.StatusCode.CANCELLED, None
    return grpc.StatusCode.OK, None


def _by_name(metadata: Iterable[tuple[str, str | bytes]]) -> dict[str, Any]:
    # gRPC's own class for metadata is a mapping in some releases and a sequence in others.
    return {name: value for name, value in metadata}  # noqa: C416


async def _until(condition: Callable[[], bool]) -> None:
    while not condition():  # noqa: ASYNC110 - what is waited for happens on another thread.
        await asyncio.sleep(0.001)


def _require(holds: bool, otherwise: str) -> None:  # noqa: FBT001 - as in an assertion.
    if not holds:
        raise Amiss(otherwise)


def _certificate() -> tuple[bytes, bytes]:
    """Make a key and a certificate of it for this test, in PEM."""
    key = generate_private_key(SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, HOST)])
    now = dt.datetime.now(dt.UTC)  # noqa: TID251 - by which gRPC judges it, too.
    day = dt.timedelta(days=1)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - day)
        .not_valid_after(now + day)
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ip_address(HOST))]), critical=False)
        .sign(key, hashes.SHA256())
    )
    return (
        key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()),
        certificate.public_bytes(Encoding.PEM),
    )


if __name__ == "__main__":
    asyncio.run(require_works())
    sys.stdout.write(f"the completion queue of grpcio {grpc.__version__} passes\n")
