"""UUID version 7 (RFC 9562, 5.7): sorts by time, so that new rows land together at an index's end.

Random keys cost several times the write-ahead log on a large index.
"""

import random
import time

_bits = random.Random(random.SystemRandom().getrandbits(64)).getrandbits  # noqa: S311 - ids are unique, not secret.


def uuid7() -> str:
    """Return a new UUIDv7 in its canonical form. It is unique, not secret."""
    microseconds = time.time_ns() // 1_000
    milliseconds, rest = divmod(microseconds, 1_000)
    # 12 bits below the millisecond keep the order within it (RFC 9562, 6.2, method 3).
    high = milliseconds << 16 | 0x7000 | (rest * 4096 // 1_000)
    low = 0x8000_0000_0000_0000 | _bits(62)
    text = f"{high:016x}{low:016x}"
    return f"{text[:8]}-{text[8:12]}-{text[12:16]}-{text[16:20]}-{text[20:]}"
