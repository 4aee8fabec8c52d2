"""Attempts to deliver events, and dead letters, as they are listed."""

from collections.abc import Sequence
from typing import Any, Final, NamedTuple

from sqlalchemy import Connection, text

from creditd.domain.instant import Instant
from creditd.storage.arrays import identifiers, numbers, texts
from creditd.storage.event_ids import first_id
from creditd.storage.rows import micros, timestamp


class DeliveryAttempt(NamedTuple):
    """An attempt to deliver an event: the ``number``-th; ``status`` is 0 without an answer."""

    endpoint_key: str
    attempt_id: str
    position: int
    account_id: str
    event_id: str
    kind: int
    number: int
    status: int
    problem: str
    begin_time: Instant
    milliseconds: int


_NOTE = text(f"""
INSERT INTO event_delivery_attempts (endpoint_key, attempt_id, position, account, event_id, kind, number, status,
                                     problem, begin_time, milliseconds)
SELECT endpoint_key, attempt_id, position, account, event_id, kind, number, status, problem,
       {timestamp("begin_time")}, milliseconds
FROM unnest(CAST(:endpoint_key AS uuid[]), CAST(:attempt_id AS uuid[]), CAST(:position AS bigint[]),
            CAST(:account_id AS text[]), CAST(:event_id AS uuid[]), CAST(:kind AS smallint[]),
            CAST(:number AS integer[]), CAST(:status AS integer[]), CAST(:problem AS text[]),
            CAST(:begin_time AS bigint[]), CAST(:milliseconds AS integer[]))
     AS n (endpoint_key, attempt_id, position, account, event_id, kind, number, status, problem, begin_time,
           milliseconds)
ON CONFLICT (endpoint_key, attempt_id) DO NOTHING
""")

_IDENTIFIERS: Final = ("endpoint_key", "attempt_id", "event_id")
_TEXTS: Final = ("account_id", "problem")


def note(connection: Connection, attempts: Sequence[DeliveryAttempt]) -> None:
    """Note attempts; one that is noted before stays as it is."""
    if attempts:
        connection.execute(_NOTE, {name: _array(name, attempts) for name in DeliveryAttempt._fields})


def _array(name: str, attempts: Sequence[DeliveryAttempt]) -> str:
    values = [getattr(attempt, name) for attempt in attempts]
    if name in _IDENTIFIERS:
        return identifiers(values)
    return texts(values) if name in _TEXTS else numbers(values)


_PAGE = text(f"""
SELECT endpoint_key::text, attempt_id::text, position, account, event_id::text, kind, number, status, problem,
       {micros("begin_time")}, milliseconds
FROM event_delivery_attempts AS a
WHERE a.endpoint_key = CAST(:endpoint_key AS uuid) AND a.attempt_id < CAST(:before AS uuid)
ORDER BY a.attempt_id DESC LIMIT :count
""")

LAST_ID: Final = "ffffffff-ffff-ffff-ffff-ffffffffffff"


def page(connection: Connection, endpoint_key: str, before: str, count: int) -> list[DeliveryAttempt]:
    """Return an endpoint's attempts before one, newest first."""
    values = {"endpoint_key": endpoint_key, "before": before or LAST_ID, "count": count}
    return [_attempt(row) for row in connection.execute(_PAGE, values)]


def _attempt(row: Any) -> DeliveryAttempt:
    *columns, begin_time, milliseconds = row
    return DeliveryAttempt._make((*columns, Instant(begin_time), milliseconds))


_PRUNE = text("""
DELETE FROM event_delivery_attempts WHERE ctid = ANY (ARRAY(
    SELECT a.ctid FROM event_endpoints AS e CROSS JOIN LATERAL (
        SELECT ctid FROM event_delivery_attempts
        WHERE endpoint_key = e.endpoint_key
        AND attempt_id < CASE WHEN e.delete_time IS NULL THEN CAST(:before AS uuid) ELSE CAST(:last AS uuid) END
        ORDER BY attempt_id LIMIT :count
    ) AS a LIMIT :count
))
""")


def prune(connection: Connection, before: Instant, count: int) -> int:
    """Remove up to ``count`` attempts made before an instant, and those of deleted endpoints; return how many."""
    values = {"before": first_id(before), "last": LAST_ID, "count": count}
    return connection.execute(_PRUNE, values).rowcount


class DeadLetter(NamedTuple):
    """An event that could not be delivered for a day."""

    position: int
    account_id: str
    event_id: str
    kind: int
    attempts: int
    problem: str
    begin_time: Instant


_DEAD = text(f"""
SELECT d.position, e.account, e.event_id::text, e.kind, d.attempts, d.problem, {micros("d.begin_time")}
FROM (
    SELECT position, attempts, problem, begin_time FROM event_deliveries
    WHERE endpoint_key = CAST(:endpoint_key AS uuid) AND state = 2 AND position > :after
    ORDER BY position LIMIT :count
) AS d CROSS JOIN LATERAL (
    SELECT account, event_id, kind FROM published_events WHERE position = d.position OFFSET 0
) AS e
ORDER BY d.position
""")


def dead_letters(connection: Connection, endpoint_key: str, after: int, count: int) -> list[DeadLetter]:
    """Return an endpoint's dead letters after a position, of events that are kept."""
    values = {"endpoint_key": endpoint_key, "after": after, "count": count}
    return [DeadLetter._make((*row[:-1], Instant(row[-1]))) for row in connection.execute(_DEAD, values)]
