"""Instants: time as the domain counts it."""

from datetime import UTC, datetime, timedelta
from typing import NewType

Instant = NewType("Instant", int)
"""Microseconds since the Unix epoch, UTC: PostgreSQL's own resolution, and exact in every sum."""

SECOND = 1_000_000
"""Microseconds in a second."""


def earliest(first: Instant | None, second: Instant | None) -> Instant | None:
    """Return the sooner of two instants; None is never."""
    if first is None:
        return second
    if second is None or first <= second:
        return first
    return second


_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def instant_text(instant: Instant) -> str:
    """Format an instant: RFC 3339, UTC, to the microsecond."""
    return (_EPOCH + timedelta(microseconds=instant)).isoformat(timespec="microseconds").replace("+00:00", "Z")
