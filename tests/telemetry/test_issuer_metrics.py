"""How old the keys of outside issuers are, and what fails, can be watched."""

import math
import time
from collections import Counter

import pytest
from prometheus_client import CollectorRegistry

from creditd.telemetry.issuer_metrics import IssuerMetrics
from creditd.telemetry.statistics import KeyStatistics

pytestmark = pytest.mark.requirement("G4")


def test_each_issuer_tells_how_old_its_keys_are_and_what_failed() -> None:
    registry = CollectorRegistry()
    statistics = {
        "good": KeyStatistics(2, time.monotonic() - 100),
        "away": KeyStatistics(failures=Counter({"ConnectError": 3})),
    }
    registry.register(IssuerMetrics(statistics))
    age = registry.get_sample_value("creditd_issuer_keys_age_seconds", {"issuer": "good"})
    assert age is not None
    assert age >= 100
    never = registry.get_sample_value("creditd_issuer_keys_age_seconds", {"issuer": "away"})
    assert never is not None
    assert math.isnan(never)
    assert registry.get_sample_value("creditd_issuer_keys", {"issuer": "good"}) == 2
    failed = {"issuer": "away", "kind": "ConnectError"}
    assert registry.get_sample_value("creditd_issuer_fetch_failures_total", failed) == 3
