"""A receiver of events: an HTTP server on this machine that notes what it is sent, and answers as it is told."""

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Final, NamedTuple

from standardwebhooks import Webhook

HANGING_SECONDS: Final = 600.0
"""How long a receiver says nothing that hangs, unless it is let go."""


class Received(NamedTuple):
    """A request, and its body."""

    headers: dict[str, str]
    body: bytes

    @property
    def document(self) -> dict[str, Any]:
        """The body as JSON."""
        document: dict[str, Any] = json.loads(self.body)
        return document

    @property
    def event_id(self) -> str:
        """The id of the message."""
        return self.headers["webhook-id"]

    def verify(self, secret: str) -> dict[str, Any]:
        """Return the body of what verifies with a secret and was sent just now, as the library of receivers does it."""
        document: dict[str, Any] = Webhook(secret).verify(self.body, self.headers)
        return document

    def is_signed_with(self, secret: str) -> bool:
        """Tell whether it is signed with a secret, whenever it was sent: the service's clock may be ahead."""
        time = datetime.fromtimestamp(int(self.headers["webhook-timestamp"]), UTC)
        right = Webhook(secret).sign(self.event_id, time, self.body.decode())
        return right in self.headers["webhook-signature"].split(" ")


class Receiver:
    """What was received, in order, and how to answer: by a status, with a body that may have no end."""

    def __init__(self) -> None:
        """Take everything."""
        self.received: list[Received] = []
        self.answer: Callable[[Received], int] = lambda _: 200
        self.location = ""
        self.is_endless = False
        self.let_go = threading.Event()
        self.url = ""

    @property
    def taken(self) -> list[dict[str, Any]]:
        """The events that were taken, in order."""
        return [one.document for one in self.received if self.answer(one) == 200]

    def hang(self, _: Received) -> int:
        """Say nothing until it is let go."""
        self.let_go.wait(HANGING_SECONDS)
        return 200


def _handler_of(own: Receiver) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            length = int(self.headers["content-length"])
            body = self.rfile.read(length)
            if len(body) < length:
                # Whoever was sending it has died: nothing was received.
                self.close_connection = True
                return
            one = Received({name.lower(): value for name, value in self.headers.items()}, body)
            own.received.append(one)
            # Who has hung up is not there to be answered.
            with suppress(OSError):
                self._answer(own.answer(one))

        def _answer(self, status: int) -> None:
            self.send_response(status)
            if own.location:
                self.send_header("location", own.location)
            if not own.is_endless:
                self.send_header("content-length", "0")
            self.end_headers()
            while own.is_endless and not own.let_go.wait(0.001):
                self.wfile.write(b"x" * 4_096)

        def log_message(self, *_: object) -> None:
            pass

    return Handler


@contextmanager
def receiver() -> Iterator[Receiver]:
    """Run a receiver until the block ends."""
    own = Receiver()
    server = ThreadingHTTPServer(("127.0.0.1", 0), _handler_of(own))
    server.daemon_threads = True
    server.block_on_close = False
    own.url = f"http://127.0.0.1:{server.server_port}/events"
    thread = threading.Thread(target=lambda: server.serve_forever(0.05), daemon=True)
    thread.start()
    try:
        yield own
    finally:
        own.let_go.set()
        server.shutdown()
        server.server_close()
