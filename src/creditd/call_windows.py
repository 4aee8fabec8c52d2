"""How many calls somebody has made of the last minute: a window that slides, with a burst now and then.

A window is two counts, of this minute and of the one before, which is taken to have been spread evenly over its time
(the sliding window counter: Cloudflare, "How we built rate limiting capable of scaling to millions of domains", 2017).
So what a caller has made of the last 60 seconds is known without a memory of each call.
"""

from typing import Final

WINDOW_SECONDS: Final = 60.0

BURST_SECONDS: Final = 10.0
"""How long a caller may go beyond its limit, who has kept to it for a whole window before."""

BURST_FACTOR: Final = 2
"""How far beyond: so many times the limit within the window."""

MAX_WINDOWS: Final = 100_000
"""Callers that are counted at once, in some 30 MB; beyond it those that have not called for longest begin anew."""

NEVER: Final = float("-inf")


class Window:
    """What one caller has made of the last minute, and of its burst.

    ``others`` and ``others_before`` are what it has made of this minute and the one before elsewhere, as far as known.
    """

    __slots__ = ("before", "burst_time", "count", "others", "others_before", "over_time", "start")

    def __init__(self, now: float) -> None:
        """Begin with nothing, at the minute that ``now`` is in."""
        self.start = now - now % WINDOW_SECONDS
        self.count = self.before = self.others = self.others_before = 0
        self.over_time = self.burst_time = NEVER

    def take(self, limit: int, now: float) -> float:
        """Count a call that is within the limit, and return 0.0; else return the seconds until one more is.

        ``now`` is in seconds, of a clock that never goes back.
        """
        start = now - now % WINDOW_SECONDS
        if start != self.start:
            self._begin(start)
        # Read once: another thread may count meanwhile.
        own, age = self.count, now - start
        before, count = self.before + self.others_before, own + self.others
        used = before * (1.0 - age / WINDOW_SECONDS) + count
        if used + 1.0 > limit and not self._may_burst(used, limit, now):
            return _wait(before, count, limit, age)
        self.count = own + 1
        return 0.0

    def give_back(self) -> None:
        """Have a call of this minute not count."""
        self.count = max(0, self.count - 1)

    def learn(self, start: float, others_before: int, others: int) -> None:
        """Take over what was counted elsewhere in the minute that began at ``start``, and in the one before."""
        if self.start == start:
            self.others_before, self.others = others_before, others
        elif self.start - start == WINDOW_SECONDS:
            self.others_before = others

    def learn_burst(self, burst_time: float, over_time: float) -> None:
        """Take over a burst that began elsewhere, and when the caller was last beyond its limit there.

        Two of them with less than a window within the limit between them are one, which began with the first.
        """
        if self.over_time + WINDOW_SECONDS <= burst_time or over_time + WINDOW_SECONDS <= self.burst_time:
            if over_time > self.over_time:
                self.burst_time, self.over_time = burst_time, over_time
            return
        self.burst_time, self.over_time = min(self.burst_time, burst_time), max(self.over_time, over_time)

    def _begin(self, start: float) -> None:
        if start - self.start == WINDOW_SECONDS:
            before, others_before = self.count, self.others
        else:
            before = others_before = 0
        self.start, self.before, self.others_before = start, before, others_before
        self.count = self.others = 0

    def _may_burst(self, used: float, limit: int, now: float) -> bool:
        if now - self.over_time >= WINDOW_SECONDS:
            self.burst_time = now
        self.over_time = now
        return now - self.burst_time < BURST_SECONDS and used + 1.0 <= limit * BURST_FACTOR


def _wait(before: int, count: int, limit: int, age: float) -> float:
    """Return the seconds until one more call is within a limit that is reached."""
    room = limit - 1
    if count <= room:
        # Later in this minute: enough of the one before is over by then.
        return WINDOW_SECONDS * (1.0 - (room - count) / before) - age
    return WINDOW_SECONDS * (2.0 - room / count) - age


class Windows:
    """The windows of many callers, by name. Beyond ``most`` those that have not called for longest are forgotten."""

    def __init__(self, most: int = MAX_WINDOWS) -> None:
        """Begin with none."""
        self._most_recent = max(1, most // 2)
        self._recent: dict[str, Window] = {}
        self._older: dict[str, Window] = {}

    def __len__(self) -> int:
        """Return how many there are."""
        return len(self._recent.keys() | self._older.keys())

    def of(self, name: str, now: float) -> Window:
        """Return the window of a name, which begins ``now`` if there is none."""
        return self._recent.get(name) or self._add(name, now)

    def _add(self, name: str, now: float) -> Window:
        if len(self._recent) >= self._most_recent:
            self._older, self._recent = self._recent, {}
        return self._recent.setdefault(name, self._older.get(name) or Window(now))
