"""Who has no token, or says nothing, takes little and for a short time: seen on raw HTTP/2 connections."""

import gc
import gzip
import socket
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from credit.v1 import credit_service_pb2 as credit
from creditd.server import arrivals, listener
from creditd.server.headers import FORGOTTEN_BYTES, HeaderMemory
from tests.support.patience import eventually
from tests.support.raw_http2 import ACK, DATA, GOAWAY, MAX_CONCURRENT_STREAMS, PING, RST_STREAM, RawConnection
from tests.support.service import RunningService, running_service
from tests.support.tokens import bearer

BALANCE, WATCH = "/credit.v1.CreditService/GetBalance", "/credit.v1.CreditService/WatchBalance"
OK, INVALID_ARGUMENT, DEADLINE_EXCEEDED, RESOURCE_EXHAUSTED, UNAUTHENTICATED = 0, 3, 4, 8, 16
OWNER = bearer("owner", ["USER"])
REQUEST = credit.GetBalanceRequest(account_id="owner").SerializeToString()
HEADED = b"\0" + len(REQUEST).to_bytes(4, "big") + REQUEST
"""The message as it is sent: uncompressed, its length, itself (gRPC over HTTP/2, Length-Prefixed-Message)."""
CANCEL = (8).to_bytes(4, "big")
"""The error code of a stream that is not needed any more (RFC 9113, 7)."""
HANG_SECONDS = 1.0


@pytest.fixture(scope="module", params=["queue", "aio"])
def service(tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest) -> Iterator[RunningService]:
    """Run one service for these tests, and another one on the other transport."""
    with running_service(tmp_path_factory.mktemp("strangers"), transport=request.param) as running:
        yield running


def test_a_call_without_a_token_is_refused_by_its_headers(service: RunningService) -> None:
    """Its message is not waited for, nor taken in."""
    with RawConnection(service.address) as stranger:
        stream = stranger.begin(BALANCE)
        assert next(stranger.ends()) == (stream, UNAUTHENTICATED)


def test_a_message_that_never_comes_is_not_waited_for(service: RunningService, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nor the rest of one that has begun. What was whole before is answered."""
    with RawConnection(service.address, OWNER) as caller:
        ends = caller.ends()
        whole = caller.call(BALANCE, REQUEST)
        assert next(ends) == (whole, OK)
        monkeypatch.setattr(arrivals, "MESSAGE_SECONDS", 0.2)
        silent, cut = caller.begin(BALANCE), caller.begin(BALANCE)
        caller.say(cut, len(REQUEST), REQUEST[:-1])
        assert dict([next(ends), next(ends)]) == {silent: DEADLINE_EXCEEDED, cut: DEADLINE_EXCEEDED}


def test_a_call_that_ends_without_a_message_is_told_so(service: RunningService) -> None:
    with RawConnection(service.address, OWNER) as caller:
        stream = caller.begin(BALANCE)
        caller.say_more(stream, b"", end=True)
        assert next(caller.ends()) == (stream, INVALID_ARGUMENT)


def test_an_owner_has_so_many_messages_on_their_way(service: RunningService) -> None:
    """On all connections together; when one has come there is room for another."""
    with RawConnection(service.address, OWNER) as first, RawConnection(service.address, OWNER) as second:
        begun = [first.begin(BALANCE) for _ in range(arrivals.MESSAGES_OF_AN_OWNER)]
        first.say(begun[0], len(REQUEST), REQUEST, end=True)
        assert next(first.ends()) == (begun[0], OK)
        second_begun, ends = {second.begin(BALANCE) for _ in range(2)}, second.ends()
        refused, code = next(ends)
        assert code == RESOURCE_EXHAUSTED
        (taken,) = second_begun - {refused}
        second.say(taken, len(REQUEST), REQUEST, end=True)
        assert next(ends) == (taken, OK)
        with RawConnection(service.address, bearer("app", ["SERVICE"], "credits.read")) as app:
            app.call(BALANCE, REQUEST)
            assert next(app.ends())[1] == OK


def test_a_slow_message_is_taken_as_long_as_it_comes_in_time(service: RunningService) -> None:
    """Byte by byte, and with pauses."""
    with RawConnection(service.address, OWNER) as caller:
        stream = caller.begin(BALANCE)
        for at in range(len(HEADED)):
            caller.say_more(stream, HEADED[at : at + 1], end=at == len(HEADED) - 1)
            time.sleep(0.02)
        assert next(caller.ends()) == (stream, OK)


def test_one_message_is_read_and_what_follows_is_not(service: RunningService) -> None:
    """Whether or not the caller says that there is no more: a method takes one."""
    with RawConnection(service.address, OWNER) as caller:
        ends = caller.ends()
        without_end = caller.begin(BALANCE)
        caller.say_more(without_end, HEADED)
        assert next(ends) == (without_end, OK)
        twice = caller.begin(BALANCE)
        caller.say_more(twice, HEADED + b"\0\0\0\0\x01\xff", end=True)
        assert next(ends) == (twice, OK)


@pytest.mark.parametrize(("path", "subject"), [(BALANCE, "canceller"), (WATCH, "canceller-of-streams")])
def test_a_call_that_is_cancelled_before_its_message_gives_its_place_back(
    service: RunningService, path: str, subject: str
) -> None:
    """Three times as many as its caller may have at once, and then one that is answered."""
    request = credit.GetBalanceRequest(account_id=subject).SerializeToString()
    with RawConnection(service.address, bearer(subject, ["USER"])) as caller:
        ends = caller.ends()

        def is_answered() -> bool:
            stream = caller.call(BALANCE, request)
            return next(status for ended, status in ends if ended == stream) == OK

        for _ in range(3):
            for stream in [caller.begin(path) for _ in range(arrivals.MESSAGES_OF_AN_OWNER)]:
                caller.send(RST_STREAM, 0, stream, CANCEL)
            eventually(is_answered)


def test_a_stream_begins_with_its_message_as_well(service: RunningService, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without a token by its headers; one whose message does not come is ended, and one that has come goes on."""
    with RawConnection(service.address) as stranger:
        stream = stranger.begin(WATCH)
        assert next(stranger.ends()) == (stream, UNAUTHENTICATED)
    # Long enough for messages that come with their headers; the first stream goes on though it is over.
    monkeypatch.setattr(arrivals, "MESSAGE_SECONDS", 1.0)
    with RawConnection(service.address, OWNER) as caller:
        watch = credit.WatchBalanceRequest(account_id="owner", credit_type="chat").SerializeToString()
        caller.call(WATCH, watch)
        assert any(frame.kind == DATA for frame in caller.frames())
        ends = caller.ends()
        silent, empty = caller.begin(WATCH), caller.begin(WATCH)
        caller.say_more(empty, b"", end=True)
        assert dict([next(ends), next(ends)]) == {silent: DEADLINE_EXCEEDED, empty: INVALID_ARGUMENT}
        balance = caller.call(BALANCE, REQUEST)
        assert next(ends) == (balance, OK)


def test_compressed_messages_are_read_and_bombs_are_not(service: RunningService) -> None:
    """What is small and would be large is refused before it is."""
    with RawConnection(service.address, OWNER) as caller:
        ends = caller.ends()
        for message, status in (REQUEST, OK), (bytes(50_000_000), RESOURCE_EXHAUSTED):
            packed = gzip.compress(message)
            stream = caller.begin(BALANCE, more=[(b"grpc-encoding", b"gzip")])
            caller.say_more(stream, b"\1" + len(packed).to_bytes(4, "big") + packed, end=True)
            assert next(ends) == (stream, status)


def test_calls_that_wait_to_be_looked_at_are_not_cut_off(service: RunningService) -> None:
    """More of them than grpc would keep by itself, while the server is held up."""
    checking = service.server.health._checking
    assert checking is not None
    calls, limit = 7 * 200, listener.MAX_CALLS_OF_A_CONNECTION
    assert limit >= 200
    app = bearer("app", ["SERVICE"], "credits.read")
    callers = [RawConnection(service.address, app) for _ in range(7)]
    checking.get_loop().call_soon_threadsafe(time.sleep, HANG_SECONDS)
    for caller in callers:
        for _ in range(calls // len(callers)):
            caller.call(BALANCE, REQUEST)
    ended: Counter[int] = Counter()
    for caller in callers:
        ends = caller.ends()
        ended.update(next(ends)[1] for _ in range(calls // len(callers)))
        caller.close()
    assert ended == {OK: calls}


def test_clients_are_told_how_many_calls_a_connection_takes(service: RunningService) -> None:
    with RawConnection(service.address) as client:
        assert client.settings()[MAX_CONCURRENT_STREAMS] == listener.MAX_CALLS_OF_A_CONNECTION


def goodbye(connection: RawConnection) -> bool:
    """Tell whether the server says GOAWAY before it closes; its pings are answered meanwhile."""
    for frame in connection.frames():
        if frame.kind == GOAWAY:
            return True
        if frame.kind == PING and not frame.flags & ACK:
            connection.send(PING, ACK, 0, frame.payload)
    return False


def test_an_idle_connection_is_closed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """One with a call open is not idle. A client notices nothing: it makes another connection with its next call."""
    monkeypatch.setattr(listener, "IDLE_SECONDS", 1)
    with running_service(tmp_path) as service:
        with RawConnection(service.address) as idle, RawConnection(service.address, OWNER) as busy:
            stream = busy.begin(BALANCE)
            assert goodbye(idle)
            busy.say(stream, len(REQUEST), REQUEST, end=True)
            assert next(busy.ends()) == (stream, OK)
        owner = service.as_caller("owner", "USER").credit
        for pause in (0.0, 2.5):
            time.sleep(pause)
            owner.GetBalance(credit.GetBalanceRequest(account_id="owner"))


def test_an_old_connection_takes_no_new_calls(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What runs on it goes on to its end, and a client's calls go on, on another connection."""
    monkeypatch.setattr(listener, "AGE_SECONDS", 1)
    with running_service(tmp_path) as service, RawConnection(service.address, OWNER) as old:
        stream = old.begin(BALANCE)
        owner = service.as_caller("owner", "USER").credit
        end = time.monotonic() + 3
        while time.monotonic() < end:
            owner.GetBalance(credit.GetBalanceRequest(account_id="owner"))
        assert goodbye(old)
        old.say(stream, len(REQUEST), REQUEST, end=True)
        assert next(old.ends()) == (stream, OK)


def test_who_never_introduces_himself_is_put_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(listener, "HANDSHAKE_SECONDS", 1)
    with running_service(tmp_path) as service:
        host, _, port = service.address.rpartition(":")
        with socket.create_connection((host, int(port)), timeout=20) as silent:
            while silent.recv(1_000):
                pass


def test_headers_are_forgotten_before_they_are_much(monkeypatch: pytest.MonkeyPatch) -> None:
    looked: list[int] = []
    monkeypatch.setattr(gc, "collect", looked.append)
    memory = HeaderMemory()

    class Call:
        invocation_metadata = (("accept-language", "x" * (FORGOTTEN_BYTES // 4)),)

    for _ in range(9):
        memory.service(Call())
    assert looked == [1, 1]
