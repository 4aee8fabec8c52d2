"""Request ids: new ones that sort by time (UUIDv7), so that the service's index grows at its end."""

import secrets
import time
from typing import Final
from uuid import UUID

MOST_CHARACTERS: Final = 230
"""Of a block's own id. The service takes 255, and a block adds what each call is for."""

_RANDOM_BITS: Final = 74


def new_request_id() -> str:
    """Return an id that nobody has used."""
    # For order alone: two machines whose clocks differ make ids that differ all the same.
    milliseconds = time.time_ns() // 1_000_000  # noqa: TID251
    bits = secrets.randbits(_RANDOM_BITS)
    return str(UUID(int=milliseconds << 80 | 7 << 76 | bits >> 62 << 64 | 0b10 << 62 | bits & (1 << 62) - 1))
