"""The metrics of outside issuers: how old their keys are, and whether fetching them fails."""

import time
from collections.abc import Iterator, Mapping
from math import nan

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from creditd.telemetry.statistics import KeyStatistics


class IssuerMetrics(Collector):
    """What is known of each issuer's keys."""

    def __init__(self, statistics: Mapping[str, KeyStatistics]) -> None:
        """Read these, by the name of the issuer, at each scrape."""
        self._statistics = statistics

    def collect(self) -> Iterator[Metric]:
        """Return the numbers as Prometheus wants them."""
        labels = ("issuer",)
        age = GaugeMetricFamily(
            "creditd_issuer_keys_age_seconds", "Since an issuer's keys were last fetched.", labels=labels
        )
        keys = GaugeMetricFamily("creditd_issuer_keys", "Keys of an issuer that can be used.", labels=labels)
        failures = CounterMetricFamily(
            "creditd_issuer_fetch_failures", "Fetches of an issuer's keys that failed.", labels=(*labels, "kind")
        )
        for issuer, known in dict(self._statistics).items():
            age.add_metric((issuer,), nan if known.fetched_at is None else time.monotonic() - known.fetched_at)
            keys.add_metric((issuer,), known.keys)
            for kind, count in dict(known.failures).items():
                failures.add_metric((issuer, kind), count)
        yield from (age, keys, failures)
