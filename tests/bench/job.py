"""What the load generator is told to do and what it tells back, as JSON between two processes."""

import json
from dataclasses import asdict, dataclass, field
from typing import Any, Self

CALLERS_PER_CONNECTION = 16
"""How many callers share a connection: a few client processes with a few threads each."""


@dataclass(frozen=True)
class Step:
    """One call of an operation. `answer` says what its message is read for: nothing, a reservation, or a batch.

    `rows` is how many rows of the ledger the call makes: none for a read, and at most so many for a batch.
    """

    path: str
    template: str
    answer: str = "nothing"
    rows: int = 1


@dataclass(frozen=True)
class Operation:
    """What a caller does, one call after the other, and how often it does this rather than another operation."""

    steps: tuple[Step, ...]
    weight: int = 1


@dataclass(frozen=True)
class Job:
    """One round of load on accounts drawn at random; nothing counts that happens before `warmup_s`.

    In a closed loop, `rate` 0, `callers` callers each do one operation after the other until the time is over; with
    `each_once` every account gets one operation and the round ends. In an open loop `rate` operations begin each
    second, whatever became of those before, over as many connections as so many callers would have; the measured time
    is reported in `windows` of `measured_s` each.

    Where there are several operations they are drawn by their weights, and each call counts by itself, since they have
    not as many steps. With `names_accounts` a header says which account a call is of; each call is to be of one.
    """

    port: int
    token: str
    operations: tuple[Operation, ...]
    callers: int
    first_account: int
    accounts: int
    warmup_s: float = 0.0
    measured_s: float = 0.0
    each_once: bool = False
    rate: float = 0.0
    windows: int = 1
    names_accounts: bool = False

    @property
    def connections(self) -> int:
        """Over how many connections the callers are spread."""
        return -(-self.callers // CALLERS_PER_CONNECTION)

    @property
    def counts_calls(self) -> bool:
        """Whether it is calls that are counted, and not operations."""
        return len(self.operations) > 1

    def to_json(self) -> str:
        """The job as one line."""
        return json.dumps(asdict(self))

    @classmethod
    def from_json(cls, text: str) -> Self:
        """The job that `to_json` wrote."""
        values: dict[str, Any] = json.loads(text)
        values["operations"] = tuple(
            Operation(tuple(Step(**step) for step in operation["steps"]), operation["weight"])
            for operation in values["operations"]
        )
        return cls(**values)


@dataclass
class Outcome:
    """What came of a round, or of a window of it.

    `rate` and the latencies are of the measured time alone. Everything else counts the round from its first call to its
    last answer. An operation of a batched step is one item of the batch, its latency that of the whole call.
    `acknowledged` counts the rows of the ledger that callers were told of, `in_doubt` those that may be there or not:
    of calls without an answer, or with one that leaves it open. `late_p99_ms` says how late an open loop sent.
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
    p999_ms: float = 0.0
    in_doubt: int = 0
    late_p99_ms: float = 0.0

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
