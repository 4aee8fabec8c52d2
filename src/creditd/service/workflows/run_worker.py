"""The worker of runs: takes those that are due, has executors work on them, and ends them.

Every server has one. A run is worked on under a lease, renewed while it goes on; a server that dies loses its runs to
the others, and one that comes back too late changes nothing.
"""

import asyncio
import contextlib
import logging
import random
import time
from collections import Counter
from collections.abc import Callable, Collection
from datetime import UTC, datetime, timedelta
from typing import Final, Protocol, TypeVar

from creditd.domain.instant import SECOND
from creditd.domain.workflows.execution import Execution, Executor, Failed, Progress, Succeeded, Unreached
from creditd.domain.workflows.run import (
    HOLD_LOST,
    OUTCOMES,
    TIMED_OUT,
    Run,
    RunKey,
    Verdict,
    needs_extension,
)
from creditd.service.payments.background import PASSING, Background
from creditd.service.payments.providers import InThread
from creditd.service.workflows.run_keeper import LEASE_SECONDS, LeaseStanding, RunKeeper
from creditd.storage.workflows.run_leases import Lease, Room
from creditd.telemetry.statistics import RunStatistics

log = logging.getLogger(__name__)

RUNS_AT_ONCE: Final = 512
"""Of one server. Each is a stream of an executor's and a row that is renewed; nothing is computed here."""

RUNS_OF_ACCOUNT: Final = 32
"""Of one account at once on one server, so that whoever has a hundred leaves room for others."""

CLAIMED_AT_ONCE: Final = 64
"""Runs of one claim: with their inputs 4 MB at most."""

IDLE_SECONDS: Final = 1.0
"""Between looks for due runs that nobody here was told of."""

BEAT_SECONDS: Final = 1.0
"""Between beats, which write progress, and renew leases of which a third has passed."""

RENEWED_AFTER_SECONDS: Final = LEASE_SECONDS / 3

TOLD_AT_ONCE: Final = 16
"""Executors that are told at once that runs were given up; each has a few seconds to answer."""

FIRST_PAUSE_SECONDS: Final = 0.2

LONGEST_PAUSE_SECONDS: Final = 5.0
"""Between tries to write down how a run has ended."""

EXTENDED_AT_ONCE: Final = 32
"""Holds that a beat extends: a transaction each."""

BACKLOG_SECONDS: Final = 10.0
"""Between looks at how many runs there are, for the metrics."""

Answer = TypeVar("Answer")


class ConfiguredExecutors(Protocol):
    """The executors that are configured."""

    @property
    def names(self) -> Collection[str]:
        """Their names."""

    def get(self, name: str) -> Executor | None:
        """Return an executor; None if there is none of this name."""


class _Held:
    """A run that this server works on."""

    def __init__(self, run: Run, *, is_held: bool) -> None:
        self.run = run
        self.task: asyncio.Task[None] | None = None
        self.progress: Progress | None = None
        self.renewed_at = time.monotonic()
        self.extended_at = 0.0
        self.is_held = is_held
        self.hold_lost = asyncio.Event()

    @property
    def lease(self) -> Lease:
        return Lease(self.run.key, self.run.lease, self.run.hold)


class RunWorker:
    """Works on runs that are due. Used on the event loop that it is made on."""

    def __init__(
        self,
        keeper: RunKeeper,
        executors: ConfiguredExecutors,
        in_thread: InThread,
        statistics: RunStatistics,
        changed: Callable[[RunKey], None],
    ) -> None:
        """Take runs by ``keeper``; tell by ``changed`` which ones have changed here."""
        self._keeper = keeper
        self._executors = executors
        self._in_thread = in_thread
        self._statistics = statistics
        self._changed = changed
        self._held: dict[RunKey, _Held] = {}
        self._telling: set[asyncio.Task[None]] = set()
        self._claims = Background(self.claim, IDLE_SECONDS, "runs that are due")
        self._beats = Background(self.beat, BEAT_SECONDS, "leases of runs")
        self._tellings = Background(self.tell, IDLE_SECONDS, "runs that were given up")
        self._looks = Background(self._look, BACKLOG_SECONDS, "the backlog of runs")
        self._background = (self._claims, self._beats, self._tellings, self._looks)
        statistics.failures.update((one.name, one.failures.counts) for one in self._background)

    def start(self) -> None:
        """Start, on the running event loop."""
        for one in self._background:
            one.start()

    def wake(self) -> None:
        """Look for due runs now."""
        self._claims.wake()

    def drop(self, key: RunKey) -> None:
        """Work no more on a run that has ended, and have its executor told."""
        if key in self._held:
            self._forget(self._held[key])
        self._changed(key)
        self._tellings.wake()

    async def close(self) -> None:
        """Work on nothing any more. Executors are left alone, and other servers go on with the runs at once."""
        for one in self._background:
            await one.close()
        held = list(self._held.values())
        tasks = [*self._telling, *(each.task for each in held if each.task)]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        if held:
            with contextlib.suppress(*PASSING):
                await self._in_thread(lambda: self._keeper.release([each.lease for each in held]))

    async def claim(self) -> None:
        """Take due runs as long as there are any and there is room."""
        while (room := min(RUNS_AT_ONCE - len(self._held), CLAIMED_AT_ONCE)) > 0:
            wanted = Room(room, self._executors.names, RUNS_OF_ACCOUNT, Counter(key.account_id for key in self._held))
            claimed, covered = await self._in_thread(lambda: self._keeper.claim(wanted))  # noqa: B023 - awaited at once.
            for run in claimed:
                self._begin(run, is_held=run.key in covered)
            if len(claimed) < room:
                return

    def _begin(self, run: Run, *, is_held: bool) -> None:
        former = self._held.get(run.key)
        if former:
            # Its lease has ended while this server did not come to renew it, and was taken anew.
            self._forget(former)
        held = self._held[run.key] = _Held(run, is_held=is_held)
        held.task = asyncio.create_task(self._work_on(held), name=f"run {run.run_id}")
        self._changed(run.key)

    def _forget(self, held: _Held) -> None:
        if self._held.get(held.run.key) is held:
            del self._held[held.run.key]
        if held.task and held.task is not asyncio.current_task():
            held.task.cancel()

    async def _work_on(self, held: _Held) -> None:
        try:
            verdict = await self._verdict(held)
            if verdict is None:
                await self._persist(lambda: self._keeper.put_off(held.lease, held.run))
            else:
                after = await self._persist(lambda: self._keeper.settle(held.lease, verdict))
                self._note_end(after)
        except Exception:
            # Its lease ends, and the run is tried again, by another server or this one.
            log.exception("a run failed here", extra={"run": held.run.name})
        finally:
            if self._is_full_for(held.run.account_id):
                # There is room for another one now.
                self._claims.wake()
            self._forget(held)
            self._changed(held.run.key)

    def _is_full_for(self, account_id: str) -> bool:
        """Tell whether no more runs of an account are taken here before one has ended."""
        of_account = sum(key.account_id == account_id for key in self._held)
        return len(self._held) >= RUNS_AT_ONCE or of_account >= RUNS_OF_ACCOUNT

    async def _verdict(self, held: _Held) -> Verdict | None:
        """Return what a run comes to; None if that is not known, and its time is not over."""
        run = held.run
        if run.deadline <= self._keeper.now:
            return TIMED_OUT
        if not held.is_held:
            return HOLD_LOST
        executor = self._executors.get(run.executor)
        result: Succeeded | Failed | Unreached | None = None
        if executor is not None:
            result = await self._executed(held, executor)
            if result is None:
                return HOLD_LOST
        if isinstance(result, Succeeded | Failed):
            return result
        if isinstance(result, Unreached):
            log.info("an executor was not reached", extra={"run": run.name, "problem": result.message})
        return TIMED_OUT if run.deadline <= self._keeper.now else None

    async def _executed(self, held: _Held, executor: Executor) -> Succeeded | Failed | Unreached | None:
        """Have a run executed; None if its credits were lost meanwhile."""

        def progressed(progress: Progress) -> None:
            held.progress = progress

        work = asyncio.ensure_future(executor.execute(_execution(held.run), progressed))
        lost = asyncio.ensure_future(held.hold_lost.wait())
        try:
            await asyncio.wait({work, lost}, return_when=asyncio.FIRST_COMPLETED)
            return work.result() if work.done() else None
        finally:
            for one in (work, lost):
                one.cancel()
            await asyncio.gather(work, lost, return_exceptions=True)

    async def _persist(self, change: Callable[[], Answer]) -> Answer:
        """Make a change, again and again while the database is away or busy: a verdict is not to be lost."""
        pause = FIRST_PAUSE_SECONDS
        while True:
            try:
                return await self._in_thread(change)
            except PASSING as error:
                log.info("a run waits on: %s", type(error).__name__)
            await asyncio.sleep(random.uniform(pause / 2, pause))  # noqa: S311 - jitter is no secret.
            pause = min(2 * pause, LONGEST_PAUSE_SECONDS)

    def _note_end(self, after: Run | None) -> None:
        if after is None:
            self._statistics.overtaken += 1
            return
        self._statistics.ended[OUTCOMES[after.state]] += 1
        if after.due_time is not None:
            self._tellings.wake()

    async def beat(self) -> None:
        """Write progress, renew leases, and extend holds."""
        now = time.monotonic()
        due = [
            held
            for held in self._held.values()
            if held.progress is not None or now - held.renewed_at >= RENEWED_AFTER_SECONDS
        ]
        if due:
            leases = [held.lease._replace(progress=held.progress) for held in due]
            for held in due:
                held.progress = None
            standings = await self._in_thread(lambda: self._keeper.renew(leases))
            for held, lease in zip(due, leases, strict=True):
                self._note_standing(held, lease, standings[held.run.key], now)
        await self._extend_holds()

    def _note_standing(self, held: _Held, lease: Lease, standing: LeaseStanding, renewed_at: float) -> None:
        if not standing.is_ours:
            # It has ended, or another server works on it: the executor is left alone.
            self._forget(held)
            self._changed(held.run.key)
            return
        held.renewed_at = renewed_at
        if lease.progress is not None:
            self._changed(held.run.key)
        if not standing.is_held:
            held.hold_lost.set()

    async def _extend_holds(self) -> None:
        now, begin = self._keeper.now, time.monotonic()
        due = [
            held
            for held in self._held.values()
            if needs_extension(held.run, now, self._keeper.max_ttl) and begin - held.extended_at >= BEAT_SECONDS
        ]
        for held in due[:EXTENDED_AT_ONCE]:
            held.extended_at = begin
            with contextlib.suppress(*PASSING):
                end = await self._in_thread(lambda: self._keeper.extend(held.lease))  # noqa: B023 - awaited at once.
                if end is not None:
                    held.run = held.run._replace(hold_expire_time=end)

    async def tell(self) -> None:
        """Tell executors that runs were given up, those that it is time for."""
        while (room := TOLD_AT_ONCE - len(self._telling)) > 0:
            untold = await self._in_thread(lambda: self._keeper.claim_untold(room))
            for run in untold:
                task = asyncio.create_task(self._tell(run), name=f"tell of run {run.run_id}")
                self._telling.add(task)
                task.add_done_callback(self._told)
            if len(untold) < room:
                return

    def _told(self, task: asyncio.Task[None]) -> None:
        self._telling.discard(task)
        self._tellings.wake()

    async def _tell(self, run: Run) -> None:
        executor = self._executors.get(run.executor)
        try:
            is_told = executor is not None and await executor.cancel(run.run_id, run.failure_message)
            await self._in_thread(lambda: self._keeper.note_telling(run, is_told=is_told))
        except PASSING:
            # It is due again once this lease has ended.
            pass
        except Exception:
            log.exception("an executor could not be told of a run", extra={"run": run.name})

    async def _look(self) -> None:
        seen = await self._in_thread(self._keeper.backlog)
        self._statistics.open_runs, self._statistics.oldest_due_seconds = seen


def _execution(run: Run) -> Execution:
    return Execution(
        run_id=run.run_id,
        account_id=run.account_id,
        workflow_id=run.workflow_id,
        attempt=run.attempts,
        input=run.input.encode(),
        credit_type=run.credit_type,
        held_amount=run.held_amount,
        deadline=datetime.fromtimestamp(run.deadline // SECOND, UTC) + timedelta(microseconds=run.deadline % SECOND),
    )
