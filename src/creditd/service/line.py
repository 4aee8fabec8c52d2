"""A line of callers for long work: a few run at a time, the others wait in order of arrival."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from creditd.ledger.work import Overloaded


class Line:
    """Admits ``at_once`` callers, and lets up to ``waiting`` others wait in line. Used on one event loop."""

    def __init__(self, at_once: int, waiting: int) -> None:
        """Start with an empty line."""
        self._places = asyncio.Semaphore(at_once)
        self._most = waiting
        self.waiting = 0

    @asynccontextmanager
    async def place(self) -> AsyncIterator[None]:
        """Wait for a place and keep it until the block ends. A caller that disconnects while waiting leaves the line.

        Raises Overloaded if the line is full.
        """
        if self.waiting >= self._most:
            raise Overloaded
        self.waiting += 1
        try:
            await self._places.acquire()
        finally:
            self.waiting -= 1
        try:
            yield
        finally:
            self._places.release()
