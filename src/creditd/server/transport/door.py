"""What the polling thread does with a call of the event loop's before the loop hears of it.

Strangers, and whoever asks for what there is not, are refused here: they cost the event loop no task.
"""

from collections.abc import Iterable
from functools import partial
from typing import Any

import grpc

from creditd.server.contexts import Admitted, admit
from creditd.server.pipeline import Exchange, Pipeline
from creditd.server.transport import core
from creditd.server.transport.departures import Departures


class _Details(grpc.HandlerCallDetails):
    def __init__(self, method: str, metadata: Any) -> None:
        self.method = method
        self.invocation_metadata = metadata


class _Connection:
    def __init__(self, call: core.CoreCall) -> None:
        self._call = call

    def auth_context(self) -> core.AuthContext:
        return core.auth_context(self._call)


def handler_of(handlers: Iterable[grpc.GenericRpcHandler], event: core.Event) -> Any:
    """Return what the first of ``handlers`` that has the method of a new call serves it with; None if none has."""
    # A path may be any bytes; one that is no text is no method.
    details = _Details(event.call_details.method.decode(errors="replace"), event.invocation_metadata)
    found = (handler.service(details) for handler in handlers)
    return next((handler for handler in found if handler is not None), None)


def admitted_by(pipeline: Pipeline, departures: Departures, event: core.Event) -> Admitted | None:
    """Return a new call with its caller, or refuse it and return None."""
    exchange = pipeline.begin(event.invocation_metadata, core.peer_of(event.call))
    try:
        admitted = admit(pipeline, exchange, _Connection(event.call))
        departures.require_room(admitted.caller.subject)
    except Exception as error:  # noqa: BLE001 - every failure becomes a status, as in a hot call.
        code, text, trailing = pipeline.failure(exchange, error)
        heard = partial(_hear_of_end, pipeline, exchange)
        core.end(event.call, None, (code, text), trailing, heard, watches=True)
        return None
    return admitted


def _hear_of_end(pipeline: Pipeline, exchange: Exchange, event: core.Event) -> None:
    if core.is_cancelled(event):
        exchange.code, exchange.reason = "CANCELLED", ""
    pipeline.end(exchange)
