"""A call leaves one client span under its caller's, with its tries, and the service's span is under it."""

import pytest
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import SpanKind, StatusCode

from credit.v1.credit_service_pb2 import DeductRequest
from credit_client import InsufficientCredit, Manner, NoAnswer
from credit_client.traces import Traces
from tests.client.styles import Style
from tests.support.customer import CHAT, Customer

pytestmark = pytest.mark.requirement("H4")


@pytest.fixture
def exporter() -> InMemorySpanExporter:
    """Return what keeps the spans."""
    return InMemorySpanExporter()


@pytest.fixture
def traces(exporter: InMemorySpanExporter) -> Traces:
    """Return traces that are kept."""
    provider = TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    return Traces(provider)


def test_a_block_leaves_a_span_for_each_call(
    style: Style, customer: Customer, traces: Traces, exporter: InMemorySpanExporter
) -> None:
    style.with_(manner=Manner(observer=traces)).pay(lambda hold: hold.spend(1), customer.account_id, 30)
    spans = exporter.get_finished_spans()
    assert [span.name for span in spans] == ["credit.v1.CreditService/Reserve", "credit.v1.CreditService/Confirm"]
    assert all(span.kind is SpanKind.CLIENT and span.status.status_code is StatusCode.UNSET for span in spans)
    assert all((span.attributes or {})["rpc.response.status_code"] == "OK" for span in spans)


def test_a_refusal_is_an_answer_and_a_service_that_is_away_an_error(
    style: Style, customer: Customer, traces: Traces, exporter: InMemorySpanExporter
) -> None:
    known = style.with_(manner=Manner(call_seconds=3.0, observer=traces))
    with pytest.raises(InsufficientCredit):
        known.call(DeductRequest(account_id=customer.account_id, credit_type=CHAT, amount=101))
    with pytest.raises(NoAnswer):
        known.with_(target="127.0.0.1:9").call(DeductRequest(account_id="ann", credit_type=CHAT, amount=1))
    refused, away = exporter.get_finished_spans()
    assert (refused.attributes or {})["credit.reason"] == "INSUFFICIENT_CREDIT"
    assert refused.status.status_code is StatusCode.UNSET
    assert away.status.status_code is StatusCode.ERROR
    assert {event.name for event in away.events} == {"retry"}


def test_what_goes_with_a_call_is_its_span(traces: Traces, exporter: InMemorySpanExporter) -> None:
    with traces.observe("/credit.v1.CreditService/Reserve") as observed:
        sent = dict(observed.metadata)["traceparent"]
    (span,) = exporter.get_finished_spans()
    assert span.context is not None
    assert sent.split("-")[1:3] == [f"{span.context.trace_id:032x}", f"{span.context.span_id:016x}"]
