"""How many works a batch may hold, so that not all that there are stand in one.

Whoever is answered comes back. All in one batch, callers would wait for the database together and then have it wait for
them, in turns. In two halves, one is decided and answered while the other is saved.
"""

from math import ceil
from typing import Final

LEAST_HALF: Final = 8
"""Halves of fewer would cost the database more than they gain."""

SAVES_REMEMBERED: Final = 32
"""For about so many saves it is remembered how many works there were: some are always on their way back."""


class Crowd:
    """The works that there are at once."""

    def __init__(self) -> None:
        """Start with none."""
        self._most = 0.0

    def see(self, works: int) -> None:
        """Note how many there are now."""
        self._most = max(self._most, works)

    def note_save(self) -> None:
        """Note that a save begins, and so that time passes."""
        self._most -= self._most / SAVES_REMEMBERED

    @property
    def half(self) -> int:
        """How many of them a batch may hold."""
        return max(LEAST_HALF, ceil(self._most / 2))
