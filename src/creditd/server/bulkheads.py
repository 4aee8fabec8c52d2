"""Bulkheads: each kind of waiting has its own threads and connections, so that none can be starved by another.

A thread holds one connection at a time, and the pool has one for each thread: whatever one kind does, it takes no other
kind's connections.
"""

import asyncio
import contextlib
from collections import Counter, deque
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Final, TypeVar

from creditd.ledger.work import DatabaseUnavailable, Overloaded, RecordBusy, ShuttingDown, VersionConflict
from creditd.server.kinds import Kind
from creditd.storage.conflicts import SaveFailure, classify
from creditd.storage.turns import Turn
from creditd.telemetry.statistics import Occupancy

Answer = TypeVar("Answer")

MAX_WAITING: Final = 1_000
"""Jobs of one kind that wait for a thread: about a second's worth. Who had to wait longer is told to come back."""

MAX_WAITING_OF_ONE: Final = 200
"""Of these, for one owner: a flood from one account leaves room for the others."""

CATALOGUE: Final = "credit types"
"""Owns the look-ups of credit types that this server has not seen: calls that name what is not there are many."""

_STANDS_FOR: Final[Mapping[SaveFailure, type[Exception]]] = {
    SaveFailure.UNAVAILABLE: DatabaseUnavailable,
    SaveFailure.TOO_SLOW: DatabaseUnavailable,
    SaveFailure.MOVED: VersionConflict,
    SaveFailure.LOCKED: RecordBusy,
}
"""What a failure of the database is called beyond the ledger. What it is not in is a defect of ours."""


class _Job:
    """A function that waits for a thread or runs on one."""

    __slots__ = ("answer", "function", "owner", "turn")

    def __init__(self, function: Callable[[], Any], owner: str, answer: "asyncio.Future[Any]") -> None:
        self.function = function
        self.owner = owner
        self.answer = answer
        self.turn: Turn | None = None


class Bulkhead:
    """Runs what blocks on the threads of one kind. Used on one event loop.

    Of several that wait the first goes first, but no owner has more than half of the threads.
    """

    def __init__(self, kind: Kind, threads: int) -> None:
        """Have ``threads`` threads for a kind of waiting, on the running event loop."""
        self._loop = asyncio.get_running_loop()
        self._kind = kind
        self._count = threads
        self._of_one = max(1, threads // 2)
        self._threads = ThreadPoolExecutor(threads, thread_name_prefix=kind.name)
        self._waiting: deque[_Job] = deque()
        self._running: set[_Job] = set()
        self._owners: Counter[str] = Counter()
        self._idle = asyncio.Event()
        self._idle.set()
        self._closed = False
        self.occupancy = Occupancy(threads)

    async def __call__(self, function: Callable[[], Answer], *, owner: str = "") -> Answer:
        """Await a function that blocks; ``owner`` is whom it works for: an account or, for many of them, the caller.

        One that is cancelled while it waits never runs. Raises what the function raises; DatabaseUnavailable,
        VersionConflict, RecordBusy for what these stand for; Overloaded, ShuttingDown.
        """
        self._require_room(owner)
        job = _Job(function, owner, self._loop.create_future())
        self._waiting.append(job)
        self._begin()
        self._note()
        try:
            answer: Answer = await job.answer
        except asyncio.CancelledError:
            self._abandon(job)
            raise
        except Exception as error:
            stands_for = self._stands_for(error)
            if stands_for is None:
                raise
            raise stands_for from error
        return answer

    def _stands_for(self, error: Exception) -> type[Exception] | None:
        stands_for = _STANDS_FOR.get(classify(error))
        # Who only reads needs no row of its own: a lock on a whole table was not to be had in time.
        waited = stands_for in {VersionConflict, RecordBusy}
        return DatabaseUnavailable if waited and self._kind.ends_with_caller else stands_for

    def _require_room(self, owner: str) -> None:
        if self._closed:
            raise ShuttingDown
        of_owner = sum(job.owner == owner for job in self._waiting) if owner else 0
        if len(self._waiting) >= MAX_WAITING or of_owner >= MAX_WAITING_OF_ONE:
            self.occupancy.refused += 1
            raise Overloaded

    def _note(self) -> None:
        self.occupancy.waiting, self.occupancy.running = len(self._waiting), len(self._running)

    def _begin(self) -> None:
        """Have as many run as there are threads."""
        while len(self._running) < self._count:
            job = next(self._may_run(), None)
            if job is None:
                return
            self._waiting.remove(job)
            self._running.add(job)
            self._owners[job.owner] += 1
            self._idle.clear()
            job.turn = Turn(self._kind.seconds)
            self._threads.submit(self._run, job, job.turn)

    def _may_run(self) -> Iterator[_Job]:
        return (job for job in self._waiting if not job.owner or self._owners[job.owner] < self._of_one)

    def _run(self, job: _Job, turn: Turn) -> None:
        """Run a job, on its thread."""
        answer, error = None, None
        try:
            with turn.taken():
                answer = job.function()
        except BaseException as caught:  # noqa: BLE001 - whoever waits has to hear of it, whatever it is.
            error = caught
        with contextlib.suppress(RuntimeError):
            # The event loop has ended before its threads: nobody is left to tell.
            self._loop.call_soon_threadsafe(self._ended, job, answer, error)

    def _ended(self, job: _Job, answer: object, error: BaseException | None) -> None:
        self._running.discard(job)
        self._owners[job.owner] -= 1
        if not self._owners[job.owner]:
            del self._owners[job.owner]
        if not job.answer.done():
            if error is None:
                job.answer.set_result(answer)
            else:
                job.answer.set_exception(error)
        self._begin()
        self._note()
        if not self._running:
            self._idle.set()

    def _abandon(self, job: _Job) -> None:
        if job.turn is None:
            # Closing may have taken it out in the same turn of the loop.
            with contextlib.suppress(ValueError):
                self._waiting.remove(job)
        elif self._kind.ends_with_caller:
            job.turn.end()
        self.occupancy.abandoned += 1
        self._note()

    async def close(self, seconds: float) -> None:
        """Take no more and refuse what waits; cut short what has not ended after ``seconds``."""
        self._closed = True
        while self._waiting:
            job = self._waiting.popleft()
            if not job.answer.done():
                job.answer.set_exception(ShuttingDown())
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._idle.wait()
        for job in self._running:
            if job.turn:
                job.turn.end()
        self._threads.shutdown(wait=False)
