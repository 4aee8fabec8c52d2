"""UUIDv7 as places in time: rows that are named by them are found by when they were made."""

from uuid import UUID

from creditd.domain.instant import Instant


def first_id(time: Instant) -> str:
    """Return the lowest UUIDv7 of a millisecond."""
    return str(UUID(int=(min(max(time // 1_000, 0), 2**48 - 1)) << 80))
