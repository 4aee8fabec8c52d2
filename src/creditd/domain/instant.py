"""Instants: time as the domain counts it."""

from datetime import UTC, datetime, timedelta
from typing import Final, NewType

Instant = NewType("Instant", int)
"""Microseconds since the Unix epoch, UTC: PostgreSQL's own resolution, and exact in every sum."""

SECOND = 1_000_000
"""Microseconds in a second."""

FIRST_SECOND: Final = -62_135_596_800
LAST_SECOND: Final = 253_402_300_799
"""Years 1 to 9999, as Python and google.protobuf.Timestamp have them; the database takes no more than a little
beyond."""


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
