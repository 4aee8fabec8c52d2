"""The threads of the service: each kind of waiting has its own, and connections, so that none can starve another.

A thread holds one connection at a time, and the pool has one for each thread, so no kind takes another's connections.
"""

import time
from collections import Counter, deque
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from threading import Condition
from typing import Any, Final, TypeVar

from creditd.ledger.queue import Sink, SinkHere, Ticket, deliver
from creditd.ledger.work import DatabaseUnavailable, Overloaded, RecordBusy, ShuttingDown, VersionConflict
from creditd.service.kinds import (
    BACKGROUND,
    CHANGES,
    HEALTH,
    LOOKUPS,
    PAGES,
    PAYMENTS,
    PROMOS,
    RUNS,
    SURVEYS,
    USUAL_CONNECTIONS,
    VERIFICATION,
    WATCHING,
    WEBHOOKS,
    Kind,
    shares,
)
from creditd.service.loop import driven
from creditd.storage.connections.turns import Turn
from creditd.storage.failures import SaveFailure, classify
from creditd.telemetry.statistics import Occupancy

Answer = TypeVar("Answer")

MAX_WAITING_OF_ONE: Final = 200
"""The jobs of one owner that may wait, so that a flood from one account leaves room for the others."""

SHARE_OF_ONE: Final = 4
"""Where fewer may wait in all, one owner may have the fourth part of them: three others find room beside it."""

_STANDS_FOR: Final[Mapping[SaveFailure, type[Exception]]] = {
    SaveFailure.UNAVAILABLE: DatabaseUnavailable,
    SaveFailure.TOO_SLOW: DatabaseUnavailable,
    SaveFailure.MOVED: VersionConflict,
    SaveFailure.LOCKED: RecordBusy,
}
"""Storage failures as errors of the ledger. Any other is a bug and is raised as it is."""


class Job(Ticket[Callable[[], Answer], Answer]):
    """A function that waits for a thread or runs on one; its caller awaits it.

    Given up while waiting, it never runs.
    """

    __slots__ = ("_bulkhead", "owner", "since", "turn")

    def __init__(self, function: Callable[[], Answer], owner: str, bulkhead: "Bulkhead", sink: Sink) -> None:
        """Wait for a thread of a bulkhead."""
        super().__init__(function, sink)
        self.owner = owner
        self.since = time.monotonic()
        self.turn: Turn | None = None
        self._bulkhead = bulkhead

    def give_up(self) -> None:
        """Record that nobody waits for the answer any more."""
        super().give_up()
        self._bulkhead.abandon(self)


class Bulkhead:
    """Runs what blocks on the threads of one kind.

    Of several that wait the first goes first, but no owner has more than half of the threads.
    """

    def __init__(self, kind: Kind, threads: int, sink: SinkHere) -> None:
        """Use ``threads`` threads for a kind of waiting; answer to the submitter's ``sink``."""
        self.kind = kind
        self.occupancy = Occupancy(threads)
        self._sink = sink
        self._count = threads
        self._of_one = max(1, threads // 2)
        self._waiting_of_one = min(MAX_WAITING_OF_ONE, max(1, kind.most_waiting // SHARE_OF_ONE))
        self._threads = ThreadPoolExecutor(threads, thread_name_prefix=kind.name)
        # It guards the fields below, and is notified when the last job ends.
        self._changed = Condition()
        self._waiting: deque[Job[Any]] = deque()
        self._running: set[Job[Any]] = set()
        self._owners: Counter[str] = Counter()
        self._closed = False

    async def __call__(self, function: Callable[[], Answer], *, owner: str = "") -> Answer:
        """Run a blocking function and await it on the event loop. Raises what ``submit`` and the job raise."""
        return await driven(self.submit(function, owner=owner).__await__())

    def submit(self, function: Callable[[], Answer], *, owner: str = "") -> Job[Answer]:
        """Submit a blocking function; ``owner`` is its account, or the caller if it works for many accounts.

        Awaiting the job returns what the function returns and raises what it raises, failures of the database as
        DatabaseUnavailable, VersionConflict or RecordBusy; ShuttingDown. Raises Overloaded, ShuttingDown.
        """
        job = Job(function, owner, self, self._sink())
        with self._changed:
            self._require_room(owner)
            self._waiting.append(job)
            self._begin()
        return job

    def _require_room(self, owner: str) -> None:
        if self._closed:
            raise ShuttingDown
        of_owner = sum(job.owner == owner for job in self._waiting) if owner else 0
        if len(self._waiting) >= self.kind.most_waiting or of_owner >= self._waiting_of_one:
            self.occupancy.refused += 1
            raise Overloaded

    def _begin(self) -> None:
        """Start as many jobs as there are free threads."""
        while len(self._running) < self._count:
            job = next(self._may_run(), None)
            if job is None:
                break
            self._waiting.remove(job)
            self._running.add(job)
            self._owners[job.owner] += 1
            job.turn = Turn(self.kind.seconds)
            self._threads.submit(self._run, job, job.turn)
        self._note()

    def _may_run(self) -> Iterator[Job[Any]]:
        return (job for job in self._waiting if not job.owner or self._owners[job.owner] < self._of_one)

    def _note(self) -> None:
        self.occupancy.waiting, self.occupancy.running = len(self._waiting), len(self._running)
        self.occupancy.oldest_since = self._waiting[0].since if self._waiting else None

    def _run(self, job: Job[Any], turn: Turn) -> None:
        """Run a job, on its thread."""
        answer = self._answer_of(job, turn)
        with self._changed:
            self._running.discard(job)
            self._owners[job.owner] -= 1
            if not self._owners[job.owner]:
                del self._owners[job.owner]
            self._begin()
            self._changed.notify_all()
        deliver([(job, answer)])

    def _answer_of(self, job: Job[Any], turn: Turn) -> object:
        # By itself, so that no frame in the traceback of an error refers to the error.
        try:
            with turn.taken():
                return job.item()
        except BaseException as error:  # noqa: BLE001 - whoever waits has to hear of it, whatever it is.
            return self._stands_for(error)

    def _stands_for(self, error: BaseException) -> BaseException:
        stands_for = _STANDS_FOR.get(classify(error)) if isinstance(error, Exception) else None
        if stands_for is None:
            return error
        if stands_for in {VersionConflict, RecordBusy} and self.kind.ends_with_caller:
            # A read needs no row lock: a lock on a whole table was not granted in time.
            stands_for = DatabaseUnavailable
        answer = stands_for()
        answer.__cause__ = error
        return answer

    def abandon(self, job: Job[Any]) -> None:
        """Handle a job that nobody waits for: a waiting one never runs, a running one may be cut short."""
        with self._changed:
            if job in self._waiting:
                self._waiting.remove(job)
            elif job.turn is not None and self.kind.ends_with_caller:
                job.turn.end()
            self.occupancy.abandoned += 1
            self._note()

    def refuse(self) -> None:
        """Accept no more jobs, and refuse those that wait."""
        with self._changed:
            self._closed = True
            refused = list(self._waiting)
            self._waiting.clear()
            self._note()
        deliver([(job, ShuttingDown()) for job in refused])

    def close(self, seconds: float) -> None:
        """Take no more, refuse what waits, and cut short what has not ended after ``seconds``. Blocks."""
        self.refuse()
        end = time.monotonic() + seconds
        with self._changed:
            self._changed.wait_for(lambda: not self._running, max(0.0, end - time.monotonic()))
            for job in self._running:
                if job.turn:
                    job.turn.end()
        self._threads.shutdown(wait=False)


class Threads:
    """A bulkhead for each kind of waiting."""

    def __init__(self, sink: SinkHere, connections: int = USUAL_CONNECTIONS) -> None:
        """Answer to the ``sink`` of who submits; the bulkheads share ``connections`` with the ledger."""
        bulkheads = {kind: Bulkhead(kind, threads, sink) for kind, threads in shares(connections).items()}
        self._bulkheads = tuple(bulkheads.values())
        self.health = bulkheads[HEALTH]
        self.lookups = bulkheads[LOOKUPS]
        self.pages = bulkheads[PAGES]
        self.surveys = bulkheads[SURVEYS]
        self.watching = bulkheads[WATCHING]
        self.verification = bulkheads[VERIFICATION]
        self.webhooks = bulkheads[WEBHOOKS]
        self.payments = bulkheads[PAYMENTS]
        self.changes = bulkheads[CHANGES]
        self.promos = bulkheads[PROMOS]
        self.runs = bulkheads[RUNS]
        self.background = bulkheads[BACKGROUND]

    @property
    def occupancies(self) -> dict[str, Occupancy]:
        """The occupancy of each bulkhead, by the name of its kind."""
        return {bulkhead.kind.name: bulkhead.occupancy for bulkhead in self._bulkheads}

    def close(self, seconds: float) -> None:
        """Take no more, refuse what waits, and cut short what has not ended after ``seconds``. Blocks."""
        end = time.monotonic() + seconds
        for bulkhead in self._bulkheads:
            bulkhead.refuse()
        for bulkhead in self._bulkheads:
            bulkhead.close(max(0.0, end - time.monotonic()))
