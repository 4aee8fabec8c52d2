"""The metrics of events, read from their own counts whenever Prometheus asks."""

from collections.abc import Iterator

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from creditd.telemetry.statistics import EventStatistics


class EventMetrics(Collector):
    """What publishing counts, and how far behind it is."""

    def __init__(self, statistics: EventStatistics) -> None:
        """Read these, at each scrape."""
        self._statistics = statistics

    def collect(self) -> Iterator[Metric]:
        """Return the counts as Prometheus wants them."""
        seen = self._statistics
        yield CounterMetricFamily(
            "creditd_events_published", "Events that this server published.", value=seen.published
        )
        yield GaugeMetricFamily(
            "creditd_events_lag_seconds",
            "How long the oldest event of the outbox has waited to be published, in all of the database.",
            value=seen.lag_seconds,
        )
        attempts = CounterMetricFamily(
            "creditd_event_delivery_attempts",
            "Attempts of this server to deliver an event, by what came of them.",
            labels=("outcome",),
        )
        for outcome, count in dict(seen.attempts).items():
            attempts.add_metric((outcome,), count)
        yield attempts
        lags = GaugeMetricFamily(
            "creditd_event_delivery_lag_seconds",
            "How long the oldest event has waited for its delivery, by endpoint, unless it is paused.",
            labels=("endpoint",),
        )
        for endpoint, seconds in dict(seen.delivery_lags).items():
            lags.add_metric((endpoint,), seconds)
        yield lags
        failures = CounterMetricFamily(
            "creditd_events_background_failures",
            "Rounds of the work on events that failed, by what failed and the kind of error.",
            labels=("work", "error"),
        )
        for work, counts in dict(seen.failures).items():
            for error, count in dict(counts).items():
                failures.add_metric((work, error), count)
        yield failures
