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
from prometheus_client.samples import Exemplar

from creditd import __version__

SECONDS_BUCKETS: Final = (0.0005, 0.001, 0.002, 0.003, 0.005, 0.01, 0.02, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0)

OTHER: Final = "other"
"""The method of calls to what is no RPC of ours: a label is never what a caller made up."""


class Observe(Protocol):
    """Counts one call that has ended."""

    def __call__(self, code: str, seconds: float, reason: str = "", /) -> None:
        """Say how it ended, by the name of its status code, after how long, and for which reason it was refused."""


class Exemplify(Protocol):
    """Notes in which trace a call is that has ended."""

    def __call__(self, code: str, seconds: float, trace_id: str, /) -> None:
        """Say how it ended and after how long, as to ``Observe``, and the trace's id in hexadecimal."""


class RpcMetrics(Collector):
    """Counts and durations of calls, by method and code."""

    def __init__(self, methods: Iterable[str]) -> None:
        """Count the calls of these methods, by full name, and of all others together."""
        # For each method and code: how many calls in each bucket, the last for those beyond, and then their seconds.
        self._cells: dict[str, dict[str, list[float]]] = {method: {} for method in (*methods, OTHER)}
        self._refusals: dict[str, Counter[str]] = {method: Counter() for method in self._cells}
        self._exemplars: dict[str, dict[tuple[str, int], Exemplar]] = {method: {} for method in self._cells}

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

    def exemplifier(self, method: str) -> Exemplify:
        """Return the function that notes of a method's calls in which trace each is.

        The last one of each bucket is kept. Only the thread that counts may call it.
        """
        exemplars = self._exemplars.get(method, self._exemplars[OTHER])

        def exemplify(code: str, seconds: float, trace_id: str, /) -> None:
            # Without a time: Prometheus takes that of its scrape, and our own wall clock may be wrong.
            exemplars[code, bisect_left(SECONDS_BUCKETS, seconds)] = Exemplar({"trace_id": trace_id}, seconds)

        return exemplify

    def _with_exemplars(
        self, method: str, code: str, buckets: list[tuple[str, float]]
    ) -> list[tuple[str, float] | tuple[str, float, Exemplar]]:
        """Return buckets, each with its exemplar if there is one."""
        exemplars = self._exemplars[method]
        if not exemplars:
            return list(buckets)
        found = ((bucket, exemplars.get((code, place))) for place, bucket in enumerate(buckets))
        return [bucket if exemplar is None else (*bucket, exemplar) for bucket, exemplar in found]

    def collect(self) -> Iterator[Metric]:
        """Return the counts as Prometheus wants them; exemplars are shown to who asks for OpenMetrics alone."""
        labels = ("method", "code")
        calls = CounterMetricFamily("creditd_rpc_calls", "Calls that have ended.", labels=labels)
        durations = HistogramMetricFamily("creditd_rpc_duration_seconds", "How long calls took.", labels=labels)
        for method, by_code in self._cells.items():
            for code, cell in list(by_code.items()):
                *counts, seconds = cell.copy()
                calls.add_metric((method, code), sum(counts))
                buckets = self._with_exemplars(method, code, cumulative(SECONDS_BUCKETS, counts))
                durations.add_metric((method, code), buckets, seconds)
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
