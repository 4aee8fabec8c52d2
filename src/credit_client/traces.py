"""Traces of calls: one client span for each, under the span of its caller. Needs ``credit-client[otel]``.

credits = AsyncCredits(address, token, manner=Manner(observer=Traces()))
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from opentelemetry.propagate import inject
from opentelemetry.trace import Span, SpanKind, StatusCode, TracerProvider, get_tracer

from credit_client.errors import CreditError, Refusal
from credit_client.failure import Failure
from credit_client.observer import Metadata


@dataclass
class _TracedCall:
    span: Span
    metadata: Metadata

    def will_retry(self, failure: Failure, seconds: float) -> None:
        self.span.add_event("retry", {"rpc.response.status_code": failure.code.name, "pause_seconds": seconds})


class Traces:
    """Makes spans by a provider of tracers, or by that of the process."""

    def __init__(self, provider: TracerProvider | None = None) -> None:
        """Begin none yet."""
        self._tracer = get_tracer("credit_client", tracer_provider=provider)

    @contextmanager
    def observe(self, method: str) -> Iterator[_TracedCall]:
        """Make a span of a call. A refusal is an answer, and no error of the span; its reason is an attribute."""
        name = method.removeprefix("/")
        with self._tracer.start_as_current_span(
            name,
            kind=SpanKind.CLIENT,
            attributes={"rpc.system.name": "grpc", "rpc.method": name},
            record_exception=False,
            set_status_on_exception=False,
        ) as span:
            carrier: dict[str, str] = {}
            inject(carrier)
            try:
                yield _TracedCall(span, tuple(carrier.items()))
            except CreditError as error:
                _note(span, error)
                raise
            span.set_attribute("rpc.response.status_code", "OK")


def _note(span: Span, error: CreditError) -> None:
    span.set_attribute("rpc.response.status_code", error.code.name)
    span.set_attribute("credit.reason", error.reason)
    if not isinstance(error, Refusal):
        span.set_attribute("error.type", error.code.name)
        span.set_status(StatusCode.ERROR)
