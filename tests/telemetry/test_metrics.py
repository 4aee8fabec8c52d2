"""Metrics say what happened, when they are asked, in Prometheus's own format."""

import urllib.error
import urllib.request
from collections.abc import Iterator
from importlib.metadata import version

import pytest
from prometheus_client import CollectorRegistry
from prometheus_client.parser import text_string_to_metric_families

from creditd.telemetry.ledger_metrics import ClockState, LedgerGauges, LedgerMetrics
from creditd.telemetry.metrics import RpcMetrics, make_registry
from creditd.telemetry.metrics_server import MetricsServer, start_metrics_server
from creditd.telemetry.statistics import LedgerStatistics

RESERVE = "/credit.v1.CreditService/Reserve"


@pytest.fixture
def rpc() -> RpcMetrics:
    return RpcMetrics([RESERVE])


@pytest.fixture
def statistics() -> LedgerStatistics:
    return LedgerStatistics()


@pytest.fixture
def registry(rpc: RpcMetrics, statistics: LedgerStatistics) -> CollectorRegistry:
    gauges = LedgerGauges(
        queue_depth=lambda: 7,
        waiting_apart=lambda: 4,
        pool_in_use=lambda: 2,
        pool_size=lambda: 20,
        sweep_lag_seconds=lambda: 1.5,
        sweep_failures=lambda: {"OSError": 2},
        clock=lambda: ClockState(offset_seconds=-600.25, doubts=3, jumps=1),
    )
    return make_registry(
        rpc, LedgerMetrics([statistics, LedgerStatistics(locked=10, heavy=11, busy=12, apart_seconds=0.5)], gauges)
    )


@pytest.fixture
def server(registry: CollectorRegistry) -> Iterator[MetricsServer]:
    running = start_metrics_server("127.0.0.1", 0, registry)
    yield running
    running.close()


def test_what_runs_is_a_metric(registry: CollectorRegistry) -> None:
    assert registry.get_sample_value("creditd_build_info", {"version": version("creditd")}) == 1


def calls(registry: CollectorRegistry, method: str, code: str) -> float | None:
    return registry.get_sample_value("creditd_rpc_calls_total", {"method": method, "code": code})


def at_most(registry: CollectorRegistry, seconds: str) -> float | None:
    labels = {"method": RESERVE, "code": "OK", "le": seconds}
    return registry.get_sample_value("creditd_rpc_duration_seconds_bucket", labels)


def test_calls_are_counted_by_method_and_code(rpc: RpcMetrics, registry: CollectorRegistry) -> None:
    observe = rpc.observer(RESERVE)
    assert calls(registry, RESERVE, "OK") is None
    for code in ("OK", "OK", "FAILED_PRECONDITION"):
        observe(code, 0.001)
    assert calls(registry, RESERVE, "OK") == 2
    assert calls(registry, RESERVE, "FAILED_PRECONDITION") == 1


@pytest.mark.requirement("I4")
def test_refusals_are_counted_by_method_and_reason(rpc: RpcMetrics, registry: CollectorRegistry) -> None:
    observe = rpc.observer(RESERVE)
    observe("OK", 0.001)
    for reason in ("INSUFFICIENT_CREDIT", "INSUFFICIENT_CREDIT", "LIMIT_EXCEEDED"):
        observe("FAILED_PRECONDITION", 0.001, reason)
    rpc.observer("/evil/one")("UNIMPLEMENTED", 0.0, "METHOD_NOT_FOUND")
    counted = {
        (sample.labels["method"], sample.labels["reason"]): sample.value
        for family in registry.collect()
        for sample in family.samples
        if sample.name == "creditd_rpc_refusals_total"
    }
    assert counted == {
        (RESERVE, "INSUFFICIENT_CREDIT"): 2,
        (RESERVE, "LIMIT_EXCEEDED"): 1,
        ("other", "METHOD_NOT_FOUND"): 1,
    }


def test_durations_fall_into_buckets_that_include_their_bound(rpc: RpcMetrics, registry: CollectorRegistry) -> None:
    observe = rpc.observer(RESERVE)
    for seconds in (0.0, 0.0005, 0.0006, 0.003, 100.0):
        observe("OK", seconds)
    assert [at_most(registry, bound) for bound in ("0.0005", "0.001", "0.002", "0.003", "10.0", "+Inf")] == [
        *(2, 3, 3, 4, 4),
        5,
    ]
    labels = {"method": RESERVE, "code": "OK"}
    assert registry.get_sample_value("creditd_rpc_duration_seconds_count", labels) == 5
    total = registry.get_sample_value("creditd_rpc_duration_seconds_sum", labels)
    assert total == pytest.approx(100.0041)


def test_a_method_that_a_caller_made_up_is_no_label(rpc: RpcMetrics, registry: CollectorRegistry) -> None:
    rpc.observer("/evil/one")("UNIMPLEMENTED", 0.0)
    rpc.observer("/evil/two")("UNIMPLEMENTED", 0.0)
    assert calls(registry, "other", "UNIMPLEMENTED") == 2
    assert calls(registry, "/evil/one", "UNIMPLEMENTED") is None


@pytest.mark.requirement("B2", "I4")
def test_the_ledgers_counts_are_read_when_asked(statistics: LedgerStatistics, registry: CollectorRegistry) -> None:
    statistics.batches, statistics.works = 3, 70
    statistics.conflicts, statistics.retries, statistics.replays, statistics.refusals = 2, 4, 5, 6
    statistics.doubted, statistics.dropped, statistics.save_seconds = 8, 9, 0.25
    shown = {
        name: registry.get_sample_value(f"creditd_ledger_{name}_total")
        for name in (
            "batches",
            "works",
            "conflicts",
            "retries",
            "replays",
            "refusals",
            "doubted",
            "dropped",
            "save_seconds",
            "locked",
            "heavy",
            "busy",
            "apart_seconds",
        )
    }
    assert list(shown.values()) == [3, 70, 2, 4, 5, 6, 8, 9, 0.25, 10, 11, 12, 0.5]
    assert registry.get_sample_value("creditd_ledger_waiting_apart") == 4
    assert registry.get_sample_value("creditd_ledger_queue_depth") == 7
    assert registry.get_sample_value("creditd_pool_in_use") == 2
    assert registry.get_sample_value("creditd_pool_size") == 20
    assert registry.get_sample_value("creditd_sweep_failures_total", {"error": "OSError"}) == 2
    assert registry.get_sample_value("creditd_sweep_lag_seconds") == 1.5
    assert registry.get_sample_value("creditd_clock_offset_seconds") == -600.25
    assert registry.get_sample_value("creditd_clock_doubts_total") == 3
    assert registry.get_sample_value("creditd_clock_jumps_total") == 1


def test_batch_sizes_are_a_histogram(statistics: LedgerStatistics, registry: CollectorRegistry) -> None:
    statistics.batch_sizes.update({1: 10, 2: 1, 3: 1, 64: 2, 300: 1})
    bounds = ("1.0", "2.0", "4.0", "32.0", "64.0", "256.0", "+Inf")
    buckets = [registry.get_sample_value("creditd_ledger_batch_size_bucket", {"le": bound}) for bound in bounds]
    assert buckets == [10, 11, 12, 12, 14, 14, 15]
    assert registry.get_sample_value("creditd_ledger_batch_size_sum") == 10 + 2 + 3 + 128 + 300


@pytest.mark.requirement("I4")
def test_metrics_are_served_over_http(rpc: RpcMetrics, server: MetricsServer) -> None:
    rpc.observer(RESERVE)("OK", 0.001)
    with urllib.request.urlopen(f"http://127.0.0.1:{server.port}/metrics", timeout=10) as response:
        families = {family.name for family in text_string_to_metric_families(response.read().decode())}
    assert {
        "creditd_rpc_calls",
        "creditd_rpc_duration_seconds",
        "creditd_ledger_conflicts",
        "process_resident_memory_bytes",
    } <= families


def test_a_closed_server_answers_no_more(registry: CollectorRegistry) -> None:
    running = start_metrics_server("127.0.0.1", 0, registry)
    running.close()
    with pytest.raises(urllib.error.URLError):
        urllib.request.urlopen(f"http://127.0.0.1:{running.port}/metrics", timeout=10)


def test_each_worker_has_a_port_of_its_own(registry: CollectorRegistry, server: MetricsServer) -> None:
    with pytest.raises(OSError, match="in use"):
        start_metrics_server("127.0.0.1", server.port, registry)
    with pytest.raises(OSError, match="in use"):
        start_metrics_server("127.0.0.1", server.port - 3, registry, worker_index=3)
