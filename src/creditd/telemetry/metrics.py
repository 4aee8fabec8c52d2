"""Metrics for Prometheus. The hot path adds to plain numbers; everything else happens when somebody looks.

Each worker process has numbers of its own and serves them on a port of its own, the base port plus its index, so that
Prometheus scrapes them as so many instances and sums: nothing is shared between processes, and a counter is never read
half from one worker and half from another, as happens when all of them listen on one port.
"""

from bisect import bisect_left
from collections import Counter
from collections.abc import Iterable, Iterator
from itertools import accumulate
from typing import Final, Protocol

from prometheus_client import (
    CollectorRegistry,
    GCCollector,
    Info,
    PlatformCollector,
    ProcessCollector,
)
from prometheus_client.core import CounterMetricFamily, HistogramMetricFamily, Metric
from prometheus_client.registry import Collector

from creditd import __version__

SECONDS_BUCKETS: Final = (0.0005, 0.001, 0.002, 0.003, 0.005, 0.01, 0.02, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0)

OTHER: Final = "other"
"""The method of calls to what is no RPC of ours: a label is never what a caller made up."""


class Observe(Protocol):
    """Counts one call that has ended."""

    def __call__(self, code: str, seconds: float, reason: str = "", /) -> None:
        """Say how it ended, by the name of its status code, after how long, and for which reason it was refused."""


class RpcMetrics(Collector):
    """Counts and durations of calls, by method and code."""

    def __init__(self, methods: Iterable[str]) -> None:
        """Count the calls of these methods, by full name, and of all others together."""
        # For each method and code: how many calls in each bucket, the last for those beyond, and then their seconds.
        self._cells: dict[str, dict[str, list[float]]] = {method: {} for method in (*methods, OTHER)}
        self._refusals: dict[str, Counter[str]] = {method: Counter() for method in self._cells}

    def observer(self, method: str) -> Observe:
        """Return the function that counts a method's calls. Only the event loop's thread may call it."""
        cells = self._cells.get(method, self._cells[OTHER])
        refusals = self._refusals.get(method, self._refusals[OTHER])
        buckets = SECONDS_BUCKETS
        bucket_of = bisect_left

        def observe(code: str, seconds: float, reason: str = "", /) -> None:
            cell = cells.get(code)
            if cell is None:
                cell = cells[code] = [0.0] * (len(buckets) + 2)
            cell[bucket_of(buckets, seconds)] += 1
            cell[-1] += seconds
            if reason:
                refusals[reason] += 1

        return observe

    def collect(self) -> Iterator[Metric]:
        """Return the counts as Prometheus wants them."""
        labels = ("method", "code")
        calls = CounterMetricFamily("creditd_rpc_calls", "Calls that have ended.", labels=labels)
        durations = HistogramMetricFamily("creditd_rpc_duration_seconds", "How long calls took.", labels=labels)
        for method, by_code in self._cells.items():
            for code, cell in list(by_code.items()):
                *counts, seconds = cell.copy()
                calls.add_metric((method, code), sum(counts))
                durations.add_metric((method, code), cumulative(SECONDS_BUCKETS, counts), seconds)
        refused = CounterMetricFamily(
            "creditd_rpc_refusals",
            "Calls that were refused, by the reason that they were given.",
            labels=("method", "reason"),
        )
        for method, reasons in self._refusals.items():
            for reason, count in dict(reasons).items():
                refused.add_metric((method, reason), count)
        yield from (calls, durations, refused)


def cumulative(bounds: Iterable[float], counts: Iterable[float]) -> list[tuple[str, float]]:
    """Return a histogram's buckets, each with how many lie at or below it; the last count is of what lies beyond."""
    return list(zip((*(str(float(bound)) for bound in bounds), "+Inf"), accumulate(counts), strict=True))


def make_registry(*collectors: Collector) -> CollectorRegistry:
    """Return a registry of these collectors and of those about the process itself: memory, time, open files."""
    registry = CollectorRegistry()
    Info("creditd_build", "What is running.", registry=registry).info({"version": __version__})
    ProcessCollector(registry=registry)
    PlatformCollector(registry=registry)
    GCCollector(registry=registry)
    for collector in collectors:
        registry.register(collector)
    return registry
