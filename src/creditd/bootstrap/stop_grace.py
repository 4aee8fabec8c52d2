"""The time that all steps of a stop share."""

import time
from typing import Final

LAST_SECONDS: Final = 1.0
"""What each part of a stop has at least: calls may have used up the whole grace, and what they left is soon done."""


class StopGrace:
    """The time that all steps of a stop share."""

    def __init__(self, seconds: float) -> None:
        """Begin now."""
        self._end = time.monotonic() + seconds

    @property
    def left(self) -> float:
        """The seconds that are left, LAST_SECONDS at least."""
        return max(LAST_SECONDS, self._end - time.monotonic())
