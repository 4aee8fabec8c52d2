"""A call leaves one server span under its caller's, or nothing where nobody asked for traces."""

import sys
import time
from collections.abc import Iterator, Sequence
from threading import Event

import pytest
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export import SpanExporter, SpanExportResult
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import SpanKind, StatusCode

from creditd.telemetry import traces
from creditd.telemetry.traces import (
    NO_TRACING,
    NoOpenTelemetry,
    Tracing,
    configure_tracing,
    tracing_to,
)

METHOD = "/credit.v1.CreditService/Reserve"
TRACE_ID = "4bf92f3577b34da6a3ce929d0e0e4736"
PARENT_ID = "00f067aa0ba902b7"


@pytest.fixture
def exporter() -> InMemorySpanExporter:
    return InMemorySpanExporter()


@pytest.fixture
def tracing(exporter: InMemorySpanExporter) -> Iterator[Tracing]:
    made = tracing_to(exporter, "creditd")
    yield made
    made.close()


def only_span(tracing: Tracing, exporter: InMemorySpanExporter) -> ReadableSpan:
    tracing.close()
    (span,) = exporter.get_finished_spans()
    return span


@pytest.mark.requirement("I4")
def test_a_call_leaves_a_server_span(tracing: Tracing, exporter: InMemorySpanExporter) -> None:
    tracing.finish(tracing.start(METHOD, "", ""), "OK")
    span = only_span(tracing, exporter)
    assert (span.name, span.kind, span.parent) == ("credit.v1.CreditService/Reserve", SpanKind.SERVER, None)
    assert span.attributes == {
        "rpc.system.name": "grpc",
        "rpc.method": "credit.v1.CreditService/Reserve",
        "rpc.response.status_code": "OK",
    }
    assert span.status.status_code is StatusCode.UNSET
    assert span.resource.attributes["service.name"] == "creditd"


@pytest.mark.requirement("I4")
def test_the_span_is_under_its_callers(tracing: Tracing, exporter: InMemorySpanExporter) -> None:
    tracing.finish(tracing.start(METHOD, f"00-{TRACE_ID}-{PARENT_ID}-01", "vendor=1"), "OK")
    parent = only_span(tracing, exporter).parent
    assert parent is not None
    assert (f"{parent.trace_id:032x}", f"{parent.span_id:016x}") == (TRACE_ID, PARENT_ID)
    assert parent.trace_state == {"vendor": "1"}


def test_a_caller_that_does_not_sample_leaves_no_span(tracing: Tracing, exporter: InMemorySpanExporter) -> None:
    tracing.finish(tracing.start(METHOD, f"00-{TRACE_ID}-{PARENT_ID}-00", ""), "OK")
    tracing.close()
    assert exporter.get_finished_spans() == ()


@pytest.mark.parametrize("traceparent", ["nonsense", "00-0-0-01", "ก" * 600, f"ff-{TRACE_ID}-{PARENT_ID}-01"])
def test_a_parent_that_cannot_be_read_is_none(
    tracing: Tracing, exporter: InMemorySpanExporter, traceparent: str
) -> None:
    tracing.finish(tracing.start(METHOD, traceparent, "=,="), "OK")
    assert only_span(tracing, exporter).parent is None


@pytest.mark.parametrize(
    ("code", "status"),
    [
        ("INTERNAL", StatusCode.ERROR),
        ("UNAVAILABLE", StatusCode.ERROR),
        ("FAILED_PRECONDITION", StatusCode.UNSET),
        ("PERMISSION_DENIED", StatusCode.UNSET),
    ],
)
def test_only_the_servers_own_faults_are_errors(
    tracing: Tracing, exporter: InMemorySpanExporter, code: str, status: StatusCode
) -> None:
    tracing.finish(tracing.start(METHOD, "", ""), code)
    assert only_span(tracing, exporter).status.status_code is status


def test_without_an_endpoint_nothing_is_traced() -> None:
    tracing = configure_tracing("")
    assert tracing is NO_TRACING
    tracing.finish(tracing.start(METHOD, f"00-{TRACE_ID}-{PARENT_ID}-01", ""), "OK")
    tracing.close()


def test_an_endpoint_without_opentelemetry_is_a_clear_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "opentelemetry.exporter.otlp.proto.grpc.trace_exporter", None)
    with pytest.raises(NoOpenTelemetry, match="otel"):
        configure_tracing("http://127.0.0.1:4317")


class HungExporter(SpanExporter):
    """Hands nothing on until it is told to."""

    def __init__(self) -> None:
        """Hang."""
        self.asked, self.released = Event(), Event()

    def export(self, _spans: Sequence[ReadableSpan]) -> SpanExportResult:
        """Wait."""
        self.asked.set()
        return SpanExportResult.SUCCESS if self.released.wait(60) else SpanExportResult.FAILURE


def test_a_collector_that_hangs_holds_no_call_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OTEL_BSP_SCHEDULE_DELAY", "10")
    exporter = HungExporter()
    tracing = tracing_to(exporter, "creditd")
    tracing.finish(tracing.start(METHOD, "", ""), "OK")
    assert exporter.asked.wait(60)
    # It hangs by now, and calls go on.
    tracing.finish(tracing.start(METHOD, "", ""), "OK")
    assert not exporter.released.is_set()
    exporter.released.set()
    tracing.close()


def test_a_collector_that_is_away_holds_the_end_up_but_a_little(monkeypatch: pytest.MonkeyPatch) -> None:
    """By itself OpenTelemetry would try again after a second, two and four. Here it has no time for a second try."""
    assert traces.EXPORT_SECONDS < 5
    monkeypatch.setattr(traces, "EXPORT_SECONDS", 0.5)
    tracing = configure_tracing("http://127.0.0.1:1")
    tracing.finish(tracing.start(METHOD, "", ""), "OK")
    ending = time.monotonic()
    tracing.close()
    assert time.monotonic() - ending < 5
