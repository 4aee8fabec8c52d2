"""Serves metrics over HTTP, a few requests at a time, each for a limited time."""

import socket
import time
from contextlib import suppress
from socketserver import ThreadingMixIn
from threading import Lock, Thread
from typing import Any, Final
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer

from prometheus_client import CollectorRegistry, make_wsgi_app

MAX_ANSWERS_AT_ONCE: Final = 8
"""Requests under way, each with a thread. A scraper sends its request in one go and is through in milliseconds; a
newcomer takes the place of the one that has been there longest, so that those who send nothing keep nobody out."""

ANSWER_SECONDS: Final = 10.0
"""From connecting to the end of the answer; Prometheus gives up after as long (`scrape_timeout`)."""

LOOK_SECONDS: Final = 0.5
"""Between two looks for connections that are there for too long."""


class _Handler(WSGIRequestHandler):
    timeout = ANSWER_SECONDS

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the name that it has in the base class.
        del format, args


class _Server(ThreadingMixIn, WSGIServer):
    daemon_threads = True
    block_on_close = False
    # The base class has 5: a crowd would have everybody else connect again after a second, or three, or seven.
    request_queue_size = 128

    def __init__(self, family: socket.AddressFamily, address: tuple[str, int]) -> None:
        self.address_family = family
        self._lock = Lock()
        # When each connection came, the earliest first.
        self._since: dict[socket.socket, float] = {}
        super().__init__(address, _Handler)

    def handle_error(self, request: Any, client_address: Any) -> None:
        # A connection that was cut, by them or by us: nothing that anybody could mend.
        del request, client_address

    def process_request(self, request: Any, client_address: Any) -> None:
        with self._lock:
            if len(self._since) >= MAX_ANSWERS_AT_ONCE:
                self._cut(next(iter(self._since)))
            self._since[request] = time.monotonic()
        super().process_request(request, client_address)

    def shutdown_request(self, request: Any) -> None:
        with self._lock:
            self._since.pop(request, None)
        super().shutdown_request(request)

    def service_actions(self) -> None:
        with self._lock:
            late = time.monotonic() - ANSWER_SECONDS
            for request in [request for request, since in self._since.items() if since < late]:
                self._cut(request)

    def _cut(self, request: socket.socket) -> None:
        # Its thread reads the end of the stream, and closes the socket itself.
        del self._since[request]
        with suppress(OSError):
            request.shutdown(socket.SHUT_RDWR)


class MetricsServer:
    """Answers GET /metrics until it is closed."""

    def __init__(self, host: str, port: int, registry: CollectorRegistry) -> None:
        """Listen on an address, and answer on threads of its own. Raises OSError if the port is taken."""
        family, _, _, _, address = socket.getaddrinfo(
            host or None, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
        self._server = _Server(family, (str(address[0]), int(address[1])))
        self._server.set_app(make_wsgi_app(registry))
        self._thread = Thread(target=self._server.serve_forever, args=(LOOK_SECONDS,), name="metrics", daemon=True)
        self._thread.start()
        self.port: int = self._server.server_port

    def close(self) -> None:
        """Stop answering."""
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


def start_metrics_server(host: str, port: int, registry: CollectorRegistry, *, worker_index: int = 0) -> MetricsServer:
    """Serve a worker's metrics over HTTP at ``port + worker_index``; any free port if ``port`` is 0.

    Raises OSError if the port is taken.
    """
    return MetricsServer(host, port + worker_index if port else 0, registry)
