"""Background work on the event loop of the process."""

import asyncio
import contextlib
from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable, Sequence
from typing import Final, Generic, TypeVar

from creditd.ledger.work import DatabaseUnavailable, Overloaded, ShuttingDown, VersionConflict
from creditd.payments.provider import CallFailed
from creditd.telemetry.failures import Failures

PASSING: Final = (CallFailed, DatabaseUnavailable, VersionConflict, Overloaded, ShuttingDown)
"""Failures that another try may get past: locked rows, or a database or provider that cannot be reached."""


Item = TypeVar("Item")


class Background:
    """Work done in rounds until it is closed. A round that fails is recorded, and the next one tries again."""

    def __init__(self, work: Callable[[], Awaitable[object]], interval_seconds: float, name: str) -> None:
        """Run ``work`` once when started, then every ``interval_seconds``."""
        self.name = name
        self.failures = Failures(name, lambda error: isinstance(error, PASSING))
        self._work = work
        self._interval_seconds = interval_seconds
        self._woken = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Start, on the running event loop."""
        self._task = asyncio.create_task(self._run(), name=self.name)

    def wake(self) -> None:
        """Start the next round at once."""
        self._woken.set()

    async def close(self) -> None:
        """Stop, cancelling the round under way."""
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


class Worker(ABC, Generic[Item]):
    """Processes due items, a few at a time, in the ``background``. Any number of processes may run one each.

    What is claimed is put off in the database before it is tried, so that whoever dies loses it to the others.
    """

    def __init__(self, interval_seconds: float, name: str, *, at_once: bool) -> None:
        """Look for due items every ``interval_seconds``; try those of a round ``at_once`` or one by one."""
        self._at_once = at_once
        self.background = Background(self.work, interval_seconds, name)

    @abstractmethod
    async def _claim(self) -> Sequence[Item]:
        """Claim a few due items."""

    @abstractmethod
    async def _attempt(self, item: Item, /) -> None:
        """Try one item."""

    async def work(self) -> None:
        """Try all due items."""
        while await self.work_once():
            pass

    async def work_once(self) -> int:
        """Try a few due items; return how many."""
        items = await self._claim()
        if not self._at_once:
            for item in items:
                await self._attempt(item)
            return len(items)
        # A failure does not stop the others: a round ends when all of its items have.
        results = await asyncio.gather(*map(self._attempt, items), return_exceptions=True)
        for result in results:
            if isinstance(result, BaseException):
                raise result
        return len(items)
