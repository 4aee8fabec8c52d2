"""How fast the machine runs while something is timed on it: what it takes for a fixed piece of work.

A machine that is shared with others runs at half its pace at times, and no count of its own shows it. What is timed
then says nothing about the service, least of all beside an attack that comes at a fixed rate.
"""

import os
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from statistics import median
from typing import Final

REFERENCE_SECONDS: Final = 0.0025
"""Of the processor for one piece of work, on the machine that the bounds of times are stated for."""

REST_SECONDS: Final = 0.1
"""Between two pieces: they take a fortieth of one core."""

JUDGED: Final = 1.4
"""Times the reference up to which a time is held against its bound. Beyond, it is shown."""

_STEPS, _SWITCHES = 20_000, 500


@dataclass
class Pace:
    """What pieces of work took, in seconds of the processor."""

    seconds: list[float] = field(default_factory=list)

    @property
    def slowness(self) -> float:
        """How many times as long as on the reference machine."""
        return median(self.seconds) / REFERENCE_SECONDS

    @property
    def is_judged(self) -> bool:
        """Whether what was timed meanwhile is to be held against its bounds."""
        return self.slowness <= JUDGED

    def __str__(self) -> str:
        judged = "" if self.is_judged else ", too slow to judge times by"
        return f"machine {self.slowness:.2f} times as slow as its like{judged}"


@contextmanager
def watched_pace() -> Iterator[Pace]:
    """Take the pace of the machine until the block ends, from its beginning on."""
    pace = Pace([_piece()])
    ending = threading.Event()

    def look() -> None:
        while not ending.wait(REST_SECONDS):
            pace.seconds.append(_piece())

    thread = threading.Thread(target=look)
    thread.start()
    try:
        yield pace
    finally:
        ending.set()
        thread.join()


def _piece() -> float:
    """Work for some milliseconds, in Python and in the system; return what it took of the processor, no waiting."""
    reading, writing = os.pipe()
    began = time.thread_time()
    total = 0
    for step in range(_STEPS):
        total += step * step % 7
    for _ in range(_SWITCHES):
        os.write(writing, b"x")
        os.read(reading, 1)
    took = time.thread_time() - began
    os.close(reading)
    os.close(writing)
    return took
