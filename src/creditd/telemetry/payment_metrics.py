"""The metrics of payments, read from their own counts whenever Prometheus asks."""

from collections.abc import Iterator
from typing import Final

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from creditd.telemetry.statistics import PaymentStatistics

_COUNTERS: Final = (
    ("ingested", "result", "Authentic webhooks, by what became of them."),
    ("rejected", "reason", "Webhooks that were rejected: each is a security event."),
    ("applied", "outcome", "Tries to apply a payment event, by their outcome."),
    ("hints_dropped", "reason", "Unsigned hints about what their provider does not know, or could not be asked about."),
    ("finds", "outcome", "What was found at a provider that no webhook had told of."),
)

_GAUGES: Final = (
    ("pending", "Payment events that wait to be applied, in all of the database."),
    ("oldest_pending_seconds", "How long the oldest of them has waited."),
    (
        "waiting",
        "Payment events that name nothing of ours, or have not ended at their provider, in all of the database.",
    ),
    ("parked", "Payment events that wait for a person, in all of the database."),
)


class PaymentMetrics(Collector):
    """What payments count: webhooks taken in and rejected, events applied, finds, and what waits in the inbox."""

    def __init__(self, statistics: PaymentStatistics) -> None:
        """Read these, at each scrape."""
        self._statistics = statistics

    def collect(self) -> Iterator[Metric]:
        """Return the counts as Prometheus wants them."""
        for name, label, explanation in _COUNTERS:
            family = CounterMetricFamily(f"creditd_payments_{name}", explanation, labels=("provider", label))
            # The event loop goes on counting: a plain dict is copied in one step.
            for labels, count in dict(getattr(self._statistics, name)).items():
                family.add_metric(labels, count)
            yield family
        failures = CounterMetricFamily(
            "creditd_payments_background_failures",
            "Rounds of the work in the background that failed, by what failed and the kind of error.",
            labels=("work", "error"),
        )
        for work, counts in dict(self._statistics.failures).items():
            for error, count in dict(counts).items():
                failures.add_metric((work, error), count)
        yield failures
        flags = GaugeMetricFamily(
            "creditd_account_flags_open",
            "Flags of velocity rules that nobody has cleared yet, in all of the database.",
            labels=("kind", "action"),
        )
        for labels, count in dict(self._statistics.open_flags).items():
            flags.add_metric(labels, count)
        yield flags
        for name, explanation in _GAUGES:
            yield GaugeMetricFamily(f"creditd_payments_{name}", explanation, value=getattr(self._statistics, name))
