"""Runs as rows of their account: made, read, and changed by whoever holds the row."""

from collections.abc import Collection
from typing import Any, Final, NamedTuple

from sqlalchemy import Connection, text

from creditd.domain.workflows.run import Run, RunKey, RunState
from creditd.storage.arrays import identifiers, texts
from creditd.storage.reservations import NEWEST, OLDEST
from creditd.storage.rows import micros, timestamp


def columns(*, whole: bool = True) -> str:
    """Return the columns of ``runs AS r``, in the order of the domain's fields.

    Input and output, which are large, are left empty unless it is to be a ``whole`` run.
    """
    large = ("r.input", "r.output") if whole else ("''", "''")
    return (
        "r.account_id, r.run_id::text, r.workflow_id, r.executor, r.credit_type, r.held_amount, r.least_amount, "
        f"r.is_fixed, r.spender_id, r.reason, {large[0]}, r.state, r.version, r.attempts, r.lease, "
        f"{micros('r.due_time')}, {micros('r.deadline')}, {micros('r.hold_expire_time')}, r.progress_percent, "
        f"r.progress_message, {large[1]}, r.used_amount, r.failure_reason, r.failure_message, "
        f"{micros('r.create_time')}, {micros('r.update_time')}, {micros('r.end_time')}"
    )


def run_from(row: Any) -> Run:
    """Read ``columns``."""
    found = Run._make(row)
    return found._replace(state=RunState(found.state))


_ADD: Final = text(f"""
INSERT INTO runs (account_id, run_id, workflow_id, executor, credit_type, held_amount, least_amount, is_fixed,
                  spender_id, reason, input, state, version, attempts, lease, due_time, deadline, hold_expire_time,
                  progress_percent, progress_message, output, used_amount, failure_reason, failure_message,
                  create_time, update_time, end_time)
VALUES (:account_id, :run_id ::uuid, :workflow_id, :executor, :credit_type, :held_amount, :least_amount, :is_fixed,
        :spender_id, :reason, :input, :state, :version, :attempts, :lease, {timestamp(":due_time ::bigint")},
        {timestamp(":deadline ::bigint")}, {timestamp(":hold_expire_time ::bigint")}, :progress_percent,
        :progress_message, :output, :used_amount, :failure_reason, :failure_message,
        {timestamp(":create_time ::bigint")}, {timestamp(":update_time ::bigint")}, NULL)
""")


def add(connection: Connection, run: Run) -> None:
    """Add a run, which has not ended."""
    connection.execute(_ADD, run._asdict() | {"state": int(run.state)})


_FIND: Final = "SELECT {} FROM runs AS r WHERE r.account_id = :account_id AND r.run_id = :run_id ::uuid {}"
_READ: Final = text(_FIND.format(columns(), ""))
_LOCK: Final = text(_FIND.format(columns(), "FOR UPDATE"))


def find(connection: Connection, key: RunKey) -> Run | None:
    """Return a run; None if there is none."""
    row = connection.execute(_READ, key._asdict()).one_or_none()
    return None if row is None else run_from(row)


def lock(connection: Connection, key: RunKey) -> Run | None:
    """Return a run as it is until the transaction ends, and hold its row; None if there is none."""
    row = connection.execute(_LOCK, key._asdict()).one_or_none()
    return None if row is None else run_from(row)


_WRITE: Final = text(f"""
UPDATE runs SET state = :state, version = :version, due_time = {timestamp("CAST(:due_time AS bigint)")},
    hold_expire_time = {timestamp(":hold_expire_time ::bigint")}, output = :output, used_amount = :used_amount,
    failure_reason = :failure_reason, failure_message = :failure_message,
    update_time = {timestamp(":update_time ::bigint")}, end_time = {timestamp("CAST(:end_time AS bigint)")}
WHERE account_id = :account_id AND run_id = :run_id ::uuid
""")


def write(connection: Connection, run: Run) -> None:
    """Write what has changed of a run whose row is held."""
    connection.execute(_WRITE, run._asdict() | {"state": int(run.state)})


_COUNT_OPEN: Final = text("SELECT count(*) FROM runs WHERE account_id = :account_id AND state IN (1, 2)")


def count_open(connection: Connection, account_id: str) -> int:
    """Return how many runs of an account have not ended: no more than it may have."""
    number: int = connection.execute(_COUNT_OPEN, {"account_id": account_id}).scalar_one()
    return number


_VERSIONS: Final = text("""
SELECT k.account_id, k.run_id::text, r.version
FROM unnest(:account_id ::text[], :run_id ::uuid[]) AS k (account_id, run_id)
CROSS JOIN LATERAL (
    SELECT version FROM runs WHERE account_id = k.account_id AND run_id = k.run_id OFFSET 0
) AS r
""")


def versions(connection: Connection, keys: Collection[RunKey]) -> dict[RunKey, int]:
    """Return the versions of those runs that there are."""
    return {
        RunKey(account_id, run_id): version
        for account_id, run_id, version in connection.execute(_VERSIONS, _keys(keys))
    }


def _keys(keys: Collection[RunKey]) -> dict[str, str]:
    return {"account_id": texts(key.account_id for key in keys), "run_id": identifiers(key.run_id for key in keys)}


class RunFilter(NamedTuple):
    """Which runs of an account; an empty workflow or no state lets all pass."""

    account_id: str
    workflow_id: str
    state: RunState | None


class RunLook(NamedTuple):
    """What a look at runs found, newest first; beyond ``end``, an id, it did not look, None for the end."""

    runs: list[Run]
    end: str | None


_RANGE: Final = "r.account_id = :account_id AND r.run_id >= :from_id ::uuid AND r.run_id < :before ::uuid"

_OLDEST_OF: Final = text(f"""
SELECT r.run_id::text FROM runs AS r WHERE {_RANGE} ORDER BY r.run_id DESC OFFSET :rows - 1 LIMIT 1
""")

_PAGE: Final = text(f"""
SELECT {columns(whole=False)} FROM runs AS r
WHERE {_RANGE} AND (:workflow_id = '' OR r.workflow_id = :workflow_id) AND (:state = 0 OR r.state = :state)
ORDER BY r.run_id DESC LIMIT :count
""")


def page(connection: Connection, wanted: RunFilter, before: str, *, count: int, rows: int) -> RunLook:
    """Return the newest ``count`` runs that pass the filter and are older than the one with the id ``before``.

    They come without input and output. No more than ``rows`` are looked at, so that there may be fewer, or none,
    although there are more.
    """
    before = before or NEWEST
    span = {"account_id": wanted.account_id, "from_id": OLDEST, "before": before}
    end: str | None = None
    if wanted.workflow_id or wanted.state is not None:
        end = connection.execute(_OLDEST_OF, {**span, "rows": rows}).scalar_one_or_none()
    parameters = {
        **span,
        "from_id": end or OLDEST,
        "workflow_id": wanted.workflow_id,
        "state": int(wanted.state or 0),
        "count": count,
    }
    return RunLook([run_from(row) for row in connection.execute(_PAGE, parameters)], end)
