"""Time as the domain counts it."""

from typing import NewType

Instant = NewType("Instant", int)
"""Microseconds since the Unix epoch, UTC: PostgreSQL's own resolution, and exact in every sum."""

SECOND = 1_000_000
"""Microseconds in a second."""


def earliest(first: Instant | None, second: Instant | None) -> Instant | None:
    """Return the sooner of two instants, where None is never."""
    if first is None:
        return second
    if second is None or first <= second:
        return first
    return second
