"""The outbox: events for others, committed together with what they tell of (requirement H6).

They leave it when they are published (:mod:`creditd.storage.events.published_events`).
"""

import orjson
from sqlalchemy import Connection, text

from creditd.domain.events.outbox import SCHEMA_VERSION, OutboxEvent
from creditd.storage.arrays import identifiers, numbers, texts
from creditd.storage.rows import micros, timestamp

# The database stamps each row as it is put in, after the locks that what it tells of needs: of an account's events the
# one that was committed first has the earlier time, whichever server put it in. Told once is told.
_ANNOUNCE = text(f"""
INSERT INTO outbox_events (account_id, event_id, kind, credit_type, payload, create_time, schema_version)
SELECT account_id, event_id, kind, nullif(credit_type, ''), payload, {timestamp("create_time")}, {SCHEMA_VERSION}
FROM unnest(:account_id ::text[], :event_id ::uuid[], :kind ::smallint[], :credit_type ::text[], :payload ::jsonb[],
            :create_time ::bigint[])
     AS n (account_id, event_id, kind, credit_type, payload, create_time)
ON CONFLICT (account_id, event_id) DO NOTHING
""")


def announce(connection: Connection, *events: OutboxEvent) -> None:
    """Add events, in this order, within the transaction of what they tell of: both are committed, or neither."""
    connection.execute(
        _ANNOUNCE,
        {
            "account_id": texts(event.account_id for event in events),
            "event_id": identifiers(event.event_id for event in events),
            "kind": numbers(event.kind for event in events),
            "credit_type": texts(event.credit_type for event in events),
            "payload": texts(orjson.dumps(event.payload).decode() for event in events),
            "create_time": numbers(event.create_time for event in events),
        },
    )


_OLDEST = text(f"""
SELECT {micros("greatest(announce_time, create_time)")} FROM outbox_events
WHERE announce_time >= '-infinity' ORDER BY announce_time, event_id LIMIT 1
""")


def oldest(connection: Connection) -> int | None:
    """Return since when the event waits that is to be published next; None if there is none."""
    row = connection.execute(_OLDEST).one_or_none()
    return row[0] if row else None
