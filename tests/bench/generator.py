"""The load generator: a process of its own that reads a job from its input and writes the outcome to its output."""

import random
import selectors
import sys
import time
from collections import Counter, deque
from collections.abc import Iterator, Sequence

from tests.bench.job import Job, Outcome, Step
from tests.bench.latency import Latencies
from tests.bench.messages import Template, account_id, batch_outcomes, reservation_field
from tests.support.http2 import Connection

CALL_TIMEOUT = "10S"
"""The deadline of every call, in grpc-timeout's notation."""

_DRAIN_S = 15.0
# With many callers the generator looks for answers every half millisecond, not at each one: a wake-up for every answer
# would take more of the two cores than all the rest that it does. The wait counts as latency, as a network's would.
_GATHER_S = 0.000_5
_GATHERS_FROM_CALLERS = 64
_PAUSE_AFTER_REFUSAL_S = 0.010


class Caller:
    """One of the callers: where it sends to, at which step of its operation it is and since when."""

    __slots__ = ("connection", "started", "step")

    def __init__(self, connection: "Connection[Caller]") -> None:
        """Starts with nothing outstanding."""
        self.connection = connection
        self.step = 0
        self.started = 0.0


class Tally:
    """Counts what was answered; operations that end inside the measured time also go into rate and latencies."""

    def __init__(self, measured_from: float, measured_until: float) -> None:
        """Measures between these two instants of the monotonic clock."""
        self._from = measured_from
        self._until = measured_until
        self.latencies = Latencies()
        self.measured = self.operations = self.calls = self.acknowledged = 0
        self.refusals: Counter[str] = Counter()

    def answer(self, step: Step, status: int, message: bytes) -> int:
        """Counts one answer and returns how many items of it succeeded."""
        self.calls += 1
        if status != 0:
            self.refusals[str(status)] += 1
            return 0
        if step.answer != "batch":
            self.acknowledged += 1
            return 1
        succeeded, refused = batch_outcomes(message)
        self.acknowledged += succeeded
        self.refusals.update(str(code) for code in refused)
        return succeeded

    def finish(self, started: float, now: float, items: int) -> None:
        """Counts an operation that came to its end, or the items of a batch that did so together."""
        self.operations += items
        if self._from <= now < self._until:
            self.measured += items
            self.latencies.add(now - started, items)


class ClosedLoop:
    """Callers that each send their next call when the answer to their last has come."""

    def __init__(self, job: Job) -> None:
        """Connects; `run` starts the load."""
        self._job = job
        self._steps = [(step, Template.parse(bytes.fromhex(step.template))) for step in job.steps]
        self._connections = [Connection[Caller](job.port, job.token, CALL_TIMEOUT) for _ in range(job.connections)]
        self._selector = selectors.DefaultSelector()
        for connection in self._connections:
            self._selector.register(connection, selectors.EVENT_READ, connection)
        self._subjects = _subjects(job, self._steps[0][1].subjects)
        self._paused: deque[tuple[float, Caller]] = deque()
        self._outstanding = 0
        self._gather_s = _GATHER_S if job.callers >= _GATHERS_FROM_CALLERS else 0.0

    def run(self) -> Outcome:
        """Drives the load and returns what came of it, when every call is answered or given up."""
        started, cpu = time.monotonic(), time.process_time()
        measured_from = started + self._job.warmup_s
        self._until = measured_from + self._job.measured_s if not self._job.each_once else started + 600
        self._tally = Tally(measured_from, self._until)
        for number in range(self._job.callers):
            self._begin(Caller(self._connections[number % len(self._connections)]), started)
        for connection in self._connections:
            connection.flush()
        while (self._outstanding or self._paused) and time.monotonic() < self._until + _DRAIN_S:
            self._turn()
        ended = min(time.monotonic(), self._until)
        return self._outcome(ended - measured_from, time.monotonic() - started, time.process_time() - cpu)

    def _turn(self) -> None:
        if self._gather_s:
            time.sleep(self._gather_s)
        for key, _ in self._selector.select(_PAUSE_AFTER_REFUSAL_S if self._paused else 1.0):
            connection: Connection[Caller] = key.data
            answers = connection.receive()
            now = time.monotonic()
            for caller, status, message in answers:
                self._answered(caller, status, message, now)
            connection.flush()
        while self._paused and self._paused[0][0] <= time.monotonic():
            due, caller = self._paused.popleft()
            self._begin(caller, due)
            caller.connection.flush()

    def _begin(self, caller: Caller, now: float) -> None:
        subjects = next(self._subjects, None) if now < self._until else None
        if subjects is not None:
            caller.step, caller.started = 0, now
            self._send(caller, subjects)

    def _send(self, caller: Caller, subjects: Sequence[bytes]) -> None:
        step, template = self._steps[caller.step]
        caller.connection.call(step.path, template.fill(subjects), caller)
        self._outstanding += 1

    def _answered(self, caller: Caller, status: int, message: bytes, now: float) -> None:
        self._outstanding -= 1
        step, _ = self._steps[caller.step]
        succeeded = self._tally.answer(step, status, message)
        if not succeeded:
            # A caller that came straight back would spend the server's time on refusals.
            self._paused.append((now + _PAUSE_AFTER_REFUSAL_S, caller))
        elif caller.step + 1 < len(self._steps):
            caller.step += 1
            self._send(caller, (reservation_field(message),))
        else:
            self._tally.finish(caller.started, now, succeeded)
            self._begin(caller, now)

    def _outcome(self, measured_s: float, wall_s: float, cpu_s: float) -> Outcome:
        tally = self._tally
        return Outcome(
            rate=tally.measured / measured_s,
            p50_ms=tally.latencies.quantile_ms(0.50),
            p99_ms=tally.latencies.quantile_ms(0.99),
            operations=tally.operations,
            calls=tally.calls,
            acknowledged=tally.acknowledged,
            unanswered=self._outstanding,
            generator_cpu_s=cpu_s,
            wall_s=wall_s,
            refusals=dict(tally.refusals),
        )


def _subjects(job: Job, count: int) -> Iterator[Sequence[bytes]]:
    numbers = range(job.first_account, job.first_account + job.accounts)
    accounts = [account_id(number).encode() for number in numbers]
    if job.each_once:
        yield from ((account,) for account in accounts)
    elif len(accounts) == 1:
        while True:
            yield accounts * count
    else:
        while True:
            yield random.choices(accounts, k=count)


def main() -> None:
    """Runs the one job that is on standard input."""
    sys.stdout.write(ClosedLoop(Job.from_json(sys.stdin.read())).run().to_json())


if __name__ == "__main__":
    main()
