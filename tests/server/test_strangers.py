"""Who has no token, or says nothing, takes little and for a short time: seen on raw HTTP/2 connections."""

import gc
import socket
import threading
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from credit.v1 import credit_service_pb2 as credit
from creditd.bootstrap import service as bootstrap
from creditd.server import arrivals, connections, listener
from creditd.server.connections import STRANGE_CALLS, peer_name
from creditd.server.headers import FORGOTTEN_BYTES, HeaderMemory
from tests.raw_http2 import ACK, GOAWAY, MAX_CONCURRENT_STREAMS, PING, RawConnection
from tests.running import RunningService, eventually, running_service
from tests.tokens import bearer

BALANCE = "/credit.v1.CreditService/GetBalance"
OK, INVALID_ARGUMENT, DEADLINE_EXCEEDED, RESOURCE_EXHAUSTED, UNAUTHENTICATED = 0, 3, 4, 8, 16
OWNER = bearer("owner", ["USER"])
REQUEST = credit.GetBalanceRequest(account_id="owner").SerializeToString()
HANG_SECONDS = 1.0


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningService]:
    """Run one service for these tests."""
    with running_service(tmp_path_factory.mktemp("strangers")) as running:
        yield running


def test_a_call_without_a_token_is_refused_by_its_headers(service: RunningService) -> None:
    """Its message is not waited for, nor taken in."""
    with RawConnection(service.address) as stranger:
        stream = stranger.begin(BALANCE)
        assert next(stranger.ends()) == (stream, UNAUTHENTICATED)


def test_a_message_that_never_comes_is_not_waited_for(service: RunningService, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nor the rest of one that has begun. What was whole before is answered."""
    monkeypatch.setattr(arrivals, "MESSAGE_SECONDS", 0.2)
    with RawConnection(service.address, OWNER) as caller:
        ends = caller.ends()
        whole = caller.call(BALANCE, REQUEST)
        assert next(ends) == (whole, OK)
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
        second_begun = [second.begin(BALANCE) for _ in range(2)]
        assert next(second.ends())[1] == RESOURCE_EXHAUSTED
        with RawConnection(service.address, bearer("app", ["SERVICE"], "credits.read")) as app:
            app.call(BALANCE, REQUEST)
            assert next(app.ends())[1] == OK
    assert second_begun


def refused_until_ended(stranger: RawConnection, most: int) -> int:
    """Make calls one after the other until the connection ends, which it has to; return how many were answered."""
    ends = stranger.ends()
    for number in range(most):
        try:
            stranger.begin(BALANCE)
            next(ends)
        except (OSError, StopIteration):
            return number
    raise AssertionError("it was never ended")


def test_a_connection_of_refused_calls_is_ended(service: RunningService) -> None:
    """One with a token goes on, whatever else is refused on it, and so does one with few calls without."""
    with RawConnection(service.address, OWNER) as known, RawConnection(service.address) as stranger:
        known.call(BALANCE, REQUEST)
        known_ends = known.ends()
        assert next(known_ends)[1] == OK
        ends = stranger.ends()
        for _ in range(STRANGE_CALLS - 1):
            stranger.begin(BALANCE)
            assert next(ends)[1] == UNAUTHENTICATED
        time.sleep(2 * connections.COUNT_SECONDS)
        stranger.begin(BALANCE)
        assert next(ends)[1] == UNAUTHENTICATED
        assert refused_until_ended(stranger, 100 * STRANGE_CALLS) >= STRANGE_CALLS - 1
        known.call(BALANCE, REQUEST)
        assert next(known_ends)[1] == OK


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


def test_strangers_leave_when_places_grow_few(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Those with a token stay, and newcomers and probes get in."""
    monkeypatch.setattr(bootstrap, "places", lambda: 150)
    with running_service(tmp_path) as service, RawConnection(service.address, OWNER) as known:
        ends = known.ends()
        known.call(BALANCE, REQUEST)
        assert next(ends)[1] == OK
        host, _, port = service.address.rpartition(":")
        held: list[socket.socket] = []
        stop = threading.Event()

        def crowd() -> None:
            while not stop.is_set():
                held.append(socket.create_connection((host, int(port)), timeout=20))
                time.sleep(0.005)

        thread = threading.Thread(target=crowd)
        thread.start()
        try:
            eventually(lambda: len(held) > 300, 20)
            newcomer = service.as_caller("owner", "USER").credit
            assert newcomer.GetBalance(credit.GetBalanceRequest(account_id="owner"), timeout=10)
            known.call(BALANCE, REQUEST)
            assert next(ends)[1] == OK
        finally:
            stop.set()
            thread.join()
            for connection in held:
                connection.close()


@pytest.mark.parametrize(
    ("address", "name"),
    [
        (("127.0.0.1", 80), "ipv4:127.0.0.1:80"),
        (("::1", 80, 0, 0), "ipv6:%5B::1%5D:80"),
        (("::ffff:192.0.2.1", 80, 0, 0), "ipv4:192.0.2.1:80"),
        (("fe80::1", 80, 0, 2), "ipv6:%5Bfe80::1%252%5D:80"),
    ],
)
def test_peers_are_named_as_grpc_names_them(address: tuple[Any, ...], name: str) -> None:
    assert peer_name(*address) == name


def test_headers_are_forgotten_before_they_are_much(monkeypatch: pytest.MonkeyPatch) -> None:
    looked: list[int] = []
    monkeypatch.setattr(gc, "collect", looked.append)
    memory = HeaderMemory()

    class Call:
        invocation_metadata = (("accept-language", "x" * (FORGOTTEN_BYTES // 4)),)

    for _ in range(9):
        memory.service(Call())
    assert looked == [1, 1]
