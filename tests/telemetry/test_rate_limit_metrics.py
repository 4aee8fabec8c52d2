"""How old what is known of other processes is, and what fails, can be watched."""

import math
import time
from collections import Counter

import pytest
from prometheus_client import CollectorRegistry

from creditd.telemetry.rate_limit_metrics import RateLimitMetrics
from creditd.telemetry.statistics import ExchangeStatistics

pytestmark = pytest.mark.requirement("I2")


def test_it_tells_of_exchanges_and_of_failures() -> None:
    registry, statistics = CollectorRegistry(), ExchangeStatistics()
    registry.register(RateLimitMetrics(statistics))
    never = registry.get_sample_value("creditd_rate_limits_age_seconds")
    assert never is not None
    assert math.isnan(never)
    statistics.exchanges, statistics.callers, statistics.waiting = 2, 30, 4
    statistics.exchanged_at, statistics.failures = time.monotonic() - 100, Counter(LoginRefused=3)
    assert (registry.get_sample_value("creditd_rate_limits_age_seconds") or 0) >= 100
    assert registry.get_sample_value("creditd_rate_limits_exchanges_total") == 2
    assert registry.get_sample_value("creditd_rate_limits_callers_total") == 30
    assert registry.get_sample_value("creditd_rate_limits_waiting") == 4
    assert registry.get_sample_value("creditd_rate_limits_failures_total", {"kind": "LoginRefused"}) == 3
