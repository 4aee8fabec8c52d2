"""The outbox: events for others, committed together with what they tell of (requirement H6)."""

from collections.abc import Mapping
from enum import IntEnum

from sqlalchemy import Connection, insert

from creditd.domain.instant import Instant
from creditd.storage.payment_tables import outbox_events


class OutboxKind(IntEnum):
    """What an event tells of. The numbers are those of the rows."""

    TOP_UP_SUCCEEDED = 1
    PURCHASE_FAILED = 2
    CREDITS_REVERSED = 3
    PLAN_CHANGED = 4
    RECONCILED = 5


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
