"""How late a process is with what it has to do: its event loop, and any thread that waits for the interpreter.

Each is asked to do nothing at a known time, and its lateness goes into a histogram: on the event loop by a timer, and
on a thread of its own by a wait. Nothing is measured with a call.
"""

import asyncio
import time
from bisect import bisect_left
from collections.abc import Iterator
from threading import Event, Thread
from typing import Final

from prometheus_client.core import HistogramMetricFamily, Metric
from prometheus_client.registry import Collector

from creditd.telemetry.metrics import cumulative

LAG_BUCKETS: Final = (0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 5.0)
"""In seconds: a healthy process is below the first ones; from a half on callers notice."""

LOOK_SECONDS: Final = 0.25
"""Between two looks: 1,200 in five minutes are enough for a high quantile, and cost nothing that could be measured."""


class Lag:
    """How late one of them was, so far. Noted on one thread, read on any."""

    def __init__(self) -> None:
        """Begin without looks."""
        self.counts = [0] * (len(LAG_BUCKETS) + 1)
        self.seconds = 0.0

    def note(self, seconds: float) -> None:
        """Note a look; a timer may come a little early, which is no lag."""
        late = max(0.0, seconds)
        self.counts[bisect_left(LAG_BUCKETS, late)] += 1
        self.seconds += late


class LoopProbe:
    """Notes how late timers of an event loop are, until it is closed. Made and closed on that loop."""

    def __init__(self, lag: Lag) -> None:
        """Look at the running event loop."""
        self._lag = lag
        self._loop = asyncio.get_running_loop()
        self._set()

    def _set(self) -> None:
        # By the system's clock: a loop's own time may be that of the beginning of its turn, and hide what came before.
        self._due = time.monotonic() + LOOK_SECONDS
        self._timer = self._loop.call_later(LOOK_SECONDS, self._look)

    def _look(self) -> None:
        self._lag.note(time.monotonic() - self._due)
        self._set()

    def close(self) -> None:
        """Look no more."""
        self._timer.cancel()


class ThreadProbe:
    """Notes how late a thread of its own wakes up: how long a thread waits for the interpreter and for a processor."""

    def __init__(self, lag: Lag) -> None:
        """Start the thread."""
        self._lag = lag
        self._closed = Event()
        self._thread = Thread(target=self._run, name="lag", daemon=True)
        self._thread.start()

    def _run(self) -> None:
        due = time.monotonic() + LOOK_SECONDS
        while not self._closed.wait(due - time.monotonic()):
            now = time.monotonic()
            self._lag.note(now - due)
            due = now + LOOK_SECONDS

    def close(self) -> None:
        """Look no more, and end the thread."""
        self._closed.set()
        self._thread.join()


class LagMetrics(Collector):
    """The lags of a process."""

    def __init__(self, event_loop: Lag, threads: Lag) -> None:
        """Read these, at each scrape."""
        self._lags = (
            ("creditd_event_loop_lag_seconds", "How late the event loop's timers were.", event_loop),
            ("creditd_thread_lag_seconds", "How late a thread woke up that waited for nothing else.", threads),
        )

    def collect(self) -> Iterator[Metric]:
        """Return the histograms as Prometheus wants them."""
        for name, explanation, lag in self._lags:
            buckets = cumulative(LAG_BUCKETS, lag.counts.copy())
            yield HistogramMetricFamily(name, explanation, buckets=buckets, sum_value=lag.seconds)
