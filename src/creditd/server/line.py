"""A line of callers for long work: a few at a time, the others in the order in which they came."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from creditd.ledger.work import Overloaded, ShuttingDown


class Line:
    """Lets ``at_once`` callers in, and keeps up to ``waiting`` others in line. Used on one event loop."""

    def __init__(self, at_once: int, waiting: int) -> None:
        """Begin with nobody in line."""
        self._places = asyncio.Semaphore(at_once)
        self._most = waiting
        self._closed = False
        self.waiting = 0

    @asynccontextmanager
    async def place(self) -> AsyncIterator[None]:
        """Wait for a place and keep it until the block ends. Who goes away while waiting leaves the line.

        Raises Overloaded if the line is full, ShuttingDown once closed.
        """
        if self.waiting >= self._most:
            raise Overloaded
        self.waiting += 1
        try:
            await self._places.acquire()
        finally:
            self.waiting -= 1
        try:
            self.require_open()
            yield
        finally:
            self._places.release()

    def require_open(self) -> None:
        """Raise ShuttingDown once closed: whoever has a place asks between two steps."""
        if self._closed:
            raise ShuttingDown

    def close(self) -> None:
        """Let nobody in any more."""
        self._closed = True
