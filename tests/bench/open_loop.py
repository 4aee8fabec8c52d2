"""Operations that begin at their times, whatever became of those before.

Callers who do not know of each other arrive like this. A closed loop sends less the slower it is served, and never asks
in the very moments that are slow; so it measures a rate, but not what callers wait for (Schroeder, Wierman, and
Harchol-Balter, "Open Versus Closed: A Cautionary Tale", NSDI 2006). A latency counts from the instant at which the
operation was to begin, not from when the generator came to send it ("coordinated omission", after Gil Tene).
"""

import random
import time
from collections import deque
from collections.abc import Iterator

from tests.bench.closed_loop import DRAIN_S
from tests.bench.job import Job, Outcome
from tests.bench.tally import Effort, Tally
from tests.bench.traffic import Caller, Traffic

MOST_ON_A_CONNECTION = 200
"""Calls under way; fewer than the server lets a connection have. What comes beyond waits here, and its time counts."""

_FOR_EVER = float("inf")
_SEED = 20_060_509
_LONGEST_WAIT_S = 0.1


def arrivals(rate: float, start: float, end: float) -> Iterator[float]:
    """The instants from `start` to before `end` at which operations begin, `rate` a second on average.

    The gaps are exponential, as between callers who do not know of each other and as in pgbench's own ``--rate``; the
    same arguments give the same instants, so that what is compared has the same arrivals.
    """
    gaps = random.Random(_SEED)
    at = start + gaps.expovariate(rate)
    while at < end:
        yield at
        at += gaps.expovariate(rate)


class OpenLoop:
    """A fixed rate of operations, reported window by window."""

    def __init__(self, job: Job) -> None:
        """Connects; `run` starts the load."""
        self._job = job
        self._traffic = Traffic(job, Tally(0.0, 0.0), self._ended)
        self._on: dict[int, int] = dict.fromkeys(map(id, self._traffic.connections), 0)
        self._held: deque[float] = deque()

    def run(self) -> Iterator[Outcome]:
        """Drives the load and gives what came of each window at its end; the last waits for the last answers.

        Every operation that began in the measured time counts in one window, that of its end.
        """
        job = self._job
        started = time.monotonic()
        self._measured_from = started + job.warmup_s
        end = self._measured_from + job.windows * job.measured_s
        self._due = arrivals(job.rate, started, end)
        self._next = next(self._due, _FOR_EVER)
        for window in range(job.windows):
            last = window + 1 == job.windows
            yield self._window(self._measured_from + (window + 1) * job.measured_s, last=last)

    def _window(self, end: float, *, last: bool) -> Outcome:
        traffic = self._traffic
        tally = traffic.tally = Tally(self._measured_from, _FOR_EVER)
        started, cpu = time.monotonic(), time.process_time()
        while (now := time.monotonic()) < end:
            self._turn(now, end)
        give_up = end + DRAIN_S
        while last and self._under_way() and (now := time.monotonic()) < give_up:
            self._turn(now, give_up)
        ended = time.monotonic()
        if last:
            tally.in_doubt += traffic.rows_outstanding()
            for caller in traffic.outstanding:
                tally.give_up(caller.started, ended - caller.started)
        effort = Effort(self._job.measured_s, ended - started, time.process_time() - cpu)
        return tally.outcome(effort, len(traffic.outstanding) if last else 0)

    def _under_way(self) -> bool:
        # What was due in the last moment may not have been begun yet.
        return bool(self._traffic.outstanding or self._held or self._next < _FOR_EVER)

    def _turn(self, now: float, end: float) -> None:
        while self._next <= now:
            self._held.append(self._next)
            self._next = next(self._due, _FOR_EVER)
        self._send_held(now)
        self._traffic.receive(max(min(self._next, end, now + _LONGEST_WAIT_S) - time.monotonic(), 0.0))

    def _send_held(self, now: float) -> None:
        while self._held:
            connection = min(self._traffic.connections, key=lambda each: self._on[id(each)])
            if self._on[id(connection)] >= MOST_ON_A_CONNECTION:
                break
            due = self._held.popleft()
            self._on[id(connection)] += 1
            self._traffic.tally.lateness.add(now - due)
            self._traffic.begin(Caller(connection), due)
        self._traffic.flush()

    def _ended(self, caller: Caller, _now: float, /, *, well: bool) -> None:  # noqa: ARG002 - the protocol has it.
        self._on[id(caller.connection)] -= 1
