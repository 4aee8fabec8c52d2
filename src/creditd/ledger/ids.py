"""UUID version 7 (RFC 9562, 5.7): sorts by time, so that new rows land together at an index's end.

Random keys cost several times the write-ahead log on a large index.
"""

import random
import time

_bits = random.Random(random.SystemRandom().getrandbits(64)).getrandbits  # noqa: S311 - ids are unique, not secret.


def uuid7() -> str:
    """Return a new UUIDv7 in its canonical form. It is unique, not secret."""
    milliseconds, nanoseconds = divmod(time.time_ns(), 1_000_000)
    # 12 bits below the millisecond keep the order within it (RFC 9562, 6.2, method 3).
    fraction = (nanoseconds << 12) // 1_000_000
    variant = 0x8000 | _bits(14)
    return f"{milliseconds >> 16:08x}-{milliseconds & 0xFFFF:04x}-7{fraction:03x}-{variant:04x}-{_bits(48):012x}"
