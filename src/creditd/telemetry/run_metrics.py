"""The metrics of runs, read from their own counts whenever Prometheus asks."""

from collections.abc import Iterator

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from creditd.telemetry.statistics import RunStatistics


class RunMetrics(Collector):
    """How runs of workflows end, and how many there are."""

    def __init__(self, statistics: RunStatistics) -> None:
        """Read these, at each scrape."""
        self._statistics = statistics

    def collect(self) -> Iterator[Metric]:
        """Return the counts as Prometheus wants them."""
        seen = self._statistics
        yield GaugeMetricFamily(
            "creditd_runs_open",
            "Runs that have not ended, in all of the database, up to 100,000; not a number until it was asked.",
            value=seen.open_runs,
        )
        yield GaugeMetricFamily(
            "creditd_runs_oldest_due_seconds",
            "For how long the oldest run that is due has not been taken by any server.",
            value=seen.oldest_due_seconds,
        )
        ended = CounterMetricFamily("creditd_runs_ended", "Runs that this server ended.", labels=("outcome",))
        for outcome, count in dict(seen.ended).items():
            ended.add_metric((outcome,), count)
        yield ended
        yield CounterMetricFamily(
            "creditd_runs_overtaken",
            "Verdicts of this server that changed nothing, since the run was not its own any more.",
            value=seen.overtaken,
        )
        failures = CounterMetricFamily(
            "creditd_runs_background_failures",
            "Rounds of the work on runs that failed, by what failed and the kind of error.",
            labels=("work", "error"),
        )
        for work, counts in dict(seen.failures).items():
            for error, count in dict(counts).items():
                failures.add_metric((work, error), count)
        yield failures
