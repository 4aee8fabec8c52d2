"""The one bridge between the event loop and the ledger's threads: results come back once a batch, not once a call."""

import asyncio
from collections.abc import Sequence

from creditd.ledger.balances import AccountState, BalanceRead, BalanceReader, ReadResult
from creditd.ledger.ledger import Ledger
from creditd.ledger.work import Outcome, Overloaded, Result, ShuttingDown, Work, resolve
from creditd.server.bulkheads import Bulkhead
from creditd.server.kinds import (
    BACKGROUND,
    CHANGES,
    HEALTH,
    LOOKUPS,
    PAGES,
    PAYMENTS,
    SURVEYS,
    USUAL_CONNECTIONS,
    VERIFICATION,
    WATCHING,
    WEBHOOKS,
    shares,
)


class Bridge:
    """Awaits what the ledger's threads do, and what blocks on the threads of a bulkhead.

    A command that is cancelled is finished all the same.
    """

    def __init__(self, ledger: Ledger, reader: BalanceReader, connections: int = USUAL_CONNECTIONS) -> None:
        """Bridge to the event loop that is running; the bulkheads share ``connections`` with the ledger."""
        self._loop = asyncio.get_running_loop()
        self._ledger = ledger
        self._reader = reader
        bulkheads = {kind: Bulkhead(kind, threads) for kind, threads in shares(connections).items()}
        self._bulkheads = tuple(bulkheads.values())
        self.occupancies = {kind.name: bulkhead.occupancy for kind, bulkhead in bulkheads.items()}
        self.health = bulkheads[HEALTH]
        self.lookups = bulkheads[LOOKUPS]
        self.pages = bulkheads[PAGES]
        self.surveys = bulkheads[SURVEYS]
        self.watching = bulkheads[WATCHING]
        self.verification = bulkheads[VERIFICATION]
        self.webhooks = bulkheads[WEBHOOKS]
        self.payments = bulkheads[PAYMENTS]
        self.changes = bulkheads[CHANGES]
        self.background = bulkheads[BACKGROUND]

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

    def deliver(self, results: Sequence[tuple[Work, Result]]) -> None:
        """Take the results of a batch of works over to the event loop."""
        self._loop.call_soon_threadsafe(_resolve, results)

    def deliver_reads(self, results: Sequence[tuple[BalanceRead, ReadResult]]) -> None:
        """Take the results of a group of reads over to the event loop."""
        self._loop.call_soon_threadsafe(_resolve, results)

    async def close(self, seconds: float) -> None:
        """Take no more; cut short what the bulkheads have not finished after ``seconds``."""
        await asyncio.gather(*(bulkhead.close(seconds) for bulkhead in self._bulkheads))


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
