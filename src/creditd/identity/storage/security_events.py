"""What happened that concerns security, as rows that are added, and removed once they are old."""

from typing import Final, NamedTuple

from sqlalchemy import Connection, text

from creditd.domain.instant import Instant
from creditd.storage.rows import timestamp

REMOVED_AT_ONCE: Final = 1_000
"""Events that one clean-up's statement looks at: milliseconds."""


class SecurityEvent(NamedTuple):
    """One thing that happened; ``left_out`` counts those of its kind before it that were not stored."""

    event_id: str
    kind: str
    user_id: str | None
    address: str
    left_out: int
    create_time: Instant


_ADD = text(f"""
INSERT INTO security_events (event_id, kind, user_id, address, left_out, create_time)
VALUES (:event_id ::uuid, :kind, :user_id ::uuid, :address, :left_out, {timestamp(":create_time ::bigint")})
""")

_REMOVE_OLD = text("SELECT remove_old_security_events(:looked_at ::integer)")


def add(connection: Connection, event: SecurityEvent) -> None:
    """Add an event."""
    connection.execute(_ADD, event._asdict())


def remove_old(connection: Connection) -> int:
    """Delete the oldest events that are older than 400 days, REMOVED_AT_ONCE at most; return how many."""
    found: int = connection.execute(_REMOVE_OLD, {"looked_at": REMOVED_AT_ONCE}).scalar_one()
    return found
