"""Serves metrics over HTTP or HTTPS, a few requests at a time, each for a limited time, to whoever shows the token."""

import hmac
import socket
import ssl
import time
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from socketserver import ThreadingMixIn
from threading import Lock, Thread
from typing import Any, Final
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer

from prometheus_client import CollectorRegistry, make_wsgi_app

Application = Callable[[dict[str, Any], Callable[..., Any]], Iterable[bytes]]

Document = Callable[[], bytes | None]
"""Returns JSON that everybody may read; None as long as there is none."""

NO_DOCUMENTS: Final[Mapping[str, Document]] = {}

DOCUMENT_SECONDS: Final = 300
"""How long others may keep a document: half as long as a new key is published before it signs."""

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

    def __init__(self, family: socket.AddressFamily, address: tuple[str, int], context: ssl.SSLContext | None) -> None:
        self.address_family = family
        self._context = context
        self._lock = Lock()
        # When each connection came, the earliest first.
        self._since: dict[socket.socket, float] = {}
        super().__init__(address, _Handler)

    def get_request(self) -> tuple[Any, Any]:
        request, client_address = super().get_request()
        if self._context is None:
            return request, client_address
        # The handshake waits for the client, and so has its turn on the request's own thread.
        return self._context.wrap_socket(request, server_side=True, do_handshake_on_connect=False), client_address

    def finish_request(self, request: Any, client_address: Any) -> None:
        if isinstance(request, ssl.SSLSocket):
            request.settimeout(ANSWER_SECONDS)
            request.do_handshake()
        super().finish_request(request, client_address)

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
            # Not that of TLS, which would take from the thread what it reads with.
            socket.socket.shutdown(request, socket.SHUT_RDWR)


class MetricsServer:
    """Answers GET /metrics until it is closed."""

    def __init__(
        self,
        host: str,
        port: int,
        registry: CollectorRegistry,
        *,
        token: str = "",
        context: ssl.SSLContext | None = None,
        documents: Mapping[str, Document] = NO_DOCUMENTS,
    ) -> None:
        """Listen on an address, and answer on threads of its own whoever shows the ``token``; empty: everybody.

        With a ``context`` it speaks TLS. ``documents``, by path, are everybody's. Raises OSError if the port is taken.
        """
        family, _, _, _, address = socket.getaddrinfo(
            host or None, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
        self._server = _Server(family, (str(address[0]), int(address[1])), context)
        application: Application = make_wsgi_app(registry)
        self._server.set_app(with_documents(guarded(application, token) if token else application, documents))
        self._thread = Thread(target=self._server.serve_forever, args=(LOOK_SECONDS,), name="metrics", daemon=True)
        self._thread.start()
        self.port: int = self._server.server_port

    def close(self) -> None:
        """Stop answering."""
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


def guarded(application: Application, token: str) -> Application:
    """Return an application that answers 401, and nothing else, to whoever does not show the bearer token."""
    wanted = f"Bearer {token}".encode()

    def answer(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        shown = environ.get("HTTP_AUTHORIZATION", "").encode("latin-1", "replace")
        # In a time that does not tell how much of it is right.
        if hmac.compare_digest(shown, wanted):
            return application(environ, start_response)
        start_response("401 Unauthorized", [("WWW-Authenticate", "Bearer"), ("Content-Type", "text/plain")])
        return [b""]

    return answer


def with_documents(application: Application, documents: Mapping[str, Document]) -> Application:
    """Return an application that answers the paths of documents by itself, with 503 for one that is not there yet."""

    def answer(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        document = documents.get(environ.get("PATH_INFO", ""))
        if document is None or environ.get("REQUEST_METHOD") != "GET":
            return application(environ, start_response)
        body = document()
        if body is None:
            start_response("503 Service Unavailable", [("Content-Type", "text/plain"), ("Retry-After", "1")])
            return [b""]
        headers = [("Content-Type", "application/json"), ("Cache-Control", f"public, max-age={DOCUMENT_SECONDS}")]
        start_response("200 OK", [*headers, ("Content-Length", str(len(body)))])
        return [body]

    return answer


def start_metrics_server(
    host: str,
    port: int,
    registry: CollectorRegistry,
    *,
    worker_index: int = 0,
    token: str = "",
    context: ssl.SSLContext | None = None,
    documents: Mapping[str, Document] = NO_DOCUMENTS,
) -> MetricsServer:
    """Serve a worker's metrics at ``port + worker_index``; any free port if ``port`` is 0. The rest is as above.

    Raises OSError if the port is taken.
    """
    return MetricsServer(
        host, port + worker_index if port else 0, registry, token=token, context=context, documents=documents
    )
