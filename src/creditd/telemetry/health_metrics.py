"""The metrics of health: whether a process serves, by what it depends on."""

from collections.abc import Callable, Iterator, Mapping

from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector


class HealthMetrics(Collector):
    """What health tells at this moment."""

    def __init__(self, serving: Callable[[], Mapping[str, bool]]) -> None:
        """Ask ``serving``, at each scrape, what is served: by the name of what it depends on, none before the start."""
        self._serving = serving

    def collect(self) -> Iterator[Metric]:
        """Return what is served as Prometheus wants it."""
        gauge = GaugeMetricFamily(
            "creditd_health_serving",
            "Whether health says SERVING, by the database that it depends on: 1 if so, 0 if not.",
            labels=("part",),
        )
        for part, is_serving in self._serving().items():
            gauge.add_metric((part,), is_serving)
        yield gauge
