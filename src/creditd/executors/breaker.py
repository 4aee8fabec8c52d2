"""The breaker: whether an executor is asked at all."""

import logging
from collections.abc import Callable
from enum import IntEnum
from typing import Final

from creditd.telemetry.statistics import ExecutorStatistics

log = logging.getLogger(__name__)

MOST_FAILURES: Final = 5
"""Tries in a row that reach nobody, before no more are made: more than the restart of one executor costs one run."""

OPEN_SECONDS: Final = 10.0
"""How long nothing is tried then: a restart takes about as long."""

PROBE_SECONDS: Final = 5.0
"""A try that has not failed for as long has reached somebody, though an executor at work may be silent for hours: a
connection that cannot be made has failed by then (channel.MAX_CONNECT_SECONDS). In this time one try is made alone."""


class BreakerState(IntEnum):
    """Whether tries are made: all, one alone to see how it goes, or none. The numbers are the metric's."""

    CLOSED = 0
    HALF_OPEN = 1
    OPEN = 2


class Breaker:
    """The breaker of one executor. Used on one event loop."""

    def __init__(self, name: str, statistics: ExecutorStatistics, clock: Callable[[], float]) -> None:
        """Guard the executor ``name``; ``clock`` tells seconds, and is never set back."""
        self._name = name
        self._statistics = statistics
        self._clock = clock
        self._failures = 0
        self._shut_until = 0.0

    @property
    def state(self) -> BreakerState:
        """Where it stands."""
        return BreakerState(self._statistics.breaker_state)

    def admits(self) -> bool:
        """Tell whether to make a try now; if so, ``reached`` or ``failed`` is to be told of it."""
        if self.state is BreakerState.CLOSED:
            return True
        now = self._clock()
        if now < self._shut_until:
            return False
        # Others wait for how this one goes.
        self._shut_until = now + PROBE_SECONDS
        self._enter(BreakerState.HALF_OPEN)
        return True

    def reached(self) -> None:
        """Note that a try has reached the executor."""
        self._failures = 0
        if self.state is not BreakerState.CLOSED:
            self._enter(BreakerState.CLOSED)
            log.info("an executor is reached again", extra={"executor": self._name})

    def failed(self) -> None:
        """Note that a try has reached nobody."""
        self._failures += 1
        if self.state is BreakerState.HALF_OPEN or self._failures >= MOST_FAILURES:
            if self.state is BreakerState.CLOSED:
                log.warning(
                    "an executor is not reached; it is asked seldom until it is",
                    extra={"executor": self._name, "failures": self._failures},
                )
            self._shut_until = self._clock() + OPEN_SECONDS
            self._enter(BreakerState.OPEN)

    def _enter(self, state: BreakerState) -> None:
        self._statistics.breaker_state = int(state)
