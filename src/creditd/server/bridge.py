"""The one bridge between the event loop and the ledger's threads: results come back once a batch, not once a call."""

import asyncio
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from creditd.ledger.ledger import Ledger
from creditd.ledger.reading import AccountState, BalanceRead, BalanceReader, ReadResult
from creditd.ledger.work import (
    DatabaseUnavailable,
    Outcome,
    Overloaded,
    Result,
    ShuttingDown,
    VersionConflict,
    Work,
    resolve,
)
from creditd.storage.conflicts import SaveFailure, classify

Answer = TypeVar("Answer")

READ_THREADS = 4
"""Threads for reads that are not grouped, such as pages; each holds one connection while it reads."""


_STANDS_FOR = {SaveFailure.UNAVAILABLE: DatabaseUnavailable, SaveFailure.MOVED: VersionConflict}
"""What a failure of the database is called beyond the ledger. What it is not in is a defect of ours."""


class Bridge:
    """Awaits what the ledger's threads do. A call that is cancelled is finished all the same."""

    def __init__(self, ledger: Ledger, reader: BalanceReader) -> None:
        """Bridge to the event loop that is running."""
        self._loop = asyncio.get_running_loop()
        self._ledger = ledger
        self._reader = reader
        self._threads = ThreadPoolExecutor(READ_THREADS, thread_name_prefix="reads")

    async def perform(self, work: Work) -> Outcome:
        """Await a work's outcome. Raises what it was refused with, and Overloaded or ShuttingDown."""
        future: asyncio.Future[Outcome] = self._loop.create_future()
        work.waiter = future
        self._ledger.submit(work)
        return await future

    async def perform_all(self, works: Sequence[Work]) -> list[Result]:
        """Await the results of many works, in their order; each is an outcome or why it was refused."""
        if not works:
            return []
        group = _Group(self._loop.create_future(), len(works))
        for position, work in enumerate(works):
            work.waiter = _Place(group, position)
            try:
                self._ledger.submit(work)
            except (Overloaded, ShuttingDown) as error:
                group.take(position, error)
        return await group.future

    async def balances(self, account_id: str) -> AccountState | None:
        """Await an account's state; None if it was never seen. Raises DatabaseUnavailable, Overloaded, ShuttingDown."""
        read = BalanceRead(account_id, self)
        future: asyncio.Future[AccountState | None] = self._loop.create_future()
        read.waiter = future
        self._reader.submit(read)
        return await future

    async def in_thread(self, function: Callable[[], Answer]) -> Answer:
        """Await a function that blocks. Raises DatabaseUnavailable, VersionConflict for what these stand for."""
        try:
            return await self._loop.run_in_executor(self._threads, function)
        except Exception as error:
            stands_for = _STANDS_FOR.get(classify(error))
            if stands_for is None:
                raise
            raise stands_for from error

    def deliver(self, results: Sequence[tuple[Work, Result]]) -> None:
        """Take the results of a batch of works over to the event loop."""
        self._loop.call_soon_threadsafe(_resolve, results)

    def deliver_reads(self, results: Sequence[tuple[BalanceRead, ReadResult]]) -> None:
        """Take the results of a group of reads over to the event loop."""
        self._loop.call_soon_threadsafe(_resolve, results)

    def close(self) -> None:
        """End the threads."""
        self._threads.shutdown(wait=False, cancel_futures=True)


def _resolve(results: Sequence[tuple[Work | BalanceRead, object]]) -> None:
    for item, result in results:
        resolve(item.waiter, result)


class _Group:
    """Waits for many results, and resolves one future when the last is there."""

    def __init__(self, future: asyncio.Future[list[Result]], count: int) -> None:
        self.future = future
        self.results: list[Result] = [ShuttingDown()] * count
        self.missing = count

    def take(self, position: int, result: Result) -> None:
        self.results[position] = result
        self.missing -= 1
        if not self.missing and not self.future.done():
            self.future.set_result(self.results)


class _Place:
    """One place in a group."""

    __slots__ = ("_group", "_position")

    def __init__(self, group: _Group, position: int) -> None:
        self._group = group
        self._position = position

    def done(self) -> bool:
        return False

    def set_result(self, result: Outcome, /) -> None:
        self._group.take(self._position, result)

    def set_exception(self, exception: Exception, /) -> None:
        self._group.take(self._position, exception)
