"""Keepalive: what the server's options do, seen on a raw HTTP/2 connection on which no call is ever made."""

import time
from pathlib import Path

import pytest

from creditd.server import listener
from tests.support.raw_http2 import ACK, GOAWAY, PING, RawConnection
from tests.support.service import running_service

STRIKES = 2
"""Pings too many that gRPC forgives before it cuts a connection off."""


def answers_to_pings(connected: RawConnection, count: int, interval_seconds: float) -> list[int]:
    """Ping again and again; return which of PING and GOAWAY came back for each, up to the first GOAWAY."""
    answers: list[int] = []
    received = connected.frames()
    for number in range(count):
        connected.send(PING, 0, 0, number.to_bytes(8, "big"))
        answers.append(
            next((one.kind for one in received if one.kind == GOAWAY or (one.kind, one.flags) == (PING, ACK)), 0)
        )
        if answers[-1] != PING:
            break
        time.sleep(interval_seconds)
    return answers


def test_a_client_that_pings_as_often_as_it_may_stays_connected(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without any call open."""
    monkeypatch.setattr(listener, "MIN_PING_INTERVAL_MILLISECONDS", 200)
    with running_service(tmp_path) as service, RawConnection(service.address) as connected:
        assert answers_to_pings(connected, 3 * STRIKES, 0.25) == [PING] * (3 * STRIKES)


def test_a_client_that_pings_more_often_is_cut_off(tmp_path: Path) -> None:
    with running_service(tmp_path) as service, RawConnection(service.address) as connected:
        assert GOAWAY in answers_to_pings(connected, 3 * STRIKES, 0)


def test_clients_may_ping_every_ten_seconds() -> None:
    """As gRPC's own guide for keepalive has it, with room for jitter."""
    assert listener.MIN_PING_INTERVAL_MILLISECONDS <= 10_000 / 2


def test_the_server_pings_a_silent_connection(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """So that it finds those that are dead."""
    monkeypatch.setattr(listener, "KEEPALIVE_SECONDS", 1)
    with running_service(tmp_path) as service, RawConnection(service.address) as connected:
        assert any((one.kind, one.flags) == (PING, 0) for one in connected.frames())
