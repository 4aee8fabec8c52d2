"""A receiver of events: an HTTP server on this machine that notes what it is sent, and answers as it is told."""

import base64
import hmac
import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Final, NamedTuple

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

    def is_signed_with(self, secret: str) -> bool:
        """Tell whether it verifies with a secret, as a receiver would do it."""
        key = base64.b64decode(secret.removeprefix("whsec_"))
        signed = f"{self.headers['webhook-id']}.{self.headers['webhook-timestamp']}.".encode() + self.body
        right = "v1," + base64.b64encode(hmac.digest(key, signed, "sha256")).decode()
        return right in self.headers["webhook-signature"].split(" ")


class Receiver:
    """What was received, in order, and how to answer."""

    def __init__(self) -> None:
        """Take everything."""
        self.received: list[Received] = []
        self.answer: Callable[[Received], int] = lambda _: 200
        self.location = ""
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


@contextmanager
def receiver() -> Iterator[Receiver]:
    """Run a receiver until the block ends."""
    own = Receiver()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            one = Received({name.lower(): value for name, value in self.headers.items()}, body)
            own.received.append(one)
            status = own.answer(one)
            self.send_response(status)
            if own.location:
                self.send_header("location", own.location)
            self.send_header("content-length", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    own.url = f"http://127.0.0.1:{server.server_port}/events"
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield own
    finally:
        own.let_go.set()
        server.shutdown()
        server.server_close()
