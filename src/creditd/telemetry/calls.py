"""The telemetry of every call: a span, a count with its duration, and one log line."""

from collections.abc import Callable, Mapping
from typing import NamedTuple

from creditd.telemetry.logs import AccessLog
from creditd.telemetry.metrics import RpcMetrics
from creditd.telemetry.traces import NO_TRACING, Tracing


class CallEnd(NamedTuple):
    """How a call ended; ``reason`` is the machine-readable one of a refusal, ``peer`` where it came from."""

    span: object
    code: str
    seconds: float
    correlation_id: str
    subject: str
    account_id: str
    reason: str
    peer: str


class CallObserver(NamedTuple):
    """Observes the calls of one method."""

    begin: Callable[[Mapping[str, str | bytes]], object]
    end: Callable[[CallEnd], None]


Observers = Callable[[str], CallObserver]
"""Gives the observer of a method, by its full name; asked once for each when the server starts."""


def call_observers(metrics: RpcMetrics, log_call: AccessLog, tracing: Tracing) -> Observers:
    """Return the observers that feed metrics, log and traces."""

    def observer_of(method: str) -> CallObserver:
        observe = metrics.observer(method)
        start, finish, _, trace_id = tracing
        # Without traces a call costs no look for its trace.
        exemplify = None if tracing is NO_TRACING else metrics.exemplifier(method)

        def begin(metadata: Mapping[str, str | bytes]) -> object:
            return start(method, str(metadata.get("traceparent", "")), str(metadata.get("tracestate", "")))

        def end(call: CallEnd) -> None:
            span, code, seconds, correlation_id, subject, account_id, reason, peer = call
            finish(span, code)
            observe(code, seconds, reason)
            if exemplify is not None and (trace := trace_id(span)):
                exemplify(code, seconds, trace)
            log_call(
                method,
                code,
                seconds,
                correlation_id,
                subject=subject,
                account_id=account_id,
                reason=reason,
                peer=peer,
            )

        return CallObserver(begin, end)

    return observer_of
