"""Executions: what an executor is asked to run, and what it may answer."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol


@dataclass(frozen=True)
class Execution:
    """What an executor is asked to run. Amounts are in the credit type's smallest unit.

    ``run_id`` is the idempotency key: unique to the run, and the same at every attempt; ``attempt`` counts from 1.
    ``input`` is a JSON object of at most 64 kB. ``held_amount`` is the most that the run may use, at least 0. At
    ``deadline``, which has a time zone, the run is given up.
    """

    run_id: str
    account_id: str
    workflow_id: str
    attempt: int
    input: bytes
    credit_type: str
    held_amount: int
    deadline: datetime


@dataclass(frozen=True)
class Progress:
    """How far an execution has come: from 0 to 100 per cent, None if that is not known, and what is being done."""

    percent: int | None
    message: str


@dataclass(frozen=True)
class Succeeded:
    """The work is done. ``used_amount`` is from 0 to what is held; None stands for the whole fixed cost.

    ``output`` is a JSON object of at most 64 kB, or empty.
    """

    used_amount: int | None
    output: bytes


@dataclass(frozen=True)
class Failed:
    """The work has failed for good: what is held goes back. ``reason`` is for programs, ``message`` for people."""

    reason: str
    message: str


@dataclass(frozen=True)
class Unreached:
    """Nobody knows whether the execution runs: it is to be tried again, by the same run id. ``message`` tells why."""

    message: str


class Executor(Protocol):
    """Runs workflows, somewhere else."""

    async def execute(
        self, execution: Execution, progress: Callable[[Progress], None]
    ) -> Succeeded | Failed | Unreached:
        """Have an execution run, and return how it ended; ``progress`` is told on the way. Raises nothing of its own.

        If the task that waits is cancelled, the executor is left alone: the run goes on there.
        """

    async def cancel(self, run_id: str, why: str) -> bool:
        """Tell the executor that a run was given up. Returns True once it knows that, False if it was not reached."""
