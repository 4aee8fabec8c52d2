"""The adapter's HTTP server, which waits for nobody for ever."""

import asyncio
import socket
import ssl
from contextlib import AbstractAsyncContextManager
from functools import partial
from typing import Any

from uvicorn.protocols.http.h11_impl import H11Protocol, RequestResponseCycle

from creditd.asgi import asgi_serving
from creditd.front.http_server import HttpBounds, http_config
from creditd.webhooks import limits
from creditd.webhooks.places import Places


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


def http_serving(
    app: Any, listener: socket.socket, context: ssl.SSLContext | None = None
) -> AbstractAsyncContextManager[None]:
    """Serve an ASGI application on a socket that listens already, while the block lasts; with a context over TLS.

    When the block ends, no more connections are taken; what is under way ends within limits.GRACE_SECONDS.
    """
    bounds = HttpBounds(limits.IDLE_SECONDS, limits.GRACE_SECONDS, limits.MAX_HEADERS_BYTES)
    places = Places(limits.MAX_WAITING, limits.MAX_WAITING_EACH)
    return asgi_serving(http_config(app, bounds, context, partial(_Connection, places=places)), listener)
