"""A duration leads to a trace that is kept: each bucket has the id of the last one, for who asks for OpenMetrics."""

import urllib.request
from collections.abc import Iterator

import pytest
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from prometheus_client.openmetrics.parser import text_string_to_metric_families

from creditd.telemetry.calls import CallEnd, call_observers
from creditd.telemetry.metrics import RpcMetrics, make_registry
from creditd.telemetry.metrics_server import MetricsServer, start_metrics_server
from creditd.telemetry.traces import NO_TRACING, Tracing, tracing_to
from tests.support.patience import patience

METHOD = "/credit.v1.CreditService/Reserve"
OPEN_METRICS = "application/openmetrics-text; version=1.0.0"


@pytest.fixture
def metrics() -> RpcMetrics:
    return RpcMetrics([METHOD])


@pytest.fixture
def server(metrics: RpcMetrics) -> Iterator[MetricsServer]:
    running = start_metrics_server("127.0.0.1", 0, make_registry(metrics))
    yield running
    running.close()


@pytest.fixture
def tracing() -> Iterator[Tracing]:
    made = tracing_to(InMemorySpanExporter(), "creditd")
    yield made
    made.close()


def called(metrics: RpcMetrics, tracing: Tracing, trace_id: str, seconds: float, *, is_sampled: bool = True) -> None:
    """Have a call observed from its beginning to its end."""
    observer = call_observers(metrics, lambda *_, **__: None, tracing)(METHOD)
    span = observer.begin({"traceparent": f"00-{trace_id}-00f067aa0ba902b7-0{int(is_sampled)}"})
    observer.end(CallEnd(span, "OK", seconds, "1f00", "app", "ann", "", "unix"))


def read(server: MetricsServer, accept: str) -> str:
    request = urllib.request.Request(f"http://127.0.0.1:{server.port}/metrics", headers={"Accept": accept})
    with urllib.request.urlopen(request, timeout=patience(20)) as answer:  # noqa: S310
        return str(answer.read().decode())


def shown(server: MetricsServer) -> dict[str, tuple[str, float]]:
    """Return the exemplars, by the bound of their bucket."""
    families = text_string_to_metric_families(read(server, OPEN_METRICS))  # type: ignore[no-untyped-call]
    return {
        sample.labels["le"]: (sample.exemplar.labels["trace_id"], sample.exemplar.value)
        for family in families
        for sample in family.samples
        if sample.exemplar
    }


@pytest.mark.requirement("I4")
def test_each_bucket_has_the_trace_of_its_last_call(
    metrics: RpcMetrics, tracing: Tracing, server: MetricsServer
) -> None:
    for number, seconds in ((1, 0.004), (2, 0.0045), (3, 60.0)):
        called(metrics, tracing, f"{number:032x}", seconds)
    assert shown(server) == {"0.005": (f"{2:032x}", 0.0045), "+Inf": (f"{3:032x}", 60.0)}


def test_who_does_not_ask_for_open_metrics_gets_none(
    metrics: RpcMetrics, tracing: Tracing, server: MetricsServer
) -> None:
    called(metrics, tracing, f"{1:032x}", 0.004)
    assert "trace_id" not in read(server, "text/plain")


def test_a_trace_that_is_not_kept_is_no_exemplar(metrics: RpcMetrics, tracing: Tracing, server: MetricsServer) -> None:
    called(metrics, tracing, f"{1:032x}", 0.004, is_sampled=False)
    assert shown(server) == {}


def test_without_traces_there_are_none(metrics: RpcMetrics, server: MetricsServer) -> None:
    called(metrics, NO_TRACING, f"{1:032x}", 0.004)
    assert shown(server) == {}
