"""Calls made at the same moment, by clients that follow the documented policy."""

import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import Any

import grpc

from tests.support.refusals import RefusedCall, read_refusal

ATTEMPTS = 4
"""As in docs/service_config.json."""

HELD_BY_OTHERS = {"RECORD_BUSY", "VERSION_CONFLICT"}
"""Reasons that depend on how long others hold a record, which on a loaded machine is longer than anybody waits."""


def at_once(call: Callable[[Any], Any], requests: Sequence[Any]) -> list[Any]:
    """Make a call with each request, all at once; return each answer, or how it was refused.

    Who is told that others hold a record comes again, as clients are to.
    """
    together = Barrier(len(requests))

    def make(request: Any) -> Any:
        together.wait()
        for attempt in range(1, ATTEMPTS + 1):
            try:
                return call(request)
            except grpc.RpcError as error:
                refusal = read_refusal(error)
                if refusal.retry is None or refusal.reason not in HELD_BY_OTHERS or attempt == ATTEMPTS:
                    return refusal
                time.sleep(refusal.retry.retry_delay.ToTimedelta().total_seconds())
        return None

    with ThreadPoolExecutor(len(requests)) as pool:
        return list(pool.map(make, requests))


def reasons(outcomes: Sequence[Any]) -> list[str]:
    """Return why calls were refused, and OK for those that were not, sorted."""
    return sorted(outcome.reason if isinstance(outcome, RefusedCall) else "OK" for outcome in outcomes)


def answers(outcomes: Sequence[Any]) -> list[Any]:
    """Return the answers among the outcomes."""
    return [outcome for outcome in outcomes if not isinstance(outcome, RefusedCall)]


def was_replayed(call: grpc.Call) -> bool:
    """Tell whether an answer was that of an earlier call with the same request id."""
    return ("replayed", "true") in [(key, value) for key, value in call.trailing_metadata() or ()]
