"""Positions in PostgreSQL's write-ahead log, and the segments that they are in. Pure."""

import re
from typing import Final, NamedTuple

_SEGMENT: Final = re.compile(r"([0-9A-F]{8})([0-9A-F]{8})([0-9A-F]{8})")
_HISTORY: Final = re.compile(r"([0-9A-F]{8})\.history")

_OF_ONE_LOG: Final = 1 << 32
"""Bytes of the log that share the first half of a position."""


class LogSegment(NamedTuple):
    """A segment of the log: its timeline, and its number from the log's beginning."""

    timeline: int
    number: int


def position(lsn: str) -> int:
    """Return a position such as `1/A0000028` in bytes."""
    high, _, low = lsn.partition("/")
    return (int(high, 16) << 32) + int(low, 16)


def segment_at(lsn: str, segment_bytes: int) -> int:
    """Return the number of the segment that a position is in."""
    return position(lsn) // segment_bytes


def segment_of(name: str, segment_bytes: int) -> LogSegment | None:
    """Return the segment of a file's name; None if it is none."""
    found = _SEGMENT.fullmatch(name)
    if not found:
        return None
    timeline, log, within = (int(part, 16) for part in found.groups())
    return LogSegment(timeline, log * (_OF_ONE_LOG // segment_bytes) + within)


def segment_name(segment: LogSegment, segment_bytes: int) -> str:
    """Return the name of a segment's file."""
    log, within = divmod(segment.number, _OF_ONE_LOG // segment_bytes)
    return f"{segment.timeline:08X}{log:08X}{within:08X}"


def is_history(name: str) -> bool:
    """Tell whether a file says where a timeline came from."""
    return _HISTORY.fullmatch(name) is not None


def is_log_file(name: str) -> bool:
    """Tell whether it is a file that PostgreSQL archives: a segment, a partial one, a history, a backup's label."""
    return bool(_SEGMENT.match(name) or is_history(name))


def timeline_of(name: str) -> int:
    """Return the timeline of a segment or of a history."""
    return int(name[:8], 16)
