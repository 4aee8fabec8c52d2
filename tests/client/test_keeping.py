"""A connection is probed also while no call is open, and one that cannot be had is tried for again soon."""

import socket
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from threading import Event, Thread

import grpc
import pytest

from credit.v1.credit_service_pb2 import GetBalanceRequest
from credit_client import CreditError, Credits, Manner
from tests.support.patience import eventually, patience

pytestmark = pytest.mark.requirement("H4")

HOST = "127.0.0.1"


class Listener:
    """Takes connections, each on a thread of its own, and counts them."""

    def __init__(self, upstream: int | None = None) -> None:
        """Pass on to a port of this machine; without one each connection is closed at once."""
        self.connections = 0
        self.is_given_up = Event()
        self._is_frozen = Event()
        self._upstream = upstream
        self._listener = socket.create_server((HOST, 0))
        self.target = f"{HOST}:{self._listener.getsockname()[1]}"
        Thread(target=self._accept, daemon=True).start()

    def freeze(self) -> None:
        """Pass nothing on any more, as a network does that has lost the other side."""
        self._is_frozen.set()

    def close(self) -> None:
        """Take no more connections."""
        with suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                self.connections += 1
                if self._upstream is None:
                    client.close()
                    continue
                server = socket.create_connection((HOST, self._upstream))
                Thread(target=self._pass_on, args=(server, client), daemon=True).start()
                Thread(target=self._pass_on, args=(client, server, self.is_given_up), daemon=True).start()

    def _pass_on(self, source: socket.socket, sink: socket.socket, ended: Event | None = None) -> None:
        with suppress(OSError):
            while said := source.recv(1 << 16):
                if not self._is_frozen.is_set():
                    sink.sendall(said)
        if ended and self._is_frozen.is_set():
            ended.set()


@contextmanager
def listening(upstream: int | None = None) -> Iterator[Listener]:
    listener = Listener(upstream)
    try:
        yield listener
    finally:
        listener.close()


@pytest.fixture
def bare_port() -> Iterator[int]:
    """Serve nothing, not even health: with a look at that open, a call would be open all the time."""
    server = grpc.server(ThreadPoolExecutor(1))
    port = server.add_insecure_port(f"{HOST}:0")
    server.start()
    yield port
    server.stop(None).wait()


def test_a_dead_connection_is_given_up_while_no_call_is_open(bare_port: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """So that the next call begins on one that lives."""
    monkeypatch.setattr("credit_client.connection.KEEPALIVE_SECONDS", 1)
    monkeypatch.setattr("credit_client.connection.KEEPALIVE_TIMEOUT_SECONDS", 1)
    with listening(bare_port) as listener, Credits(listener.target) as credits:
        with pytest.raises(CreditError) as error:
            credits.call(GetBalanceRequest(account_id="ann"))
        assert error.value.code is grpc.StatusCode.UNIMPLEMENTED
        listener.freeze()
        assert listener.is_given_up.wait(patience(60))


def test_a_server_that_cannot_be_had_is_tried_for_more_often_than_grpc_does_by_itself() -> None:
    manner = Manner(call_seconds=patience(60))
    with (
        listening() as ours,
        listening() as theirs,
        ThreadPoolExecutor(1) as pool,
        Credits(ours.target, manner=manner) as credits,
        grpc.insecure_channel(theirs.target) as channel,
    ):
        pool.submit(credits.call, GetBalanceRequest(account_id="ann"))
        eventually(lambda: ours.connections)
        channel.subscribe(lambda _: None, try_to_connect=True)
        eventually(lambda: theirs.connections >= 3)
        assert ours.connections > theirs.connections + 1
