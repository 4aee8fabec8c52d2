"""Leases of runs: which server works on a run, until when; and what is to be done by any server.

Whoever takes a run raises its lease. Every statement here is of all of a server's runs, or of a bounded number.
"""

from collections.abc import Collection, Mapping, Sequence
from typing import Final, NamedTuple

from sqlalchemy import Connection, text

from creditd.domain.instant import SECOND, Instant
from creditd.domain.reservation import ReservationKey
from creditd.domain.workflows.execution import Progress
from creditd.domain.workflows.run import Run, RunKey, RunState
from creditd.storage.arrays import flags, identifiers, numbers, texts
from creditd.storage.rows import timestamp
from creditd.storage.workflows.runs import columns, run_from

LOOKED_AT: Final = 1_000
"""Due runs that a claim looks at, of each executor: those of ten accounts that have as many as they may."""


class Room(NamedTuple):
    """What a server may take: so many runs, of these executors, so many of one account with those it has."""

    runs: int
    executors: Collection[str]
    of_account: int
    accounts: Mapping[str, int]


# Those of an account are numbered, on top of what the server has of it: all first ones come before any second one. A
# run past its deadline is taken whatever its executor is, since nobody is to be asked. Each row is looked at again once
# it is locked, so that none is taken twice.
_CLAIM: Final = text(f"""
WITH due AS (
    SELECT d.account_id, d.run_id, d.due_time
    FROM unnest(:executors ::text[]) AS e (executor) CROSS JOIN LATERAL (
        SELECT account_id, run_id, due_time FROM runs
        WHERE executor = e.executor AND state <= 2 AND due_time <= {timestamp(":now ::bigint")}
        ORDER BY due_time LIMIT {LOOKED_AT}
    ) AS d
    UNION
    SELECT o.account_id, o.run_id, o.due_time FROM (
        SELECT account_id, run_id, due_time FROM runs
        WHERE state IN (1, 2) AND deadline <= {timestamp(":now ::bigint")} AND due_time <= {timestamp(":now ::bigint")}
        ORDER BY deadline LIMIT {LOOKED_AT}
    ) AS o
), ranked AS (
    SELECT due.account_id, due.run_id, due.due_time, coalesce(h.held, 0)
           + row_number() OVER (PARTITION BY due.account_id ORDER BY due.due_time, due.run_id) AS rank
    FROM due LEFT JOIN unnest(:account_id ::text[], :held ::bigint[]) AS h (account_id, held)
         ON h.account_id = due.account_id
)
UPDATE runs AS r SET lease = r.lease + 1, version = r.version + 1, due_time = {timestamp(":lease_end ::bigint")},
    attempts = r.attempts + (r.deadline > {timestamp(":now ::bigint")})::integer,
    state = CASE WHEN r.deadline > {timestamp(":now ::bigint")} THEN {RunState.RUNNING:d} ELSE r.state END,
    update_time = greatest(r.update_time, {timestamp(":now ::bigint")})
WHERE r.ctid = ANY (ARRAY(
    SELECT t.ctid FROM (
        SELECT account_id, run_id FROM ranked WHERE rank <= :of_account ORDER BY rank, due_time
    ) AS c CROSS JOIN LATERAL (
        SELECT ctid FROM runs
        WHERE account_id = c.account_id AND run_id = c.run_id AND state <= 2
          AND due_time <= {timestamp(":now ::bigint")} FOR UPDATE SKIP LOCKED OFFSET 0
    ) AS t LIMIT :most
))
RETURNING {columns()}
""")


def claim(connection: Connection, room: Room, now: Instant, lease_end: Instant) -> list[Run]:
    """Take runs that are due, until ``lease_end``: in turn by account, the longest due first."""
    parameters = {
        "executors": texts(room.executors),
        "account_id": texts(room.accounts.keys()),
        "held": numbers(room.accounts.values()),
        "of_account": room.of_account,
        "most": room.runs,
        "now": now,
        "lease_end": lease_end,
    }
    return [run_from(row) for row in connection.execute(_CLAIM, parameters)]


class Lease(NamedTuple):
    """A run that a server works on, by the number under which it was taken; ``hold`` is what holds its credits.

    ``progress`` is None for nothing new.
    """

    key: RunKey
    number: int
    hold: ReservationKey
    progress: Progress | None = None


_OURS: Final = """
    SELECT o.ctid
    FROM unnest(:account_id ::text[], :run_id ::uuid[], :lease ::bigint[]) AS k (account_id, run_id, lease)
    CROSS JOIN LATERAL (
        SELECT ctid FROM runs
        WHERE account_id = k.account_id AND run_id = k.run_id AND lease = k.lease AND state <= 2
        FOR UPDATE SKIP LOCKED OFFSET 0
    ) AS o
"""

_NEWS: Final = "(:has_progress ::boolean[])[array_position(:run_id ::uuid[], r.run_id)]"

# A row that others hold for a moment is left out, and still ours; the next round renews it. An id is one run's alone.
_RENEW: Final = text(f"""
UPDATE runs AS r SET due_time = {timestamp(":lease_end ::bigint")},
    version = r.version + {_NEWS}::integer,
    progress_percent = CASE WHEN {_NEWS}
        THEN (:percent ::bigint[])[array_position(:run_id ::uuid[], r.run_id)] ELSE r.progress_percent END,
    progress_message = CASE WHEN {_NEWS}
        THEN (:message ::text[])[array_position(:run_id ::uuid[], r.run_id)] ELSE r.progress_message END,
    update_time = CASE WHEN {_NEWS}
        THEN greatest(r.update_time, {timestamp(":now ::bigint")}) ELSE r.update_time END
WHERE r.ctid = ANY (ARRAY({_OURS}))
""")

_STILL_OURS: Final = text("""
SELECT k.account_id, k.run_id::text
FROM unnest(:account_id ::text[], :run_id ::uuid[], :lease ::bigint[]) AS k (account_id, run_id, lease)
CROSS JOIN LATERAL (
    SELECT lease, state FROM runs WHERE account_id = k.account_id AND run_id = k.run_id OFFSET 0
) AS r
WHERE r.lease = k.lease AND r.state <= 2
""")


def renew(connection: Connection, leases: Sequence[Lease], now: Instant, lease_end: Instant) -> set[RunKey]:
    """Renew leases until ``lease_end``, and write progress; return which runs are still ours."""
    ours, news = _keys(leases), [lease.progress for lease in leases]
    parameters = {
        **ours,
        "has_progress": flags(one is not None for one in news),
        "percent": numbers(one.percent if one else None for one in news),
        "message": texts(one.message if one else "" for one in news),
        "now": now,
        "lease_end": lease_end,
    }
    connection.execute(_RENEW, parameters)
    return {RunKey(*row) for row in connection.execute(_STILL_OURS, ours)}


def _keys(leases: Sequence[Lease]) -> dict[str, str]:
    return {
        "account_id": texts(lease.key.account_id for lease in leases),
        "run_id": identifiers(lease.key.run_id for lease in leases),
        "lease": numbers(lease.number for lease in leases),
    }


_PUT_OFF: Final = text(f"""
UPDATE runs SET state = {RunState.WAITING:d}, version = version + 1, due_time = {timestamp(":due_time ::bigint")},
    update_time = greatest(update_time, {timestamp(":now ::bigint")})
WHERE account_id = :account_id AND run_id = :run_id ::uuid AND lease = :lease AND state <= 2
""")


def put_off(connection: Connection, lease: Lease, due_time: Instant, now: Instant) -> None:
    """Leave a run to whoever looks at it at ``due_time``, if it is still ours."""
    connection.execute(_PUT_OFF, {**lease.key._asdict(), "lease": lease.number, "due_time": due_time, "now": now})


_RELEASE: Final = text(f"""
UPDATE runs SET due_time = {timestamp(":now ::bigint")} WHERE ctid = ANY (ARRAY({_OURS}))
""")


def release(connection: Connection, leases: Sequence[Lease], now: Instant) -> None:
    """Give leases back, so that other servers go on at once."""
    connection.execute(_RELEASE, {**_keys(leases), "now": now})


_UNTOLD: Final = text(f"""
UPDATE runs AS r SET due_time = {timestamp(":again ::bigint")}
WHERE r.ctid = ANY (ARRAY(
    SELECT ctid FROM runs
    WHERE state > 2 AND due_time IS NOT NULL AND due_time <= {timestamp(":now ::bigint")}
    ORDER BY due_time LIMIT :most FOR UPDATE SKIP LOCKED
))
RETURNING {columns(whole=False)}
""")


def claim_untold(connection: Connection, now: Instant, again: Instant, most: int) -> list[Run]:
    """Take runs that were given up and whose executor does not know; they are due ``again`` unless it is told."""
    return [run_from(row) for row in connection.execute(_UNTOLD, {"now": now, "again": again, "most": most})]


_TOLD: Final = text(f"""
UPDATE runs SET due_time = {timestamp("CAST(:due_time AS bigint)")}
WHERE account_id = :account_id AND run_id = :run_id ::uuid AND state > 2
""")


def note_telling(connection: Connection, key: RunKey, due_time: Instant | None) -> None:
    """Note when an executor is to be told again that a run was given up; None once it knows, or is not told."""
    connection.execute(_TOLD, {**key._asdict(), "due_time": due_time})


COUNTED: Final = 100_000
"""Open runs that are counted at most: a thousand accounts with all that they may have."""

_LONGEST: Final = 86_400 * SECOND
"""No open run has a deadline that is further away: see Workflow.timeout in the protos."""

_BACKLOG: Final = text(f"""
SELECT count(*), extract(epoch FROM {timestamp(":now ::bigint")} - min(due_time))::float8 FROM (
    SELECT due_time FROM runs WHERE state IN (1, 2) AND deadline <= {timestamp(":last ::bigint")}
    ORDER BY deadline LIMIT {COUNTED}
) AS r
""")


class RunBacklog(NamedTuple):
    """How many runs are open, up to COUNTED, and for how many seconds the oldest one has been due."""

    open_runs: int
    oldest_due_seconds: float


def backlog(connection: Connection, now: Instant) -> RunBacklog:
    """Return what there is to do, in all of the database."""
    open_runs, seconds = connection.execute(_BACKLOG, {"now": now, "last": now + _LONGEST}).one()
    return RunBacklog(open_runs, max(0.0, seconds or 0.0))
