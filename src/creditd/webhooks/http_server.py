"""The adapter's HTTP server, which waits for nobody for ever."""

import asyncio
import socket
import ssl
from contextlib import AbstractAsyncContextManager
from functools import partial
from typing import Any

import uvicorn
from uvicorn.protocols.http.h11_impl import H11Protocol, RequestResponseCycle

from creditd import asgi
from creditd.addresses import Listener, PlaintextExposed, require_encrypted
from creditd.certificates import InvalidCertificate, Renewals, server_context
from creditd.webhooks import limits
from creditd.webhooks.places import Places
from creditd.webhooks.settings import InvalidSetting, WebhooksSettings


class _Connection(H11Protocol):
    """A connection that is closed if the head of its next request does not arrive in time, or while others need room.

    uvicorn waits for it without end once a single byte has come, and for the rest of a body that was turned away.
    """

    _head_timer: asyncio.TimerHandle | None = None

    def __init__(self, *arguments: Any, places: Places, **named: Any) -> None:
        super().__init__(*arguments, **named)
        self._places = places

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self._wait_for_a_head()

    def connection_lost(self, exc: Exception | None) -> None:
        super().connection_lost(exc)
        self._places.leave(self)
        if self._head_timer:
            self._head_timer.cancel()

    def handle_events(self) -> None:
        super().handle_events()
        if self._is_busy():
            # Who has a request under way waits for us, not we for them.
            self._places.leave(self)

    def on_response_complete(self) -> None:
        # First, as another request may wait in the buffer and be answered before this returns.
        self._wait_for_a_head()
        super().on_response_complete()

    def _wait_for_a_head(self) -> None:
        if self._head_timer:
            self._head_timer.cancel()
        self._head_timer = self.loop.call_later(limits.HEAD_SECONDS, self._close_idle)
        self._places.leave(self)
        # The peer itself, not what a proxy says of it: a header is not there yet.
        self._places.take(self, self.client[0] if self.client else "", self._close_idle)

    def _close_idle(self) -> None:
        if not self._is_busy():
            self.transport.abort()

    def _is_busy(self) -> bool:
        cycle: RequestResponseCycle | None = self.cycle
        return cycle is not None and not cycle.response_complete


def listening(address: str) -> socket.socket:
    """Listen on ``host:port``, a free port for 0. Raises InvalidSetting if it cannot be had."""
    try:
        return asgi.listening(address)
    except OSError as error:
        raise InvalidSetting(
            f"cannot listen on {address}: {error.strerror}; is another server running there?"
        ) from error


def encryption(settings: WebhooksSettings) -> tuple[ssl.SSLContext, Renewals] | None:
    """Return what HTTPS is served with, and what follows its files; None where plaintext is served.

    Raises InvalidSetting.
    """
    certificate = "CREDITD_WEBHOOKS_LISTEN_TLS_CERTIFICATE_FILE", settings.listen_tls_certificate_file
    try:
        require_encrypted(
            Listener.WEBHOOKS,
            settings.listen,
            has_tls=bool(certificate[1]),
            plaintext_listeners=settings.plaintext_listeners,
        )
        if not certificate[1]:
            return None
        return server_context(certificate, ("CREDITD_WEBHOOKS_LISTEN_TLS_KEY_FILE", settings.listen_tls_key_file))
    except (PlaintextExposed, InvalidCertificate) as error:
        raise InvalidSetting(str(error)) from error


def http_serving(
    app: Any, listener: socket.socket, context: ssl.SSLContext | None = None
) -> AbstractAsyncContextManager[None]:
    """Serve an ASGI application on a socket that listens already, while the block lasts; with a context over TLS.

    When the block ends, no more connections are taken; what is under way ends within limits.GRACE_SECONDS.
    """
    config = uvicorn.Config(
        app,
        http=partial(_Connection, places=Places(limits.MAX_WAITING, limits.MAX_WAITING_EACH)),  # type: ignore[arg-type]
        ws="none",
        lifespan="off",
        log_config=None,
        log_level="warning",
        access_log=False,
        server_header=False,
        timeout_keep_alive=limits.IDLE_SECONDS,
        timeout_graceful_shutdown=limits.GRACE_SECONDS,
        h11_max_incomplete_event_size=limits.MAX_HEADERS_BYTES,
    )
    if context:
        # It would make one of its own, from files, that follows no renewal.
        config.load()
        config.ssl = context
    return asgi.asgi_serving(config, listener)
