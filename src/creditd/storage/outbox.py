"""The outbox: events for others, committed together with what they tell of (requirement H6)."""

from collections.abc import Mapping

from sqlalchemy import Connection, insert

from creditd.domain.instant import Instant
from creditd.domain.outbox import OutboxKind
from creditd.storage.payment_tables import outbox_events


def announce(
    connection: Connection,
    account_id: str,
    event_id: str,
    kind: OutboxKind,
    payload: Mapping[str, object],
    now: Instant,
) -> None:
    """Add an event; ``event_id`` is a UUIDv7, so that an account's events sort in their order."""
    connection.execute(
        insert(outbox_events).values(
            account_id=account_id, event_id=event_id, kind=int(kind), payload=dict(payload), create_time=now
        )
    )
