"""What is to be delivered to endpoints, and the attempts that were made.

Of an account the deliveries to an endpoint are made one after the other: the first has a time for its next attempt, and
those after it get theirs once it is through or given up. So an event that cannot be delivered holds up what follows
of its account, and nothing else. Whoever adds deliveries holds the endpoint's row; whoever ends one shares it: so that none
is added behind one that ends at the same moment.
"""

from collections.abc import Sequence
from typing import Any, Final, NamedTuple

from sqlalchemy import Connection, text

from creditd.domain.instant import Instant
from creditd.storage.arrays import numbers, texts
from creditd.storage.event_ids import first_id
from creditd.storage.published_events import PublishedEvent
from creditd.storage.rows import micros, timestamp

PENDING, GIVEN_UP = 1, 2

_ADD = text(f"""
INSERT INTO event_deliveries AS d (endpoint_id, position, account, state, attempts, begin_time, next_attempt_time,
                                   problem)
SELECT :endpoint_id, n.position, n.account, 1, 0, {timestamp(":now ::bigint")},
       CASE WHEN n.is_first AND NOT EXISTS (
           SELECT FROM event_deliveries WHERE endpoint_id = :endpoint_id AND account = n.account AND state = 1
       ) THEN {timestamp(":now ::bigint")} END, ''
FROM unnest(:position ::bigint[], :account ::text[], :is_first ::boolean[]) AS n (position, account, is_first)
ON CONFLICT (endpoint_id, position) DO UPDATE SET
    state = 1, attempts = 0, begin_time = excluded.begin_time, next_attempt_time = excluded.next_attempt_time
WHERE d.state = 2
""")


def add(connection: Connection, endpoint_id: str, events: Sequence[PublishedEvent], now: Instant) -> None:
    """Have events delivered, also those that were given up; what is on its way stays so. The endpoint is held."""
    if not events:
        return
    seen: set[str] = set()
    firsts = [not (event.account_id in seen or seen.add(event.account_id)) for event in events]
    values = {
        "endpoint_id": endpoint_id,
        "now": now,
        "position": numbers(event.position for event in events),
        "account": texts(event.account_id for event in events),
        "is_first": "{" + ",".join("t" if first else "f" for first in firsts) + "}",
    }
    connection.execute(_ADD, values)


class Claimed(NamedTuple):
    """A delivery that is to be attempted, and since when it is."""

    position: int
    account_id: str
    attempts: int
    begin_time: Instant


_CLAIM = text(f"""
UPDATE event_deliveries SET attempts = attempts + 1, next_attempt_time = {timestamp(":until ::bigint")}
WHERE ctid = ANY (ARRAY(
    SELECT ctid FROM event_deliveries
    WHERE endpoint_id = :endpoint_id AND next_attempt_time <= {timestamp(":now ::bigint")}
    ORDER BY next_attempt_time LIMIT :count FOR UPDATE SKIP LOCKED
))
RETURNING position, account, attempts, {micros("begin_time")}
""")


def claim(connection: Connection, endpoint_id: str, now: Instant, until: Instant, count: int) -> list[Claimed]:
    """Take up to ``count`` deliveries that are due; whoever dies with them loses them to others at ``until``."""
    values = {"endpoint_id": endpoint_id, "now": now, "until": until, "count": count}
    return [Claimed(*row) for row in connection.execute(_CLAIM, values)]


_NEXT = text(f"""
UPDATE event_deliveries SET next_attempt_time = {timestamp(":now ::bigint")}
WHERE endpoint_id = :endpoint_id AND position = (
    SELECT position FROM event_deliveries WHERE endpoint_id = :endpoint_id AND account = :account AND state = 1
    ORDER BY position LIMIT 1
) AND next_attempt_time IS NULL
""")

_DELIVERED = text("DELETE FROM event_deliveries WHERE endpoint_id = :endpoint_id AND position = :position")

_PUT_OFF = text(f"""
UPDATE event_deliveries SET next_attempt_time = {timestamp(":until ::bigint")}, problem = :problem
WHERE endpoint_id = :endpoint_id AND position = :position AND state = 1 AND attempts = :attempts
""")

_GIVE_UP = text("""
UPDATE event_deliveries SET state = 2, next_attempt_time = NULL, problem = :problem
WHERE endpoint_id = :endpoint_id AND position = :position AND state = 1 AND attempts = :attempts
""")


def end(connection: Connection, endpoint_id: str, claimed: Claimed, now: Instant) -> None:
    """Note that an event was delivered; the next one of its account follows. The endpoint is shared."""
    connection.execute(_DELIVERED, {"endpoint_id": endpoint_id, "position": claimed.position})
    connection.execute(_NEXT, {"endpoint_id": endpoint_id, "account": claimed.account_id, "now": now})


def put_off(connection: Connection, endpoint_id: str, claimed: Claimed, until: Instant, problem: str) -> None:
    """Attempt a delivery again later, unless somebody else does already."""
    connection.execute(
        _PUT_OFF,
        {
            "endpoint_id": endpoint_id,
            "position": claimed.position,
            "attempts": claimed.attempts,
            "until": until,
            "problem": problem,
        },
    )


def give_up(connection: Connection, endpoint_id: str, claimed: Claimed, now: Instant, problem: str) -> None:
    """Attempt a delivery no more; the next one of its account follows. The endpoint is shared."""
    values = {
        "endpoint_id": endpoint_id,
        "position": claimed.position,
        "attempts": claimed.attempts,
        "problem": problem,
    }
    if connection.execute(_GIVE_UP, values).rowcount:
        connection.execute(_NEXT, {"endpoint_id": endpoint_id, "account": claimed.account_id, "now": now})


class DeliveryAttempt(NamedTuple):
    """An attempt to deliver an event."""

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
INSERT INTO event_delivery_attempts (endpoint_id, attempt_id, position, account, event_id, kind, number, status,
                                     problem, begin_time, milliseconds)
VALUES (:endpoint_id, :attempt_id, :position, :account_id, :event_id, :kind, :number, :status, :problem,
        {timestamp(":begin_time ::bigint")}, :milliseconds)
""")

_ATTEMPTS = text(f"""
SELECT attempt_id::text, position, account, event_id::text, kind, number, status, problem, {micros("begin_time")},
       milliseconds
FROM event_delivery_attempts
WHERE endpoint_id = :endpoint_id AND attempt_id < :before ::uuid ORDER BY attempt_id DESC LIMIT :count
""")

LAST_ID: Final = "ffffffff-ffff-ffff-ffff-ffffffffffff"


def note(connection: Connection, endpoint_id: str, attempt: DeliveryAttempt) -> None:
    """Note an attempt."""
    connection.execute(_NOTE, attempt._asdict() | {"endpoint_id": endpoint_id})


def attempts(connection: Connection, endpoint_id: str, before: str, count: int) -> list[DeliveryAttempt]:
    """Return an endpoint's attempts before one, newest first."""
    values = {"endpoint_id": endpoint_id, "before": before or LAST_ID, "count": count}
    return [_attempt(row) for row in connection.execute(_ATTEMPTS, values)]


def _attempt(row: Any) -> DeliveryAttempt:
    *columns, begin_time, milliseconds = row
    return DeliveryAttempt(*columns, Instant(begin_time), milliseconds)


_PRUNE_ATTEMPTS = text("""
DELETE FROM event_delivery_attempts WHERE ctid = ANY (ARRAY(
    SELECT ctid FROM event_delivery_attempts WHERE endpoint_id = :endpoint_id AND attempt_id < :before ::uuid
    ORDER BY attempt_id LIMIT :count
))
""")

_PRUNE_DELIVERIES = text("""
DELETE FROM event_deliveries WHERE ctid = ANY (ARRAY(
    SELECT ctid FROM event_deliveries WHERE endpoint_id = :endpoint_id AND position <= :upto
    ORDER BY position LIMIT :count
))
""")


def prune_attempts(connection: Connection, endpoint_id: str, before: Instant | None, count: int) -> int:
    """Remove up to ``count`` attempts that were made before an instant, or any; return how many."""
    values = {"endpoint_id": endpoint_id, "before": LAST_ID if before is None else first_id(before), "count": count}
    return connection.execute(_PRUNE_ATTEMPTS, values).rowcount


def prune_deliveries(connection: Connection, endpoint_id: str, upto: int, count: int) -> int:
    """Remove up to ``count`` deliveries of events up to a position; return how many."""
    values = {"endpoint_id": endpoint_id, "upto": upto, "count": count}
    return connection.execute(_PRUNE_DELIVERIES, values).rowcount


_NEEDED = text("""
SELECT min(least(e.position, coalesce(d.position - 1, e.position)))
FROM event_endpoints AS e LEFT JOIN LATERAL (
    SELECT position FROM event_deliveries WHERE endpoint_id = e.endpoint_id AND state = 1 ORDER BY position LIMIT 1
) AS d ON true
WHERE NOT e.paused
""")


def through(connection: Connection) -> int | None:
    """Return the position up to which no active endpoint needs an event any more; None if there is no endpoint."""
    position: int | None = connection.execute(_NEEDED).scalar_one()
    return position
