"""The metrics of payments say what came in, what became of it, and what waits for a person."""

import pytest
from prometheus_client import CollectorRegistry, generate_latest

from creditd.telemetry.payment_metrics import PaymentMetrics
from creditd.telemetry.statistics import PaymentStatistics

COUNTERS = {"ingested": "result", "rejected": "reason", "applied": "outcome", "finds": "outcome"}
GAUGES = ("pending", "oldest_pending_seconds", "parked")


@pytest.fixture
def statistics() -> PaymentStatistics:
    return PaymentStatistics()


@pytest.fixture
def registry(statistics: PaymentStatistics) -> CollectorRegistry:
    made = CollectorRegistry()
    made.register(PaymentMetrics(statistics))
    return made


def counted(registry: CollectorRegistry, name: str, provider: str, what: str) -> float | None:
    labels = {"provider": provider, COUNTERS[name]: what}
    return registry.get_sample_value(f"creditd_payments_{name}_total", labels)


@pytest.mark.parametrize("name", COUNTERS)
def test_each_count_is_by_provider_and_by_what_came_of_it(
    registry: CollectorRegistry, statistics: PaymentStatistics, name: str
) -> None:
    counts = getattr(statistics, name)
    assert counted(registry, name, "stripe", "one") is None
    counts["stripe", "one"] += 2
    counts["stripe", "other"] += 1
    counts["omise", "one"] += 5
    assert [counted(registry, name, *labels) for labels in counts] == [2, 1, 5]


@pytest.mark.parametrize("name", GAUGES)
def test_what_waits_is_as_it_was_last_seen(
    registry: CollectorRegistry, statistics: PaymentStatistics, name: str
) -> None:
    assert registry.get_sample_value(f"creditd_payments_{name}") == 0
    setattr(statistics, name, 7)
    assert registry.get_sample_value(f"creditd_payments_{name}") == 7
    setattr(statistics, name, 0)
    assert registry.get_sample_value(f"creditd_payments_{name}") == 0


def test_every_metric_is_explained_and_has_its_type(registry: CollectorRegistry) -> None:
    text = generate_latest(registry).decode()
    for name in COUNTERS:
        assert f"# TYPE creditd_payments_{name}_total counter" in text
        assert f"# HELP creditd_payments_{name}_total " in text
    for name in GAUGES:
        assert f"# TYPE creditd_payments_{name} gauge" in text
