"""UUID version 7 (RFC 9562, 5.7): sorts by time, so that new rows land together at an index's end.

Random keys cost several times the write-ahead log on a large index. "Newest first" and "then the oldest" go by them, so
what the service names is stamped by the one clock that decides, whichever server names it.
"""

import random
import time
from collections.abc import Callable
from threading import Lock

from creditd.domain.instant import Instant

_bits = random.Random(random.SystemRandom().getrandbits(64)).getrandbits  # noqa: S311 - ids are unique, not secret.

_TICKS_A_MILLISECOND = 4_096
"""12 bits below the millisecond keep the order within it (RFC 9562, 6.2, method 3)."""

_VERSION = 7 << 76
_VARIANT = 0b10 << 62


class Ids:
    """Makes UUIDv7 by a clock, each greater than the one before, also where the clock is set back.

    Calling it returns a new one in its canonical form: unique, not secret. Raises what the clock raises. Safe to use by
    several threads.
    """

    def __init__(self, now: Callable[[], Instant]) -> None:
        """Stamp by ``now``."""
        self._now = now
        self._last = 0
        self._lock = Lock()

    def __call__(self) -> str:
        """Return a new id."""
        ticks = self._now() * _TICKS_A_MILLISECOND // 1_000
        with self._lock:
            self._last = ticks = max(ticks, self._last + 1)
        milliseconds, fraction = divmod(ticks, _TICKS_A_MILLISECOND)
        number = milliseconds << 80 | _VERSION | fraction << 64 | _VARIANT | _bits(62)
        digits = number.to_bytes(16, "big").hex()
        return f"{digits[:8]}-{digits[8:12]}-{digits[12:16]}-{digits[16:20]}-{digits[20:]}"


def _wall_clock() -> Instant:
    return Instant(time.time_ns() // 1_000)  # noqa: TID251 - see uuid7.


uuid7 = Ids(_wall_clock)
"""Makes request ids where no database is at hand, as on the command line. They order nothing."""
