"""Published events: what has left the outbox, each with its position.

A position is given after the commit of what the event tells of, by whoever holds the one row of ``event_publishing``.
So positions are seen in their order: whoever has read up to one misses nothing that comes to be before it.
"""

from collections.abc import Collection
from typing import Any, Final, NamedTuple

from sqlalchemy import Connection, select, text

from creditd.domain.events.outbox import OutboxKind
from creditd.domain.instant import Instant
from creditd.storage.arrays import numbers
from creditd.storage.events.event_tables import event_publishing
from creditd.storage.rows import micros, timestamp


class PublishedEvent(NamedTuple):
    """An event with its position; ``payload`` is a JSON object as text."""

    position: int
    account_id: str
    event_id: str
    kind: int
    schema_version: int
    credit_type: str
    payload: str
    create_time: Instant


class Positions(NamedTuple):
    """The position of the last event that was published, and of the last one that is kept no more."""

    last: int
    removed: int


_POSITIONS = select(event_publishing.c.position, event_publishing.c.removed_position).where(
    event_publishing.c.name == "events"
)

_TURN = _POSITIONS.with_for_update(skip_locked=True)


def take_turn(connection: Connection) -> Positions | None:
    """Return where publishing stands, and hold off all others until the transaction ends; None if another publishes."""
    row = connection.execute(_TURN).one_or_none()
    return Positions(*row) if row else None


def positions(connection: Connection) -> Positions:
    """Return where publishing stands."""
    return Positions(*connection.execute(_POSITIONS).one())


# In the order in which they were put in. An id that was published before is dropped, and its position left out.
_PUBLISH = text(f"""
WITH taken AS (
    DELETE FROM outbox_events WHERE ctid = ANY (ARRAY(
        SELECT ctid FROM outbox_events WHERE announce_time >= '-infinity'
        ORDER BY announce_time, event_id LIMIT :count
    ))
    RETURNING account_id, event_id, kind, schema_version, credit_type, payload, create_time, announce_time
), published AS (
    INSERT INTO published_events (position, account, event_id, kind, schema_version, credit_type, payload,
                                  create_time, publish_time)
    SELECT :position ::bigint + row_number() OVER (ORDER BY announce_time, event_id), account_id, event_id,
           kind, schema_version, credit_type, payload, create_time, {timestamp(":now ::bigint")}
    FROM taken
    ON CONFLICT (account, event_id) DO NOTHING
)
UPDATE event_publishing SET position = :position ::bigint + (SELECT count(*) FROM taken) WHERE name = 'events'
RETURNING position
""")


def publish(connection: Connection, last: int, now: Instant, count: int) -> int:
    """Give positions after ``last`` to up to ``count`` events of the outbox; return the last one. It is one's turn."""
    values = {"position": last, "now": now, "count": count}
    position: int = connection.execute(_PUBLISH, values).scalar_one()
    return position


_COLUMNS: Final = (
    "position, account, event_id::text, kind, schema_version, coalesce(credit_type, ''), payload::text, "
    f"{micros('create_time')}"
)


class PublishedFilter(NamedTuple):
    """Which events; what is empty lets all pass, kinds of a newer release too."""

    account_id: str = ""
    kinds: tuple[OutboxKind, ...] = ()
    credit_type: str = ""


class EventLook(NamedTuple):
    """Events found, in order, and the position up to which there are no more of them."""

    events: list[PublishedEvent]
    position: int


def _page(looked_at: str) -> str:
    return f"""
WITH looked AS MATERIALIZED (
    SELECT * FROM published_events
    WHERE {looked_at} position > :after ::bigint AND position <= :upto ::bigint ORDER BY position LIMIT :rows ::bigint
)
SELECT {_COLUMNS}, (SELECT CASE WHEN count(*) < :rows ::bigint THEN :upto ::bigint ELSE max(position) END FROM looked),
       (:kinds ::smallint[] = '{{}}' OR kind = ANY (:kinds ::smallint[]))
       AND (:credit_type = '' OR credit_type = :credit_type)
FROM looked ORDER BY position
"""


_OF_ALL, _OF_ACCOUNT = text(_page("")), text(_page("account = :account AND"))


def page(connection: Connection, wanted: PublishedFilter, after: int, upto: int, *, rows: int) -> EventLook:
    """Return the events after a position among the next so many rows that an index finds.

    ``upto`` is a position that was published, and no less than ``after``.
    """
    values = {
        "after": after,
        "upto": upto,
        "rows": rows,
        "kinds": numbers(wanted.kinds),
        "credit_type": wanted.credit_type,
    }
    if wanted.account_id:
        values["account"] = wanted.account_id
    found = connection.execute(_OF_ACCOUNT if wanted.account_id else _OF_ALL, values).all()
    if not found:
        return EventLook([], upto)
    return EventLook([_event(row) for row in found if row[-1]], found[0][-2])


def _event(row: Any) -> PublishedEvent:
    position, account_id, event_id, kind, schema_version, credit_type, payload, create_time, _, _ = row
    return PublishedEvent(
        position, account_id, event_id, kind, schema_version, credit_type, payload, Instant(create_time)
    )


# Positions are in the order of time, so that the oldest of those that are kept tell where to stop.
_PRUNE = text(f"""
WITH oldest AS MATERIALIZED (
    SELECT position, publish_time FROM published_events
    WHERE position > :removed ::bigint AND position <= :upto ::bigint ORDER BY position LIMIT :count
), removed AS (
    DELETE FROM published_events WHERE position = ANY (ARRAY(
        SELECT position FROM oldest WHERE publish_time < {timestamp(":before ::bigint")}
    ))
    RETURNING position
)
UPDATE event_publishing SET removed_position = (SELECT max(position) FROM removed)
WHERE name = 'events' AND EXISTS (SELECT FROM removed) RETURNING (SELECT count(*) FROM removed)
""")


def prune(connection: Connection, where: Positions, before: Instant, upto: int, count: int) -> int:
    """Remove up to ``count`` of the oldest events that were published before an instant; return how many.

    None after the position ``upto`` is removed. It is one's turn.
    """
    values = {"removed": where.removed, "upto": upto, "before": before, "count": count}
    return connection.execute(_PRUNE, values).scalar_one_or_none() or 0


_AT = text(f"SELECT {_COLUMNS} FROM published_events WHERE position = ANY (CAST(:positions AS bigint[]))")


def at(connection: Connection, positions: Collection[int]) -> dict[int, PublishedEvent]:
    """Return the events at some positions, of those that are kept."""
    rows = connection.execute(_AT, {"positions": numbers(positions)})
    return {row[0]: PublishedEvent._make((*row[:-1], Instant(row[-1]))) for row in rows}
