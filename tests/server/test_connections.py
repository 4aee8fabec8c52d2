"""Connections on which nobody has shown a token: which are ended, which are kept, and how they are found."""

import os
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import grpc
import pytest
from grpc_reflection.v1alpha.reflection_pb2 import ServerReflectionRequest

from credit.v1 import credit_service_pb2 as credit
from credit.v1.credit_service_pb2_grpc import CreditServiceStub
from creditd.bootstrap import service as bootstrap
from creditd.server import connections
from creditd.server.connections import STRANGE_CALLS, peer_name
from tests.support.patience import eventually, patience
from tests.support.raw_http2 import RawConnection, introduction
from tests.support.service import RunningService, running_service
from tests.support.tokens import bearer

BALANCE, HEALTH = "/credit.v1.CreditService/GetBalance", "/grpc.health.v1.Health/Check"
REFLECTION = "/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo"
OK, UNAUTHENTICATED = 0, 16
OWNER = bearer("owner", ["USER"])
REQUEST = credit.GetBalanceRequest(account_id="owner").SerializeToString()
LIST_SERVICES = ServerReflectionRequest(list_services="").SerializeToString()


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningService]:
    """Run one service for these tests."""
    with running_service(tmp_path_factory.mktemp("connections")) as running:
        yield running


def refused_until_ended(stranger: RawConnection, most: int) -> int:
    """Make calls one after the other until the connection ends, which it has to; return how many were answered."""
    ends = stranger.ends()
    for number in range(most):
        try:
            stranger.begin(BALANCE)
            next(ends)
        except (ConnectionError, StopIteration):
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
        counted, peer = connections_of(service).strange, peer_name(*stranger.socket.getsockname())
        eventually(lambda: not counted[peer])
        stranger.begin(BALANCE)
        assert next(ends)[1] == UNAUTHENTICATED
        # The call that is one too many may be answered, or be cut off with its connection.
        assert refused_until_ended(stranger, 100 * STRANGE_CALLS) >= STRANGE_CALLS - 2
        known.call(BALANCE, REQUEST)
        assert next(known_ends)[1] == OK


def test_a_shared_connection_is_not_ended_for_one_of_those_who_share_it(service: RunningService) -> None:
    """A proxy passes the calls of many on by one connection: some with a token, some without any."""
    with RawConnection(service.address, OWNER) as shared:
        ends = shared.ends()
        shared.call(BALANCE, REQUEST)
        assert next(ends)[1] == OK
        for _ in range(5 * STRANGE_CALLS):
            shared.begin(BALANCE, more=[(b"authorization", b"Bearer of another")])
            assert next(ends)[1] == UNAUTHENTICATED
        connections_of(service).look()
        shared.call(BALANCE, REQUEST)
        assert next(ends)[1] == OK


def connections_of(service: RunningService) -> connections.Connections:
    return service.server._connections


def test_who_asks_for_health_or_what_there_is_is_no_stranger(service: RunningService) -> None:
    """However often, on one connection without a token."""
    with RawConnection(service.address) as probe:
        ends = probe.ends()
        for _ in range(3 * STRANGE_CALLS):
            probe.call(HEALTH)
            assert next(ends)[1] == OK
            probe.call(REFLECTION, LIST_SERVICES)
            assert next(ends)[1] == OK
        assert not connections_of(service).strange[peer_name(*probe.socket.getsockname())]


def is_answered(newcomer: CreditServiceStub) -> bool:
    """Ask for a balance once. On a machine that stands still for longer than the grace, a newcomer has to come again.

    That is what UNAVAILABLE tells a client to do; docs/service_config.json has it done.
    """
    try:
        newcomer.GetBalance(credit.GetBalanceRequest(account_id="owner"), timeout=patience(60.0))
    except grpc.RpcError as error:
        if error.code() is not grpc.StatusCode.UNAVAILABLE:
            raise
        return False
    return True


def has_ended(connection: socket.socket) -> bool:
    """Tell whether a server has ended a connection, whatever it said before."""
    connection.settimeout(0)
    try:
        while connection.recv(65_536):
            pass
    except BlockingIOError:
        return False
    except ConnectionError:
        return True
    return True


@pytest.mark.requirement("J5")
def test_strangers_leave_when_places_grow_few(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Those with a token stay, those who ask for health too, and newcomers get in."""
    monkeypatch.setattr(bootstrap, "places", lambda: 150)
    with (
        running_service(tmp_path) as service,
        RawConnection(service.address, OWNER) as known,
        RawConnection(service.address) as probe,
    ):
        ends, probe_ends = known.ends(), probe.ends()
        known.call(BALANCE, REQUEST)
        probe.call(HEALTH)
        assert next(ends)[1] == next(probe_ends)[1] == OK
        host, _, port = service.address.rpartition(":")
        held: list[socket.socket] = []
        stop = threading.Event()

        def crowd() -> None:
            while not stop.is_set():
                held.append(socket.create_connection((host, int(port)), timeout=20))
                with suppress(ConnectionError):
                    held[-1].sendall(introduction())
                time.sleep(0.005)

        thread = threading.Thread(target=crowd)
        thread.start()
        try:
            eventually(lambda: len(held) > 300)
            # grpc refuses only those who come once all places are taken, and ends only those who do not introduce
            # themselves within ten seconds: so it is not grpc that ends the first one.
            eventually(lambda: has_ended(held[0]))
            newcomer = service.as_caller("owner", "USER").credit
            eventually(lambda: is_answered(newcomer))
            known.call(BALANCE, REQUEST)
            probe.call(HEALTH)
            assert next(ends)[1] == next(probe_ends)[1] == OK
        finally:
            stop.set()
            thread.join()
            for connection in held:
                connection.close()


@pytest.mark.parametrize("listen", ["127.0.0.1:0", "[::1]:0", "unix"])
def test_a_connection_is_found_by_what_grpc_calls_its_peer(tmp_path: Path, listen: str) -> None:
    """Over either version of the protocol. On a Unix socket all peers have one name, and none is ended."""
    told = listen if listen != "unix" else f"unix:{tmp_path}/socket"
    with running_service(tmp_path, listen=told) as service:
        service.address = told.replace(":0", f":{service.server.port}")
        ours = connections_of(service)
        owner = service.as_caller("owner", "USER").credit
        owner.GetBalance(credit.GetBalanceRequest(account_id="owner"), timeout=20)
        stranger = grpc.insecure_channel(service.address, options=[("grpc.use_local_subchannel_pool", 1)])
        with stranger:
            for _ in range(2):
                with pytest.raises(grpc.RpcError):
                    CreditServiceStub(stranger).GetBalance(credit.GetBalanceRequest(account_id="owner"), timeout=20)
            if listen == "unix":
                assert not ours.known | ours.strange.keys()
            else:
                assert (ours.known | ours.strange.keys()) <= ours.connected(our_files()).keys()
                assert len(ours.known) == len(ours.strange) == 1


def test_a_file_that_is_another_by_now_is_left_alone(service: RunningService) -> None:
    """Looked up as a stranger's connection, closed, and taken by somebody else's."""
    with RawConnection(service.address, OWNER) as other, RawConnection(service.address) as stranger:
        ours = connections_of(service)
        found = eventually(lambda: _numbers(ours, other, stranger))
        number_of_other, name_of_stranger = found
        assert not ours.end(number_of_other, name_of_stranger)
        other.call(BALANCE, REQUEST)
        assert next(other.ends())[1] == OK


def our_files() -> list[str]:
    return os.listdir("/proc/self/fd")  # noqa: PTH208 - as it is done there.


def _numbers(ours: connections.Connections, first: RawConnection, second: RawConnection) -> tuple[int, str] | None:
    connected = ours.connected(our_files())
    names = [peer_name(*connection.socket.getsockname()) for connection in (first, second)]
    return (connected[names[0]], names[1]) if connected.keys() >= set(names) else None


def test_what_is_noted_goes_with_its_connection(service: RunningService, monkeypatch: pytest.MonkeyPatch) -> None:
    """And what is noted while a look goes on stays."""
    ours = connections_of(service)
    look, rests, list_files = ours.look, threading.Event(), os.listdir
    # The thread that looks by itself would forget what this has noted.
    monkeypatch.setattr(ours, "look", rests.set)
    assert rests.wait(patience(60.0))

    def listdir(path: str) -> list[str]:
        files = list_files(path)
        ours.know("ipv4:192.0.2.2:2")
        return files

    ours.know("ipv4:192.0.2.1:1")
    monkeypatch.setattr(os, "listdir", listdir)
    monkeypatch.setattr(ours, "_crowded", 1)
    look()
    assert "ipv4:192.0.2.1:1" not in ours.known
    assert "ipv4:192.0.2.2:2" in ours.known


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
