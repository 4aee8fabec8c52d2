"""Answers on their way out: a caller who does not take them has few of them, and each for a short time.

The core keeps a call until its answer is taken. A caller who never reads, and answers the core's pings all the same,
would keep any number of them for ever.
"""

import time
from collections import Counter
from collections.abc import Iterator
from typing import Final, Protocol

from creditd.server.refusals import TooManyAtOnce

TAKEN_SECONDS: Final = 30.0
"""For an answer, or one message of a stream, to be taken: the largest, of 4 MB, comes through at 1 Mbit/s."""

NOTICED_SECONDS: Final = 1.0
"""An answer counts against its caller when it was not taken by then. Nearly all are taken within a millisecond, and are
never counted: that would be most of what they cost."""

CALL_BYTES: Final = 16 * 1024
"""What the core and this server keep of a call, beside its answer, until that is taken."""

UNTAKEN_BYTES: Final = 128 * 1024 * 1024
"""Of one caller, whose calls are refused beyond it: 8,000 usual answers, twice what a service has under way at once."""


class Leaving(Protocol):
    """A call whose answer is on its way."""

    @property
    def subject(self) -> str:
        """Who called; empty for a stranger."""

    @property
    def answer_bytes(self) -> int:
        """The size of the answer."""

    def reset(self) -> None:
        """End it, whatever becomes of its answer."""


class Departures:
    """The answers that are on their way, counted by caller. Used on one thread."""

    def __init__(self) -> None:
        """Begin with none."""
        self._leaving: dict[Leaving, float] = {}
        self._untaken: dict[Leaving, float] = {}
        self._bytes: Counter[str] = Counter()

    def require_room(self, subject: str) -> None:
        """Raise TooManyAtOnce if a caller has too much that is not taken."""
        if self._untaken and self._bytes[subject] >= UNTAKEN_BYTES:
            raise TooManyAtOnce(what="answers that were not taken", maximum=UNTAKEN_BYTES // CALL_BYTES)

    def expect(self, call: Leaving) -> None:
        """Hear that the answer of a call leaves now."""
        self._leaving[call] = time.monotonic()

    def expect_no_more(self, call: Leaving) -> None:
        """Hear that an answer was taken, or that nobody takes it any more. Does nothing if none was expected."""
        if self._leaving.pop(call, None) is None and self._untaken.pop(call, None) is not None:
            self._count(call, -1)

    def _count(self, call: Leaving, sign: int) -> None:
        self._bytes[call.subject] += sign * (CALL_BYTES + call.answer_bytes)
        if not self._bytes[call.subject]:
            del self._bytes[call.subject]

    @property
    def next_end(self) -> float | None:
        """When to look for late ones next, on time.monotonic's clock; None if no answer is expected."""
        ends = [next(iter(calls.values())) + seconds for calls, seconds in self._stages() if calls]
        return min(ends, default=None)

    def _stages(self) -> tuple[tuple[dict[Leaving, float], float], ...]:
        return (self._leaving, NOTICED_SECONDS), (self._untaken, TAKEN_SECONDS)

    def late(self) -> Iterator[Leaving]:
        """Yield the calls whose answers are late, and expect them no more."""
        if not self._leaving and not self._untaken:
            return
        now = time.monotonic()
        for call in _since(self._leaving, now - NOTICED_SECONDS):
            self._untaken[call] = self._leaving.pop(call)
            self._count(call, 1)
        for call in _since(self._untaken, now - TAKEN_SECONDS):
            self.expect_no_more(call)
            yield call


def _since(calls: dict[Leaving, float], latest: float) -> Iterator[Leaving]:
    """Yield, from the first one on, the calls that came no later; each is to be taken out."""
    while calls:
        call, since = next(iter(calls.items()))
        if since > latest:
            return
        yield call
