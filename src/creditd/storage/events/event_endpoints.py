"""Event endpoints as rows, with their encrypted secrets.

Whoever adds or ends deliveries of an endpoint holds its row meanwhile: so that none is added behind one that ends at
the same moment, and would wait for it for ever.
"""

from collections.abc import Collection
from typing import Any, Final, NamedTuple

from sqlalchemy import Connection, text

from creditd.domain.events.event_endpoint import EventEndpoint
from creditd.domain.instant import Instant
from creditd.storage.arrays import identifiers
from creditd.storage.rows import micros, timestamp

_COLUMNS: Final = (
    "endpoint_key::text, endpoint_id, url, description, kinds, account, credit_type, paused, position, version, "
    f"{micros('create_time')}, {micros('update_time')}, {micros('active_time')}, {micros('rotation_end')}"
)


class Secrets(NamedTuple):
    """The secrets of an endpoint, encrypted; ``former`` is None if it has not been rotated."""

    present: bytes
    former: bytes | None = None


_ONE: Final = f"SELECT {_COLUMNS} FROM event_endpoints WHERE endpoint_id = :endpoint_id AND delete_time IS NULL"

_FIND = text(_ONE)

_LOCK = text(f"{_ONE} FOR NO KEY UPDATE")

_PAGE = text(f"""
SELECT {_COLUMNS} FROM event_endpoints WHERE delete_time IS NULL AND endpoint_id > :after
ORDER BY endpoint_id LIMIT :count
""")

_ADD = text(f"""
INSERT INTO event_endpoints (endpoint_key, endpoint_id, url, description, kinds, account, credit_type, paused, position,
                             version, create_time, update_time, active_time, encrypted_secret)
VALUES (CAST(:endpoint_key AS uuid), :endpoint_id, :url, :description, CAST(:kinds AS smallint[]), :account_id,
        :credit_type, :paused, :position, :version, {timestamp(":create_time ::bigint")},
        {timestamp(":update_time ::bigint")}, {timestamp(":active_time ::bigint")}, :secret)
ON CONFLICT (endpoint_id) WHERE delete_time IS NULL DO NOTHING
""")

_WRITE = text(f"""
UPDATE event_endpoints SET url = :url, description = :description, kinds = CAST(:kinds AS smallint[]),
    account = :account_id, credit_type = :credit_type, paused = :paused, position = :position, version = :version,
    update_time = {timestamp(":update_time ::bigint")}, active_time = {timestamp(":active_time ::bigint")},
    rotation_end = {timestamp(":rotation_end ::bigint")}
WHERE endpoint_key = CAST(:endpoint_key AS uuid)
""")

_ROTATE = text("""
UPDATE event_endpoints SET former_encrypted_secret = encrypted_secret, encrypted_secret = :secret
WHERE endpoint_key = CAST(:endpoint_key AS uuid)
""")

_DELETE = text(f"""
UPDATE event_endpoints SET delete_time = {timestamp(":now ::bigint")}
WHERE endpoint_key = CAST(:endpoint_key AS uuid)
""")


def add(connection: Connection, endpoint: EventEndpoint, secret: bytes) -> bool:
    """Add an endpoint with its encrypted secret; return False if there is one of its name."""
    values = endpoint._asdict() | {"kinds": list(endpoint.kinds), "secret": secret}
    return bool(connection.execute(_ADD, values).rowcount)


def find(connection: Connection, endpoint_id: str) -> EventEndpoint | None:
    """Return an endpoint, or None."""
    return _found(connection.execute(_FIND, {"endpoint_id": endpoint_id}).one_or_none())


def lock(connection: Connection, endpoint_id: str) -> EventEndpoint | None:
    """Return an endpoint and hold it until the transaction ends; None if there is none."""
    return _found(connection.execute(_LOCK, {"endpoint_id": endpoint_id}).one_or_none())


def page(connection: Connection, after: str, count: int) -> list[EventEndpoint]:
    """Return the endpoints whose ids come after one, by id."""
    rows = connection.execute(_PAGE, {"after": after, "count": count})
    return [_endpoint(row) for row in rows]


def write(connection: Connection, endpoint: EventEndpoint) -> None:
    """Write an endpoint that is held; its secrets stay."""
    connection.execute(_WRITE, endpoint._asdict() | {"kinds": list(endpoint.kinds)})


def rotate(connection: Connection, endpoint_key: str, secret: bytes) -> None:
    """Give an endpoint that is held another encrypted secret; the present one becomes the former."""
    connection.execute(_ROTATE, {"endpoint_key": endpoint_key, "secret": secret})


def delete(connection: Connection, endpoint_key: str, now: Instant) -> None:
    """Delete an endpoint that is held: nobody sees it any more. What belongs to it goes later, in shares."""
    connection.execute(_DELETE, {"endpoint_key": endpoint_key, "now": now})


class DueEndpoint(NamedTuple):
    """An endpoint, and whether there is anything to do for it: events to take over, or deliveries to attempt."""

    endpoint_key: str
    is_behind: bool
    is_due: bool


# The one look of a server that is idle: a row and an index's first entry for each endpoint, of which there are few.
_LOOK = text(f"""
SELECT e.endpoint_key::text, NOT e.paused AND e.position < p.position, NOT e.paused AND (
    SELECT true FROM event_deliveries AS d
    WHERE d.endpoint_key = e.endpoint_key AND d.next_attempt_time <= {timestamp(":now ::bigint")}
    ORDER BY d.next_attempt_time LIMIT 1
) IS NOT NULL
FROM event_endpoints AS e CROSS JOIN event_publishing AS p WHERE p.name = 'events' AND e.delete_time IS NULL
""")


def look(connection: Connection, now: Instant) -> list[DueEndpoint]:
    """Return every endpoint, with whether there is anything to do for it."""
    return [DueEndpoint(*row) for row in connection.execute(_LOOK, {"now": now})]


_HOLD = text(f"""
SELECT {_COLUMNS}, encrypted_secret, former_encrypted_secret FROM event_endpoints AS e
WHERE e.endpoint_key = ANY (CAST(:keys AS uuid[])) AND e.delete_time IS NULL
ORDER BY e.endpoint_key FOR NO KEY UPDATE SKIP LOCKED
""")


def hold(connection: Connection, keys: Collection[str]) -> dict[str, tuple[EventEndpoint, Secrets]]:
    """Hold those endpoints that nobody else holds, until the transaction ends; return them by key."""
    rows = connection.execute(_HOLD, {"keys": identifiers(keys)})
    return {row[0]: (_endpoint(row[:-2]), Secrets(*row[-2:])) for row in rows}


# How long the oldest delivery of an endpoint has waited; where all are through, the next event to be taken over.
_LAGS = text(f"""
SELECT e.endpoint_id, coalesce({timestamp(":now ::bigint")} - coalesce((
    SELECT d.begin_time FROM event_deliveries AS d WHERE d.endpoint_key = e.endpoint_key AND d.state = 1
    ORDER BY d.begin_time LIMIT 1
), (
    SELECT o.publish_time FROM published_events AS o WHERE o.position > e.position ORDER BY o.position LIMIT 1
)), interval '0')
FROM event_endpoints AS e WHERE e.delete_time IS NULL AND NOT e.paused
""")


def lags(connection: Connection, now: Instant) -> dict[str, float]:
    """Return how long the oldest event has waited for its delivery, in seconds, by the id of each active endpoint."""
    rows = connection.execute(_LAGS, {"now": now})
    return {endpoint_id: max(0.0, lag.total_seconds()) for endpoint_id, lag in rows}


# Where something is still stored of it, its row stays for another round.
_REMOVE = text("""
DELETE FROM event_endpoints WHERE endpoint_key = ANY (ARRAY(
    SELECT e.endpoint_key FROM event_endpoints AS e WHERE e.delete_time IS NOT NULL
    AND (SELECT 1 FROM event_deliveries AS d WHERE d.endpoint_key = e.endpoint_key LIMIT 1) IS NULL
    AND (SELECT 1 FROM event_delivery_attempts AS a WHERE a.endpoint_key = e.endpoint_key LIMIT 1) IS NULL
    LIMIT :count FOR UPDATE OF e SKIP LOCKED
))
""")


def remove_deleted(connection: Connection, count: int) -> int:
    """Remove up to ``count`` deleted endpoints of which nothing else is stored; return how many."""
    return connection.execute(_REMOVE, {"count": count}).rowcount


def _found(row: Any) -> EventEndpoint | None:
    return _endpoint(row) if row else None


def _endpoint(row: Any) -> EventEndpoint:
    key, endpoint_id, url, description, kinds, account_id, credit_type, paused, position, version, *times = row
    created, updated, active, rotation_end = times
    return EventEndpoint(
        key,
        endpoint_id,
        url,
        description,
        tuple(kinds),
        account_id,
        credit_type,
        paused,
        position,
        version,
        Instant(created),
        Instant(updated),
        Instant(active),
        rotation_end,
    )
