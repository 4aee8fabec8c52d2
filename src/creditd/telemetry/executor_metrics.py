"""The metrics of calls to executors, by executor."""

from collections.abc import Iterator, Mapping

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from creditd.telemetry.statistics import ExecutorStatistics


class ExecutorMetrics(Collector):
    """What is known of each executor that is configured."""

    def __init__(self, statistics: Mapping[str, ExecutorStatistics]) -> None:
        """Read these, by the name of the executor, at each scrape."""
        self._statistics = statistics

    def collect(self) -> Iterator[Metric]:
        """Return the numbers as Prometheus wants them."""
        labels = ("executor",)
        calls = CounterMetricFamily(
            "creditd_executor_calls",
            "Calls to an executor, by what came of them.",
            labels=(*labels, "method", "outcome"),
        )
        retries = CounterMetricFamily(
            "creditd_executor_retries", "Tries after the first of a call to an executor.", labels=labels
        )
        running = GaugeMetricFamily("creditd_executor_running", "Executions under way at an executor.", labels=labels)
        breaker = GaugeMetricFamily(
            "creditd_executor_breaker_state",
            "Whether an executor is called: 0 always, 1 by one call to see whether it is back, 2 not at all.",
            labels=labels,
        )
        for executor, seen in self._statistics.items():
            for (method, outcome), count in dict(seen.calls).items():
                calls.add_metric((executor, method, outcome), count)
            retries.add_metric((executor,), seen.retries)
            running.add_metric((executor,), seen.running)
            breaker.add_metric((executor,), seen.breaker_state)
        yield from (calls, retries, running, breaker)
