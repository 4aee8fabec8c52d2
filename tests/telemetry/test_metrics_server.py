"""The listener for scrapers: those who send nothing keep nobody out, and do not stay."""

import socket
import threading
import urllib.request
from collections.abc import Iterator

import pytest
from prometheus_client import CollectorRegistry

from creditd.telemetry import metrics_server
from creditd.telemetry.metrics_server import MAX_ANSWERS_AT_ONCE, MetricsServer
from tests.support.patience import eventually, patience

SECONDS = patience(20)
LONG_SECONDS = 10 * SECONDS


@pytest.fixture
def server() -> Iterator[MetricsServer]:
    """Run a listener on a port of its own."""
    server = MetricsServer("127.0.0.1", 0, CollectorRegistry())
    yield server
    server.close()


def connected(server: MetricsServer) -> socket.socket:
    return socket.create_connection(("127.0.0.1", server.port), SECONDS)


def scraped(server: MetricsServer) -> int:
    with urllib.request.urlopen(f"http://127.0.0.1:{server.port}/metrics", timeout=SECONDS) as answer:
        return int(answer.status)


@pytest.mark.parametrize("said", [b"", b"GET /met", b"GET /metrics HTTP/1.1\r\nx: "])
def test_half_requests_take_few_threads_and_keep_nobody_out(
    server: MetricsServer, said: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Nobody is cut for the time that it takes.
    monkeypatch.setattr(metrics_server, "ANSWER_SECONDS", LONG_SECONDS)
    monkeypatch.setattr(metrics_server._Handler, "timeout", LONG_SECONDS)
    before = threading.active_count()
    crowd = [connected(server) for _ in range(MAX_ANSWERS_AT_ONCE * 10)]
    for one in crowd:
        one.sendall(said)
    assert scraped(server) == 200
    # Whoever came first has been cut, and has its thread no more.
    assert crowd[0].recv(1) == b""
    eventually(lambda: threading.active_count() - before <= MAX_ANSWERS_AT_ONCE, SECONDS)
    for one in crowd:
        one.close()


def test_whoever_says_nothing_is_cut_in_time(server: MetricsServer, monkeypatch: pytest.MonkeyPatch) -> None:
    with connected(server) as silent:
        monkeypatch.setattr(metrics_server, "ANSWER_SECONDS", 0.0)
        assert silent.recv(1) == b""


def test_a_taken_port_is_said(server: MetricsServer) -> None:
    with pytest.raises(OSError, match="in use"):
        MetricsServer("127.0.0.1", server.port, CollectorRegistry())
