"""Wallets that could not be settled: each is left alone for a while, longer after each time."""

import time
from collections.abc import Callable
from typing import NamedTuple

from creditd.domain.wallet import WalletKey

MAX_SET_ASIDE = 5_000
"""A look reads these rows too, before those that it is for: some milliseconds. So many are no accident."""

LONGEST_SECONDS = 600.0
"""However often a wallet has failed, what made it fail may have been mended since."""


class _Pause(NamedTuple):
    seconds: float
    until: float


class SetAside:
    """Remembers which wallets to leave alone, and for how long. Used by one thread."""

    def __init__(self, first_seconds: float, clock: Callable[[], float] = time.monotonic) -> None:
        """Leave a wallet alone for ``first_seconds`` the first time, and twice as long each time after; forget none."""
        self._first_seconds = first_seconds
        self._clock = clock
        self._pauses: dict[WalletKey, _Pause] = {}

    def __len__(self) -> int:
        """Return how many are known."""
        return len(self._pauses)

    def is_waiting(self, key: WalletKey) -> bool:
        """Tell whether a wallet is to be left alone at this moment."""
        pause = self._pauses.get(key)
        return pause is not None and self._clock() < pause.until

    def put(self, key: WalletKey) -> float | None:
        """Set a wallet aside; return for how many seconds, or None if there are too many already."""
        known = self._pauses.get(key)
        if known is None and len(self._pauses) >= MAX_SET_ASIDE:
            self._forget_old()
            if len(self._pauses) >= MAX_SET_ASIDE:
                return None
        seconds = min(2 * known.seconds if known else self._first_seconds, LONGEST_SECONDS)
        self._pauses[key] = _Pause(seconds, self._clock() + seconds)
        return seconds

    def let_go(self, key: WalletKey) -> None:
        """Forget a wallet that was settled."""
        self._pauses.pop(key, None)

    def _forget_old(self) -> None:
        """Forget wallets that were not tried for long after their time: somebody else has settled them."""
        old = self._clock() - LONGEST_SECONDS
        self._pauses = {key: pause for key, pause in self._pauses.items() if pause.until > old}
