"""An HTTP server on an event loop that runs already."""

import asyncio
import socket
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager

import uvicorn


class _Server(uvicorn.Server):
    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        # Signals belong to whoever runs the event loop.
        yield


def listening(address: str) -> socket.socket:
    """Return a socket that listens on ``host:port``, a free port for 0. Raises OSError."""
    host, _, port = address.rpartition(":")
    host = host.strip("[]")
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    return socket.create_server((host, int(port)), family=family)


@asynccontextmanager
async def asgi_serving(config: uvicorn.Config, listener: socket.socket) -> AsyncIterator[None]:
    """Serve what ``config`` says on a socket that listens already, and close both when the block ends.

    When the block ends, no more connections are taken; what is under way has ``timeout_graceful_shutdown`` to end.
    """
    server = _Server(config)
    task = asyncio.create_task(server.serve(sockets=[listener]))
    try:
        yield
    finally:
        # Connections wait at the socket from the moment that it listens, so that nobody waits for a start.
        server.should_exit = True
        await task
