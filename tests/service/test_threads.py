"""A bulkhead runs no more at once than it has threads, lets one owner have no more than half, and runs nothing late."""

import asyncio
import threading
from collections import Counter
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager

import pytest

from creditd.bootstrap.identity import PASSWORDS
from creditd.config import Config
from creditd.ledger.work import Overloaded, ShuttingDown
from creditd.service.kinds import (
    KINDS,
    LEAST_CONNECTIONS,
    LEDGER_CONNECTIONS,
    MAX_WAITING,
    PAGES,
    USUAL_CONNECTIONS,
    Kind,
    shares,
)
from creditd.service.loop import LoopSink
from creditd.service.threads import MAX_WAITING_OF_ONE, SHARE_OF_ONE, Bulkhead


class Gate:
    """Jobs that wait until they may go on, and what has run so far."""

    def __init__(self) -> None:
        """Begin closed."""
        self._open = threading.Event()
        self._lock = threading.Lock()
        self.begun: list[str] = []

    def job(self, name: str) -> Callable[[], str]:
        """Return a job that waits at the gate."""

        def run() -> str:
            with self._lock:
                self.begun.append(name)
            self._open.wait(30)
            return name

        return run

    def open(self) -> None:
        """Let all of them go on."""
        self._open.set()


@contextmanager
def gate() -> Iterator[Gate]:
    """Keep a gate, and leave no thread waiting at it."""
    kept = Gate()
    try:
        yield kept
    finally:
        kept.open()


async def until(condition: Callable[[], bool]) -> None:
    """Wait until something is so."""
    async with asyncio.timeout(20):
        while not condition():  # noqa: ASYNC110 - what is waited for happens on other threads.
            await asyncio.sleep(0.005)


def run(test: Callable[[Bulkhead, Gate], Awaitable[None]], threads: int = 2, kind: Kind = PAGES) -> None:
    """Run a test on a bulkhead of its own."""

    async def main() -> None:
        sink = LoopSink()
        bulkhead = Bulkhead(kind, threads, lambda: sink)
        with gate() as kept:
            await test(bulkhead, kept)
            kept.open()
            await asyncio.to_thread(bulkhead.close, 20)

    asyncio.run(main())


def test_one_owner_leaves_threads_to_the_others() -> None:
    async def test(bulkhead: Bulkhead, kept: Gate) -> None:
        flood = [asyncio.create_task(bulkhead(kept.job("flood"), owner="flood")) for _ in range(5)]
        await until(lambda: kept.begun == ["flood"])
        assert await bulkhead(lambda: "answered", owner="another") == "answered"
        assert await bulkhead(lambda: "answered") == "answered"
        assert kept.begun == ["flood"]
        kept.open()
        assert await asyncio.gather(*flood) == ["flood"] * 5

    run(test)


def test_a_job_that_is_cancelled_while_it_waits_never_runs() -> None:
    async def test(bulkhead: Bulkhead, kept: Gate) -> None:
        first = [asyncio.create_task(bulkhead(kept.job(str(number)))) for number in range(2)]
        late = asyncio.create_task(bulkhead(kept.job("late")))
        timed = asyncio.create_task(asyncio.wait_for(bulkhead(kept.job("timed")), 0.01))
        await until(lambda: len(kept.begun) == 2)
        late.cancel()
        await asyncio.wait({late, timed})
        assert isinstance(timed.exception(), TimeoutError)
        assert not bulkhead.occupancy.waiting
        kept.open()
        await asyncio.gather(*first)
        assert await bulkhead(lambda: 1) == 1
        assert sorted(kept.begun) == ["0", "1"]

    run(test)


def test_the_queue_is_bounded_for_all_and_for_each_owner() -> None:
    async def test(bulkhead: Bulkhead, kept: Gate) -> None:
        def begin(owner: str, count: int) -> list[asyncio.Task[str]]:
            return [asyncio.create_task(bulkhead(kept.job(owner), owner=owner)) for _ in range(count)]

        begun = begin("flood", MAX_WAITING_OF_ONE + 1)
        await until(lambda: bulkhead.occupancy.waiting == MAX_WAITING_OF_ONE)
        with pytest.raises(Overloaded):
            await bulkhead(kept.job("flood"), owner="flood")
        begun += begin("", MAX_WAITING - MAX_WAITING_OF_ONE + 1)
        await until(lambda: bulkhead.occupancy.waiting == MAX_WAITING)
        with pytest.raises(Overloaded):
            await bulkhead(kept.job("another"), owner="another")
        kept.open()
        assert len(await asyncio.gather(*begun)) == MAX_WAITING + 2

    run(test)


def test_where_few_may_wait_one_owner_has_a_part_of_the_places_alone() -> None:
    async def test(bulkhead: Bulkhead, kept: Gate) -> None:
        most = PASSWORDS.most_waiting // SHARE_OF_ONE
        flood = [asyncio.create_task(bulkhead(kept.job("flood"), owner="flood")) for _ in range(most + 1)]
        await until(lambda: bulkhead.occupancy.waiting == most)
        # What is taken all the same would wait for the gate.
        with pytest.raises(Overloaded):
            await asyncio.wait_for(bulkhead(kept.job("flood"), owner="flood"), 10)
        another = asyncio.create_task(bulkhead(kept.job("another"), owner="another"))
        await until(lambda: "another" in kept.begun)
        kept.open()
        assert await asyncio.gather(another, *flood) == ["another", *["flood"] * (most + 1)]

    run(test, kind=PASSWORDS)


def test_closing_finishes_what_has_begun_and_refuses_the_rest() -> None:
    async def test(bulkhead: Bulkhead, kept: Gate) -> None:
        begun = [asyncio.create_task(bulkhead(kept.job("begun"))) for _ in range(2)]
        waiting = asyncio.create_task(bulkhead(kept.job("waiting")))
        await until(lambda: len(kept.begun) == 2)
        closing = asyncio.create_task(asyncio.to_thread(bulkhead.close, 20))
        with pytest.raises(ShuttingDown):
            await waiting
        with pytest.raises(ShuttingDown):
            await bulkhead(kept.job("new"))
        assert not closing.done()
        kept.open()
        await closing
        assert await asyncio.gather(*begun) == ["begun"] * 2
        assert kept.begun == ["begun"] * 2

    run(test)


def test_what_a_job_raises_is_its_callers() -> None:
    async def test(bulkhead: Bulkhead, kept: Gate) -> None:
        del kept

        def fail() -> None:
            raise LookupError("x")

        with pytest.raises(LookupError):
            await bulkhead(fail)

    run(test, threads=1)


@pytest.mark.parametrize("connections", [LEAST_CONNECTIONS, USUAL_CONNECTIONS, 50])
def test_every_kind_has_a_share_and_together_they_are_the_pool(connections: int) -> None:
    parts = Counter(shares(connections))
    assert set(parts) == set(KINDS)
    assert min(parts.values()) >= 1
    assert parts.total() + LEDGER_CONNECTIONS == connections


def test_the_usual_pool_leaves_a_second_thread_wherever_accounts_wait() -> None:
    parts = shares(Config().database_pool_size)
    assert Config().database_pool_size == USUAL_CONNECTIONS
    assert [kind.name for kind, threads in parts.items() if threads == 1] == ["health", "watching", "verification"]


def test_a_pool_too_small_for_every_kind_is_refused() -> None:
    with pytest.raises(ValueError, match="fewer"):
        shares(LEAST_CONNECTIONS - 1)
