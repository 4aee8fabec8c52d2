"""What the load generator is told to do and what it tells back, as JSON between two processes."""

import json
from dataclasses import asdict, dataclass, field
from typing import Any, Self

CALLERS_PER_CONNECTION = 16
"""How many callers share a connection: a few client processes with a few threads each."""


@dataclass(frozen=True)
class Step:
    """One call of an operation. `answer` says what its message is read for: nothing, a reservation, or a batch."""

    path: str
    template: str
    answer: str = "nothing"


@dataclass(frozen=True)
class Job:
    """One round of load: `callers` callers that each do `steps` again and again, one call at a time.

    With `each_once` every account gets one operation and the round ends; otherwise accounts are drawn at random until
    the time is over, and nothing counts that ends before `warmup_s`.
    """

    port: int
    token: str
    steps: tuple[Step, ...]
    callers: int
    first_account: int
    accounts: int
    warmup_s: float = 0.0
    measured_s: float = 0.0
    each_once: bool = False

    @property
    def connections(self) -> int:
        """Over how many connections the callers are spread."""
        return -(-self.callers // CALLERS_PER_CONNECTION)

    def to_json(self) -> str:
        """The job as one line."""
        return json.dumps(asdict(self))

    @classmethod
    def from_json(cls, text: str) -> Self:
        """The job that `to_json` wrote."""
        values: dict[str, Any] = json.loads(text)
        values["steps"] = tuple(Step(**step) for step in values["steps"])
        return cls(**values)


@dataclass
class Outcome:
    """What came of a round.

    `rate`, `p50_ms` and `p99_ms` are of the measured time alone. Everything else counts the round from its first call
    to its last answer. An operation of a batched step is one item of the batch, its latency that of the whole call.
    """

    rate: float
    p50_ms: float
    p99_ms: float
    operations: int
    calls: int
    acknowledged: int
    unanswered: int
    generator_cpu_s: float
    wall_s: float
    refusals: dict[str, int] = field(default_factory=dict)

    def per_operation_us(self, seconds: float) -> float:
        """These seconds, used during the whole round, for each of its operations in microseconds."""
        return seconds / max(self.operations, 1) * 1e6

    def to_json(self) -> str:
        """The outcome as one line."""
        return json.dumps(asdict(self))

    @classmethod
    def from_json(cls, text: str) -> Self:
        """The outcome that `to_json` wrote."""
        return cls(**json.loads(text))
