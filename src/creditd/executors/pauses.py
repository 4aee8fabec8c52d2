"""Pauses between tries: exponential, with full jitter, so that those who failed together do not come back together."""

import random
from typing import Final

FIRST_PAUSE_SECONDS: Final = 0.2
LONGEST_PAUSE_SECONDS: Final = 3.0

MOST_TRIES: Final = 4
"""Of one call: some 3 s with their pauses, in which an executor's connection moves to its next replica. Whoever asked
tries again later, at a pace of its own."""


def pause_seconds(tries: int) -> float:
    """Return the pause after so many tries, 1 or more, in seconds: drawn from 0 to twice the one before."""
    longest: float = min(LONGEST_PAUSE_SECONDS, FIRST_PAUSE_SECONDS * 2 ** (tries - 1))
    return random.uniform(0, longest)  # noqa: S311 - nothing is kept secret by it.
