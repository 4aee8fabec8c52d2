"""The adapter for a test, over real sockets, with a service behind it that answers as it is told."""

import socket
from collections.abc import Callable, Iterator
from contextlib import AsyncExitStack, contextmanager
from dataclasses import dataclass
from typing import Any

import httpx

from creditd.webhooks.adapter import webhooks_serving
from creditd.webhooks.settings import WebhooksSettings
from tests.support.event_loop import Run, event_loop
from tests.support.patience import patience
from tests.support.told_service import ToldService

SECONDS = patience(30.0)
"""Far more than anything here takes, so that a loaded machine fails no test."""


@dataclass(frozen=True)
class Adapter:
    """An adapter that runs. ``run`` runs something on the event loop of both."""

    service: ToldService
    port: int
    http: httpx.Client
    run: Run

    def post(self, path: str = "/webhooks/stripe", content: Any = b"{}", **request: Any) -> httpx.Response:
        """Send a webhook."""
        return self.http.post(path, content=content, **request)

    def hold(self) -> None:
        """Have the service keep its callers waiting."""
        self.run(self.service.hold())

    def release(self) -> None:
        """Have the service answer them."""
        self.run(self.service.release())

    @contextmanager
    def connection(self, sent: bytes) -> Iterator[socket.socket]:
        """Connect, and send some bytes."""
        with socket.create_connection(("127.0.0.1", self.port), SECONDS) as sender:
            sender.sendall(sent)
            yield sender

    def talk(self, sent: bytes) -> bytes:
        """Send bytes, and return all that comes until the connection ends."""
        with self.connection(sent) as sender:
            return everything(sender)


def everything(sender: socket.socket) -> bytes:
    """Return what comes until the other side ends the connection, in order or not."""
    received = b""
    try:
        while chunk := sender.recv(65_536):
            received += chunk
    except ConnectionResetError:
        pass
    return received


@contextmanager
def told_service(run: Run) -> Iterator[ToldService]:
    """Run a service on an event loop."""
    service = ToldService()
    run(service.start())
    try:
        yield service
    finally:
        run(service.stop())


@contextmanager
def running_adapter(
    token: Callable[[], str] = lambda: "a-token",
    settings: WebhooksSettings | None = None,
    *,
    address_calls_per_minute: int = 0,
) -> Iterator[Adapter]:
    """Run both on one event loop, the adapter with these settings if they are given."""
    with event_loop() as run, told_service(run) as service:
        settings = settings or WebhooksSettings(
            "127.0.0.1:0", service.address, address_calls_per_minute=address_calls_per_minute
        )
        stack = AsyncExitStack()
        port = run(stack.enter_async_context(webhooks_serving(settings, token)))
        base_url = f"http://127.0.0.1:{port}"
        try:
            with httpx.Client(base_url=base_url, timeout=SECONDS, trust_env=False) as http:
                yield Adapter(service, port, http, run)
        finally:
            run(service.release())
            run(stack.aclose())
