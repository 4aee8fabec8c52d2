"""Progress, sampled: an executor that tells of each step is read at a pace, and only the newest is passed on."""

import asyncio
from collections.abc import Callable
from typing import Final

from creditd.domain.workflows.execution import Progress

INTERVAL_SECONDS: Final = 0.5
"""Between two that are passed on: people read no faster, and each may be written to a database."""

MOST_PER_INTERVAL: Final = 50
"""Messages that are read of one execution in that time. Further ones wait with the executor, by the flow control of
HTTP/2: reading is work on the event loop, which all calls share."""


class ProgressSampler:
    """Passes the first progress on at once, then the newest of each interval. Used on the event loop."""

    def __init__(self, tell: Callable[[Progress], None]) -> None:
        """Pass on by ``tell``, which does not wait."""
        self._tell = tell
        self._loop = asyncio.get_running_loop()
        self._begin = -INTERVAL_SECONDS
        self._seen = 0
        self._newest: Progress | None = None
        self._timer: asyncio.TimerHandle | None = None

    async def take(self, progress: Progress) -> None:
        """Take one in. Waits if too many came."""
        now = self._loop.time()
        if now - self._begin >= INTERVAL_SECONDS:
            self._begin, self._seen = now, 0
            self._newest = progress
            self.flush()
        else:
            self._newest = progress
            self._timer = self._timer or self._loop.call_at(self._begin + INTERVAL_SECONDS, self.flush)
        self._seen += 1
        if self._seen >= MOST_PER_INTERVAL:
            await asyncio.sleep(self._begin + INTERVAL_SECONDS - now)

    def flush(self) -> None:
        """Pass on what has not been."""
        self.drop_timer()
        newest, self._newest = self._newest, None
        if newest is not None:
            self._tell(newest)

    def drop_timer(self) -> None:
        """Pass nothing on by itself any more."""
        if self._timer:
            self._timer.cancel()
        self._timer = None
