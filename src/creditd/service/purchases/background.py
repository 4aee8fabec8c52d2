"""Work that goes on beside the calls, on the event loop of the process."""

import asyncio
import contextlib
import logging
from collections.abc import Awaitable, Callable

from creditd.ledger.work import DatabaseUnavailable, Overloaded, ShuttingDown, VersionConflict
from creditd.payments.provider import ProviderUnavailable

log = logging.getLogger(__name__)

PASSING = (ProviderUnavailable, DatabaseUnavailable, VersionConflict, Overloaded, ShuttingDown)
"""What another try may get past: others are at the same rows, or a database or provider is away."""


class Background:
    """Work done in rounds, until it is closed. A round that fails is told of once, and the next one tries again."""

    def __init__(self, work: Callable[[], Awaitable[object]], interval_seconds: float, name: str) -> None:
        """Do a round of ``work`` at once when started, then one every ``interval_seconds``."""
        self._work = work
        self._interval_seconds = interval_seconds
        self._name = name
        self._woken = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Begin, on the running event loop."""
        self._task = asyncio.create_task(self._run(), name=self._name)

    def wake(self) -> None:
        """Have the next round begin at once."""
        self._woken.set()

    async def close(self) -> None:
        """Stop it where it stands."""
        if self._task:
            self._task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._task

    async def _run(self) -> None:
        failed_with: type[Exception] | None = None
        while True:
            try:
                await self._work()
                failed_with = None
            except Exception as error:
                # Told of each time, a database that is away for an hour would fill the log.
                if type(error) is not failed_with:
                    log.warning("%s failed", self._name, exc_info=None if isinstance(error, PASSING) else error)
                failed_with = type(error)
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._woken.wait(), self._interval_seconds)
            self._woken.clear()
