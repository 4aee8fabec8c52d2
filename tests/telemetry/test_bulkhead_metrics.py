"""The metrics of the bulkheads say, for each kind of waiting, how full it is and whom it refused."""

import time

import pytest
from prometheus_client import CollectorRegistry

from creditd.telemetry.bulkhead_metrics import BulkheadMetrics
from creditd.telemetry.statistics import Occupancy


@pytest.mark.parametrize(
    ("name", "expected"), [("threads", 4), ("running", 3), ("waiting", 2), ("refused_total", 7), ("abandoned_total", 1)]
)
def test_each_figure_is_by_kind(name: str, expected: int) -> None:
    occupancies = {"pages": Occupancy(4)}
    registry = CollectorRegistry()
    registry.register(BulkheadMetrics(occupancies))
    pages, health = occupancies["pages"], Occupancy(1)
    pages.running, pages.waiting, pages.refused, pages.abandoned = 3, 2, 7, 1
    occupancies["health"] = health
    assert registry.get_sample_value(f"creditd_bulkhead_{name}", {"kind": "pages"}) == expected
    assert registry.get_sample_value(f"creditd_bulkhead_{name}", {"kind": "health"}) == (1 if name == "threads" else 0)


def test_the_age_of_the_first_that_waits_is_by_kind() -> None:
    occupancies = {"pages": Occupancy(4, oldest_since=time.monotonic() - 60), "health": Occupancy(1)}
    registry = CollectorRegistry()
    registry.register(BulkheadMetrics(occupancies))
    ages = [
        registry.get_sample_value("creditd_bulkhead_oldest_waiting_seconds", {"kind": kind}) for kind in occupancies
    ]
    assert ages == [pytest.approx(60, abs=30), 0]
