"""Callers that each begin their next operation when their last has ended."""

import time
from collections import deque

from tests.bench.job import Job, Outcome
from tests.bench.tally import Effort, Tally
from tests.bench.traffic import Caller, Traffic

DRAIN_S = 15.0
"""How long the answers are waited for that are missing at the end: longer than any call's deadline."""

# With many callers the generator looks for answers every half millisecond, not at each one: a wake-up for every answer
# would take more of the two cores than all the rest that it does. The wait counts as latency, as a network's would.
_GATHER_S = 0.000_5
_GATHERS_FROM_CALLERS = 64
_PAUSE_AFTER_REFUSAL_S = 0.010
_LONGEST_ROUND_S = 600.0


class ClosedLoop:
    """As many operations under way as there are callers."""

    def __init__(self, job: Job) -> None:
        """Connects; `run` starts the load."""
        self._job = job
        self._until = 0.0
        self._traffic = Traffic(job, Tally(0.0, 0.0), self._ended)
        self._paused: deque[tuple[float, Caller]] = deque()
        self._gather_s = _GATHER_S if job.callers >= _GATHERS_FROM_CALLERS else 0.0

    def run(self) -> Outcome:
        """Drives the load and returns what came of it, when every call is answered or given up."""
        job, traffic = self._job, self._traffic
        started, cpu = time.monotonic(), time.process_time()
        measured_from = started + job.warmup_s
        self._until = started + _LONGEST_ROUND_S if job.each_once else measured_from + job.measured_s
        traffic.tally = Tally(measured_from, self._until)
        for number in range(job.callers):
            traffic.begin(Caller(traffic.connections[number % len(traffic.connections)]), started)
        traffic.flush()
        while (traffic.outstanding or self._paused) and time.monotonic() < self._until + DRAIN_S:
            self._turn()
        ended = time.monotonic()
        measured_s = min(ended, self._until) - measured_from
        tally = traffic.tally
        tally.in_doubt += traffic.rows_outstanding()
        effort = Effort(measured_s, ended - started, time.process_time() - cpu)
        return tally.outcome(effort, len(traffic.outstanding))

    def _turn(self) -> None:
        if self._gather_s:
            time.sleep(self._gather_s)
        self._traffic.receive(_PAUSE_AFTER_REFUSAL_S if self._paused else 1.0)
        while self._paused and self._paused[0][0] <= time.monotonic():
            due, caller = self._paused.popleft()
            self._begin(caller, due)
            caller.connection.flush()

    def _begin(self, caller: Caller, now: float) -> None:
        if now < self._until:
            self._traffic.begin(caller, now)

    def _ended(self, caller: Caller, now: float, /, *, well: bool) -> None:
        if well:
            self._begin(caller, now)
        else:
            # A caller that came straight back would spend the server's time on refusals.
            self._paused.append((now + _PAUSE_AFTER_REFUSAL_S, caller))
