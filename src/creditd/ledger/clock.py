"""The one clock: the database's, carried forward by this machine's monotonic clock between two looks at it."""

import time

from creditd.domain.instant import SECOND, Instant


class DatabaseClock:
    """Tells the database's time without asking it each time, and so survives a skewed or stepping server clock.

    Every batch that was saved brings the database's time along; until the first, the server's own clock stands in.
    ``advance`` moves it, for tests that let time pass.
    """

    def __init__(self) -> None:
        """Start from the server's own clock."""
        self._offset = time.time_ns() // 1_000 - time.monotonic_ns() // 1_000
        self._advanced = 0

    def now(self) -> Instant:
        """Return the instant that decisions are made at."""
        return Instant(time.monotonic_ns() // 1_000 + self._offset + self._advanced)

    def observe(self, database_time: Instant, waited: int) -> None:
        """Take over the database's clock, which was read at some moment of the last ``waited`` microseconds.

        Only what contradicts it is corrected: a save that took longer than the one before sets no clock back.
        """
        offset = database_time - time.monotonic_ns() // 1_000
        self._offset = min(max(self._offset, offset), offset + waited)

    def advance(self, seconds: float) -> None:
        """Let time pass at once."""
        self._advanced += int(seconds * SECOND)
