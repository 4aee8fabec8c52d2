"""Work that goes on beside the calls, on the event loop of the process."""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable
from typing import Final

from creditd.ledger.work import DatabaseUnavailable, Overloaded, ShuttingDown, VersionConflict
from creditd.payments.provider import CallFailed
from creditd.telemetry.failures import Failures

PASSING: Final = (CallFailed, DatabaseUnavailable, VersionConflict, Overloaded, ShuttingDown)
"""What another try may get past: others are at the same rows, or a database or provider is away."""


class Background:
    """Work done in rounds, until it is closed. A round that fails is noted, and the next one tries again."""

    def __init__(self, work: Callable[[], Awaitable[object]], interval_seconds: float, name: str) -> None:
        """Do a round of ``work`` at once when started, then one every ``interval_seconds``."""
        self.name = name
        self.failures = Failures(name, lambda error: isinstance(error, PASSING))
        self._work = work
        self._interval_seconds = interval_seconds
        self._woken = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Begin, on the running event loop."""
        self._task = asyncio.create_task(self._run(), name=self.name)

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
        while True:
            try:
                await self._work()
            except Exception as error:  # noqa: BLE001 - the rounds must outlive any failure; each is logged and counted.
                self.failures.note(error)
            else:
                self.failures.over()
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._woken.wait(), self._interval_seconds)
            self._woken.clear()
