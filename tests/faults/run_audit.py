"""The books of runs, gone through by their rows: whatever was killed, each has ended once, and costs what it says."""

from collections import Counter
from collections.abc import Collection
from typing import Any, Final, NamedTuple

import psycopg

from creditd.domain.entry import EntryKind
from creditd.domain.reservation import ReservationState
from creditd.domain.workflows.run import RunState
from tests.faults.executor_process import ExecutorProcess

# Numbers of enums of ours are all that is put into them.
_RUNS: Final = f"""
SELECT r.account_id, r.run_id::text, r.state, r.is_fixed, r.held_amount, r.used_amount, r.attempts,
       count(e.*) FILTER (WHERE e.kind = {EntryKind.CONFIRM:d}) AS confirms,
       count(e.*) FILTER (WHERE e.kind = {EntryKind.REFUND:d}) AS refunds,
       coalesce(-sum(e.available_delta), 0)::bigint AS charged, coalesce(sum(e.reserved_delta), 0)::bigint AS held
FROM runs AS r LEFT JOIN entries AS e ON e.account_id = r.account_id AND e.reservation_id = r.run_id
GROUP BY r.account_id, r.run_id
"""  # noqa: S608 - see above.

_HOLDS: Final = f"""
SELECT (SELECT count(*) FROM reservations WHERE state = {ReservationState.PENDING:d})
     + (SELECT count(*) FROM wallets WHERE reserved <> 0)
"""  # noqa: S608 - see above.


class RunBooks(NamedTuple):
    """What was found wrong, by number, and what there is."""

    unresolved: int
    lost: int
    doubled: int
    charged_twice: int
    charged_without_success: int
    charged_otherwise: int
    without_result: int
    holds_left: int
    states: Counter[str]
    attempts: int

    @property
    def is_in_order(self) -> bool:
        """Whether nothing is wrong."""
        return not any(self[:8])


def audit_runs(connection: "psycopg.Connection[Any]", made: Collection[str], executor: ExecutorProcess) -> RunBooks:
    """Go through all runs; ``made`` are the ids that were acknowledged, one for each request."""
    rows = connection.execute(_RUNS).fetchall()
    (holds_left,) = connection.execute(_HOLDS).fetchone() or (0,)
    found = Counter[str]()
    states, attempts = Counter[str](), 0
    for _, run_id, state, is_fixed, held_amount, used, tries, confirms, refunds, charged, held in rows:
        states[RunState(state).name] += 1
        attempts += tries
        succeeded = state == RunState.SUCCEEDED
        found["unresolved"] += state in (RunState.WAITING, RunState.RUNNING)
        found["charged_twice"] += confirms > 1 or refunds > 1 or confirms + refunds > 1
        found["charged_without_success"] += bool(charged) and not succeeded
        found["charged_otherwise"] += charged != used or held != 0 or (succeeded and not charged)
        if succeeded:
            result = executor.result(run_id)
            expected = held_amount if is_fixed else (result.success.used_amount if result else 0)
            found["without_result"] += result is None or not result.HasField("success") or expected != used
    there = {run_id for _, run_id, *_ in rows}
    return RunBooks(
        found["unresolved"],
        len(set(made) - there),
        len(there - set(made)),
        found["charged_twice"],
        found["charged_without_success"],
        found["charged_otherwise"],
        found["without_result"],
        holds_left,
        states,
        attempts,
    )
