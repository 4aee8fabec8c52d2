"""Keepalive: what the server's options do, seen on a raw HTTP/2 connection on which no call is ever made."""

import socket
import struct
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from creditd.server import listener
from tests.support.service import running_service

FRAME = struct.Struct(">IBI")
SETTINGS, PING, GOAWAY = 4, 6, 7
ACK = 1
PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
STRIKES = 2
"""Pings too many that gRPC forgives before it cuts a connection off."""


@contextmanager
def connection(address: str) -> Iterator[socket.socket]:
    host, _, port = address.rpartition(":")
    with socket.create_connection((host, int(port)), timeout=20) as connected:
        connected.sendall(PREFACE + FRAME.pack(SETTINGS, 0, 0))
        yield connected


def frames(connected: socket.socket) -> Iterator[tuple[int, int, bytes]]:
    """Yield the type, flags and payload of what the server sends, until it closes the connection."""
    stream = connected.makefile("rb")
    while len(head := stream.read(FRAME.size)) == FRAME.size:
        word, flags, _ = FRAME.unpack(head)
        yield word & 0xFF, flags, stream.read(word >> 8)


def answers_to_pings(connected: socket.socket, count: int, interval_seconds: float) -> list[int]:
    """Ping again and again; return which of PING and GOAWAY came back for each, up to the first GOAWAY."""
    answers: list[int] = []
    received = frames(connected)
    for number in range(count):
        connected.sendall(FRAME.pack(8 << 8 | PING, 0, 0) + number.to_bytes(8, "big"))
        answers.append(next((kind for kind, flags, _ in received if kind == GOAWAY or (kind, flags) == (PING, ACK)), 0))
        if answers[-1] != PING:
            break
        time.sleep(interval_seconds)
    return answers


def test_a_client_that_pings_as_often_as_it_may_stays_connected(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without any call open."""
    monkeypatch.setattr(listener, "MIN_PING_INTERVAL_MILLISECONDS", 200)
    with running_service(tmp_path) as service, connection(service.address) as connected:
        assert answers_to_pings(connected, 3 * STRIKES, 0.25) == [PING] * (3 * STRIKES)


def test_a_client_that_pings_more_often_is_cut_off(tmp_path: Path) -> None:
    with running_service(tmp_path) as service, connection(service.address) as connected:
        assert GOAWAY in answers_to_pings(connected, 3 * STRIKES, 0)


def test_clients_may_ping_every_ten_seconds() -> None:
    """As gRPC's own guide for keepalive has it, with room for jitter."""
    assert listener.MIN_PING_INTERVAL_MILLISECONDS <= 10_000 / 2


def test_the_server_pings_a_silent_connection(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """So that it finds those that are dead."""
    monkeypatch.setattr(listener, "KEEPALIVE_SECONDS", 1)
    with running_service(tmp_path) as service, connection(service.address) as connected:
        assert any((kind, flags) == (PING, 0) for kind, flags, _ in frames(connected))
