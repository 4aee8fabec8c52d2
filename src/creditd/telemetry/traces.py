"""Traces: one server span for each call, if OpenTelemetry is installed (the extra ``otel``) and an endpoint is named.

Otherwise the same functions do nothing, at the cost of being called. Sampling is OpenTelemetry's own affair
(OTEL_TRACES_SAMPLER), and so is what else its environment variables say.
"""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final, NamedTuple

if TYPE_CHECKING:
    from opentelemetry.exporter.otlp.proto.grpc.trace_exporter import OTLPSpanExporter
    from opentelemetry.sdk.trace.export import SpanExporter

SERVERS_FAULT: Final = frozenset(
    {"UNKNOWN", "DEADLINE_EXCEEDED", "UNIMPLEMENTED", "INTERNAL", "UNAVAILABLE", "DATA_LOSS"}
)
"""The codes that make a server's span an error; the rest are answers that the caller had coming."""


EXPORT_SECONDS: Final = 3.0
"""A collector that is away delays the end of the process by so much at most."""


class NoOpenTelemetry(RuntimeError):
    """An endpoint for traces is set, and the extra ``otel`` is not installed."""


class Tracing(NamedTuple):
    """The functions that trace calls.

    ``start(method, traceparent, tracestate)`` begins a span under the caller's, ``finish(span, code)`` ends it with the
    name of a status code, and ``close()`` sends what is left. ``trace_id(span)`` is the id, in hexadecimal, of a trace
    that is sampled; empty for one that nobody will find.
    """

    start: Callable[[str, str, str], Any]
    finish: Callable[[Any, str], None]
    close: Callable[[], None]
    trace_id: Callable[[Any], str]


def _start_nothing(method: str, traceparent: str, tracestate: str) -> None:
    del method, traceparent, tracestate


def _finish_nothing(span: object, code: str) -> None:
    del span, code


def _close_nothing() -> None:
    pass


def _no_trace_id(span: object) -> str:
    del span
    return ""


NO_TRACING: Final = Tracing(_start_nothing, _finish_nothing, _close_nothing, _no_trace_id)


def configure_tracing(endpoint: str, service_name: str = "creditd") -> Tracing:
    """Return the tracing to an OTLP endpoint such as ``http://collector:4317``; NO_TRACING without one.

    Raises NoOpenTelemetry if OpenTelemetry is not installed. Call it once in each process, after a fork.
    """
    if not endpoint:
        return NO_TRACING
    return tracing_to(exporter_class()(endpoint=endpoint, timeout=EXPORT_SECONDS), service_name)


def exporter_class() -> "type[OTLPSpanExporter]":
    """Return what sends spans by OTLP. Raises NoOpenTelemetry if OpenTelemetry is not installed."""
    try:
        # Imported only when wanted: it is an optional extra, and takes its time to load.
        from opentelemetry.exporter.otlp.proto.grpc.trace_exporter import OTLPSpanExporter  # noqa: PLC0415
    except ImportError as error:
        raise NoOpenTelemetry("traces need OpenTelemetry: pip install 'creditd[otel]'") from error
    return OTLPSpanExporter


def tracing_to(exporter: "SpanExporter", service_name: str) -> Tracing:
    """Return the tracing to an exporter, which runs on a thread of its own."""
    from opentelemetry.sdk.resources import Resource  # noqa: PLC0415 - as above.
    from opentelemetry.sdk.trace import TracerProvider  # noqa: PLC0415 - as above.
    from opentelemetry.sdk.trace.export import BatchSpanProcessor  # noqa: PLC0415 - as above.
    from opentelemetry.trace import Span, SpanKind, StatusCode  # noqa: PLC0415 - as above.
    from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator  # noqa: PLC0415 - as above.

    provider = TracerProvider(resource=Resource.create({"service.name": service_name}))
    provider.add_span_processor(BatchSpanProcessor(exporter))
    start_span = provider.get_tracer("creditd").start_span
    extract = TraceContextTextMapPropagator().extract

    def start(method: str, traceparent: str, tracestate: str) -> Span:
        carrier = {"traceparent": traceparent, "tracestate": tracestate}
        # Semantic conventions: the name is the method without the slash it starts with.
        name = method.removeprefix("/")
        return start_span(
            name,
            context=extract(carrier),
            kind=SpanKind.SERVER,
            attributes={"rpc.system.name": "grpc", "rpc.method": name},
        )

    def finish(span: Span, code: str) -> None:
        span.set_attribute("rpc.response.status_code", code)
        if code in SERVERS_FAULT:
            span.set_attribute("error.type", code)
            span.set_status(StatusCode.ERROR)
        span.end()

    def trace_id(span: Span) -> str:
        context = span.get_span_context()
        return f"{context.trace_id:032x}" if context.trace_flags.sampled else ""

    return Tracing(start, finish, provider.shutdown, trace_id)
