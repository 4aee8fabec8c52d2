"""Work that goes on beside the calls, on the event loop of the process."""

import asyncio
import contextlib
from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable, Sequence
from typing import Final, Generic, TypeVar

from creditd.ledger.work import DatabaseUnavailable, Overloaded, ShuttingDown, VersionConflict
from creditd.payments.provider import CallFailed
from creditd.telemetry.failures import Failures

PASSING: Final = (CallFailed, DatabaseUnavailable, VersionConflict, Overloaded, ShuttingDown)
"""What another try may get past: others are at the same rows, or a database or provider is away."""


Item = TypeVar("Item")


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


class Worker(ABC, Generic[Item]):
    """Works off what is due, a few items at a time, in the ``background``. Any number of processes may run one each.

    What is claimed is put off in the database before it is tried, so that whoever dies loses it to the others.
    """

    def __init__(self, interval_seconds: float, name: str, *, at_once: bool) -> None:
        """Look for what is due every ``interval_seconds``; try the items of a round ``at_once`` or one by one."""
        self._at_once = at_once
        self.background = Background(self.work, interval_seconds, name)

    @abstractmethod
    async def _claim(self) -> Sequence[Item]:
        """Claim a few items whose time has come."""

    @abstractmethod
    async def _attempt(self, item: Item, /) -> None:
        """Try one of them."""

    async def work(self) -> None:
        """Try all whose time has come."""
        while await self.work_once():
            pass

    async def work_once(self) -> int:
        """Try a few of them; return how many."""
        items = await self._claim()
        if not self._at_once:
            for item in items:
                await self._attempt(item)
            return len(items)
        # One that fails leaves the others to their end: a round is over when all of it is.
        results = await asyncio.gather(*map(self._attempt, items), return_exceptions=True)
        for result in results:
            if isinstance(result, BaseException):
                raise result
        return len(items)
