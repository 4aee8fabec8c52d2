"""The metrics of shared rate limits: how old what is known of other processes is, and what fails."""

import time
from collections.abc import Iterator
from math import nan

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from creditd.telemetry.statistics import ExchangeStatistics


class RateLimitMetrics(Collector):
    """What is known of the exchange of counts."""

    def __init__(self, statistics: ExchangeStatistics) -> None:
        """Read these at each scrape."""
        self._statistics = statistics

    def collect(self) -> Iterator[Metric]:
        """Return the numbers as Prometheus wants them."""
        known = self._statistics
        age = nan if known.exchanged_at is None else time.monotonic() - known.exchanged_at
        yield GaugeMetricFamily(
            "creditd_rate_limits_age_seconds", "Since calls were last exchanged with other processes.", value=age
        )
        yield GaugeMetricFamily(
            "creditd_rate_limits_waiting", "Callers that are exchanged at the next turn.", value=known.waiting
        )
        yield CounterMetricFamily("creditd_rate_limits_exchanges", "Exchanges with Redis.", value=known.exchanges)
        yield CounterMetricFamily("creditd_rate_limits_callers", "Callers in them.", value=known.callers)
        failures = CounterMetricFamily(
            "creditd_rate_limits_failures", "Exchanges that failed; limits hold by process.", labels=("kind",)
        )
        for kind, count in dict(known.failures).items():
            failures.add_metric((kind,), count)
        yield failures
