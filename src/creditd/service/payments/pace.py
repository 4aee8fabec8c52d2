"""A pace: so many a second of each key, and a few more at once."""

import time
from collections import OrderedDict
from collections.abc import Callable


class Pace:
    """Tells whether one more is within the pace. It remembers a key only until that is idle again."""

    def __init__(self, each_second: float, at_once: int, now: Callable[[], float] = time.monotonic) -> None:
        """Allow ``each_second`` of a key, and up to ``at_once`` after a rest; ``now`` is in seconds."""
        self._interval = 1 / each_second
        self._ahead = (at_once - 1) * self._interval
        self._now = now
        self._idle_from: OrderedDict[str, float] = OrderedDict()

    def __len__(self) -> int:
        """Return how many keys are remembered."""
        return len(self._idle_from)

    def allows(self, key: str = "") -> bool:
        """Tell whether one more of a key is allowed now, without counting it."""
        return self._idle_from.get(key, 0.0) - self._now() <= self._ahead

    def count(self, key: str = "") -> None:
        """Count one of a key, and forget the keys that are idle."""
        now = self._now()
        self._idle_from[key] = max(now, self._idle_from.pop(key, 0.0)) + self._interval
        while self._idle_from:
            oldest, idle_from = next(iter(self._idle_from.items()))
            if idle_from > now:
                return
            del self._idle_from[oldest]
