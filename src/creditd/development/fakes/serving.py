"""An HTTP server on the event loop that runs already, while a block does."""

import asyncio
import socket
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from typing import Any, Final

import uvicorn

_GRACE_SECONDS: Final = 1
"""A fake that was told to be slow is not waited for."""


class _Server(uvicorn.Server):
    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        # Signals belong to whoever runs the event loop.
        yield


def listening(address: str) -> tuple[socket.socket, str]:
    """Listen on ``host:port``, a free port for 0. Return the socket and its URL. Raises OSError."""
    host, _, port = address.rpartition(":")
    host = host.strip("[]")
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.create_server((host, int(port)), family=family)
    bound = listener.getsockname()[1]
    return listener, f"http://[{host}]:{bound}" if ":" in host else f"http://{host}:{bound}"


@asynccontextmanager
async def http_serving(app: Any, listener: socket.socket) -> AsyncIterator[None]:
    """Serve an ASGI application on a socket that listens already, and close both when the block ends."""
    config = uvicorn.Config(
        app,
        log_config=None,
        access_log=False,
        lifespan="off",
        ws="none",
        timeout_graceful_shutdown=_GRACE_SECONDS,
    )
    server = _Server(config)
    task = asyncio.create_task(server.serve(sockets=[listener]))
    try:
        yield
    finally:
        # It takes connections from the moment that the socket listens, so that nobody waits for its start.
        server.should_exit = True
        await task
