"""The one clock: the database's, carried forward by this machine's monotonic clock between two looks at it."""

import logging
import time
from threading import Lock
from typing import NamedTuple

from creditd.domain.instant import SECOND, Instant
from creditd.ledger.work import DatabaseUnavailable
from creditd.storage.clock import read_clock
from creditd.storage.database import Database

log = logging.getLogger(__name__)

JUMP = SECOND // 2
"""A reading that contradicts what is carried forward by more is doubted, not followed. Two honest clocks drift apart by
less than a millisecond between two looks; holds last for seconds and more."""

SECOND_LOOK = SECOND // 2
"""How long after the first reading of a jump the one has to be asked that confirms it: what went wrong with the first
has passed by then. Looks are taken each second, so a jump is followed after 0.5 to 1.5 seconds."""

LARGE_OFFSET_SECONDS = 5.0
"""Beyond this distance between the two wall clocks one of the machines is not kept on time, and the log says so."""


class Reading(NamedTuple):
    """What one answer of the database says of its distance to this machine's monotonic clock, in microseconds.

    It was read at some moment between ``asked`` and ``answered``, so that the distance is ``least`` to ``most``.
    """

    asked: int
    answered: int
    least: int
    most: int

    def nearest(self, distance: int) -> int:
        """Return the distance next to another one that does not contradict this reading."""
        return min(max(distance, self.least), self.most)

    def agrees_with(self, other: "Reading") -> bool:
        """Tell whether both may be readings of the same clock."""
        return self.least - JUMP <= other.most and other.least - JUMP <= self.most


class DatabaseClock:
    """Tells the database's time without asking it each time, and so survives a skewed or stepping server clock.

    It tells no time before it has read the database's twice, and the same each time. Every batch that was saved brings
    another reading along, and ``look`` takes one where nothing is saved. ``advance`` moves it, for tests that let time
    pass. Safe to use by several threads.
    """

    def __init__(self) -> None:
        """Start without a time."""
        self.doubts = 0
        self.jumps = 0
        self._distance: int | None = None
        self._advanced = 0
        self._doubted: Reading | None = None
        self._is_far_off = False
        self._lock = Lock()

    @property
    def is_read(self) -> bool:
        """Whether the database's time is known."""
        return self._distance is not None

    @property
    def offset_seconds(self) -> float | None:
        """How far the database's clock is ahead of this machine's wall clock; None before it was read."""
        if self._distance is None:
            return None
        # What is measured here is this machine's wall clock, which decides nothing.
        return (_monotonic() + self._distance - time.time_ns() // 1_000) / SECOND  # noqa: TID251

    def now(self) -> Instant:
        """Return the instant that decisions are made at. Raises DatabaseUnavailable before the database's was read."""
        if self._distance is None:
            raise DatabaseUnavailable
        return Instant(_monotonic() + self._distance + self._advanced)

    def elapsed_seconds(self) -> float:
        """Return seconds that only ever pass, whatever is found of the database's clock, and before it was read."""
        return (_monotonic() + self._advanced) / SECOND

    def look(self, database: Database) -> None:
        """Read the database's clock; the first time, twice. Raises errors of the database's."""
        with database.autocommit() as connection:
            for _ in range(1 if self.is_read else 2):
                asked = _monotonic()
                database_time = read_clock(connection)
                self.observe(database_time, _monotonic() - asked)
        self._note_offset()

    def observe(self, database_time: Instant, waited: int) -> None:
        """Take in the database's clock, which was read at some moment of the last ``waited`` microseconds.

        Only what contradicts it is corrected: a save that took longer than the one before sets no clock back. A jump is
        followed once a second look, some time after the first, has found the same.
        """
        answered = _monotonic()
        reading = Reading(answered - waited, answered, database_time - answered, database_time - answered + waited)
        with self._lock:
            self._take(reading)

    def _take(self, reading: Reading) -> None:
        if self._distance is None:
            self._take_first(reading)
            return
        jump = reading.nearest(self._distance) - self._distance
        if abs(jump) <= JUMP:
            self._distance += jump
            self._doubted = None
        elif self._doubted is None or not reading.agrees_with(self._doubted):
            self.doubts += 1
            self._doubted = reading
            log.warning("the database's clock seems to have jumped by %.3f seconds; looking again", jump / SECOND)
        elif reading.asked >= self._doubted.answered + SECOND_LOOK:
            self.jumps += 1
            self._distance += jump
            self._doubted = None
            log.warning("the database's clock has jumped by %.3f seconds, and is followed", jump / SECOND)

    def _take_first(self, reading: Reading) -> None:
        if self._doubted is None or not reading.agrees_with(self._doubted):
            self._doubted = reading
        else:
            # Not ahead of the database: nothing ends before its time.
            self._distance = max(reading.least, self._doubted.least)
            self._doubted = None

    def _note_offset(self) -> None:
        offset_seconds = self.offset_seconds or 0.0
        is_far_off = abs(offset_seconds) > LARGE_OFFSET_SECONDS
        if is_far_off != self._is_far_off:
            self._is_far_off = is_far_off
            level = logging.WARNING if is_far_off else logging.INFO
            log.log(level, "the database's clock is %.3f seconds ahead of this machine's", offset_seconds)

    def advance(self, seconds: float) -> None:
        """Let time pass at once."""
        self._advanced += int(seconds * SECOND)


def _monotonic() -> int:
    return time.monotonic_ns() // 1_000
