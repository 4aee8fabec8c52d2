"""The metrics of the bulkheads: which kind of waiting is full, and which one refuses."""

import time
from collections.abc import Iterator, Mapping
from typing import Final

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from creditd.telemetry.statistics import Occupancy

_GAUGES: Final = (
    ("threads", "Threads, and so database connections, that a kind of waiting has."),
    ("running", "Jobs that run on them."),
    ("waiting", "Jobs that wait for one of them."),
)

_COUNTERS: Final = (
    ("refused", "Jobs that were refused because too many waited."),
    ("abandoned", "Jobs whose callers went away before they were done."),
)


class BulkheadMetrics(Collector):
    """How full each bulkhead is."""

    def __init__(self, occupancies: Mapping[str, Occupancy]) -> None:
        """Read these, by the name of their kind, at each scrape."""
        self._occupancies = occupancies

    def collect(self) -> Iterator[Metric]:
        """Return the numbers as Prometheus wants them."""
        occupancies = dict(self._occupancies)
        for name, explanation in _GAUGES:
            gauge = GaugeMetricFamily(f"creditd_bulkhead_{name}", explanation, labels=("kind",))
            for kind, occupancy in occupancies.items():
                gauge.add_metric((kind,), getattr(occupancy, name))
            yield gauge
        yield _ages(occupancies)
        for name, explanation in _COUNTERS:
            counter = CounterMetricFamily(f"creditd_bulkhead_{name}", explanation, labels=("kind",))
            for kind, occupancy in occupancies.items():
                counter.add_metric((kind,), getattr(occupancy, name))
            yield counter


def _ages(occupancies: Mapping[str, Occupancy]) -> GaugeMetricFamily:
    now = time.monotonic()
    ages = GaugeMetricFamily(
        "creditd_bulkhead_oldest_waiting_seconds",
        "How long the first of the jobs that wait has done so; 0 if none does.",
        labels=("kind",),
    )
    for kind, occupancy in occupancies.items():
        since = occupancy.oldest_since
        ages.add_metric((kind,), 0.0 if since is None else now - since)
    return ages
