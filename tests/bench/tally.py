"""Counts the answers of a round, or of a window of it."""

from collections import Counter
from dataclasses import dataclass

from tests.bench.job import Outcome, Step
from tests.bench.latency import Latencies
from tests.bench.messages import batch_outcomes
from tests.support.http2 import RESET

LEAVE_IT_OPEN = frozenset({RESET, 1, 2, 4, 13, 14})
"""A stream cut off, CANCELLED, UNKNOWN, DEADLINE_EXCEEDED, INTERNAL, UNAVAILABLE: the ledger may have the rows."""


@dataclass(frozen=True)
class Effort:
    """What a round took beside its answers: measured time, wall time, and the generator's own processor time."""

    measured_s: float
    wall_s: float
    cpu_s: float


class Tally:
    """Counts what was answered; what falls into the measured time also goes into rate and latencies."""

    def __init__(self, measured_from: float, measured_until: float) -> None:
        """Measures between these two instants of the monotonic clock."""
        self._from = measured_from
        self._until = measured_until
        self.latencies = Latencies()
        self.lateness = Latencies()
        self.measured = self.operations = self.calls = self.acknowledged = self.in_doubt = 0
        self.refusals: Counter[str] = Counter()

    def answer(self, step: Step, status: int, message: bytes) -> int:
        """Counts one answer and returns how many items of it succeeded."""
        self.calls += 1
        if status != 0:
            self.refusals[str(status)] += 1
            self.in_doubt += step.rows if status in LEAVE_IT_OPEN else 0
            return 0
        if step.answer != "batch":
            self.acknowledged += step.rows
            return 1
        succeeded, refused = batch_outcomes(message)
        self.acknowledged += succeeded
        self.refusals.update(str(code) for code in refused)
        return succeeded

    def finish(self, at: float, latency_s: float, items: int) -> None:
        """Counts an operation that came to its end, or the items of a batch that did so together.

        `at` is the instant by which it belongs to the measured time or does not.
        """
        self.operations += items
        if self._from <= at < self._until:
            self.measured += items
            self.latencies.add(latency_s, items)

    def give_up(self, at: float, age_s: float) -> None:
        """Counts how long a call has taken at least that was not answered well: left out, it would flatter."""
        if self._from <= at < self._until:
            self.latencies.add(age_s)

    def outcome(self, effort: Effort, unanswered: int) -> Outcome:
        """What has been counted, of a round that took so much."""
        return Outcome(
            rate=self.measured / effort.measured_s,
            p50_ms=self.latencies.quantile_ms(0.50),
            p99_ms=self.latencies.quantile_ms(0.99),
            p999_ms=self.latencies.quantile_ms(0.999),
            late_p99_ms=self.lateness.quantile_ms(0.99),
            operations=self.operations,
            calls=self.calls,
            acknowledged=self.acknowledged,
            unanswered=unanswered,
            in_doubt=self.in_doubt,
            generator_cpu_s=effort.cpu_s,
            wall_s=effort.wall_s,
            refusals=dict(self.refusals),
        )
