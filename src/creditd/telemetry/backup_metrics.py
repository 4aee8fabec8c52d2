"""The metrics of backups, as the folder of backups was last seen."""

from collections.abc import Iterator

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from creditd.telemetry.statistics import BackupStatistics


class BackupMetrics(Collector):
    """When a backup and a drill last succeeded, whoever had them made, and what failed here."""

    def __init__(self, statistics: BackupStatistics) -> None:
        """Read these, at each scrape."""
        self._statistics = statistics

    def collect(self) -> Iterator[Metric]:
        """Return the numbers as Prometheus wants them."""
        yield GaugeMetricFamily(
            "creditd_backup_last_success_timestamp_seconds",
            "When the newest good backup of the folder was complete; 0: there is none; not a number until it was seen.",
            value=self._statistics.last_backup,
        )
        yield GaugeMetricFamily(
            "creditd_drill_last_success_timestamp_seconds",
            "When a drill last succeeded; 0: never; not a number until the folder was seen.",
            value=self._statistics.last_drill,
        )
        yield CounterMetricFamily(
            "creditd_backup_failures",
            "Backups that this server was to make and could not, and looks at the folder that failed.",
            value=self._statistics.failures,
        )
