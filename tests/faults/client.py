"""How calls reach the servers, and what their answers mean to a caller."""

import random
import time
from collections import Counter
from collections.abc import Sequence
from typing import Any

import grpc

from credit.v1.credit_service_pb2_grpc import CreditServiceStub
from tests.faults.operations import Operation
from tests.support.refusals import read_refusal
from tests.support.tokens import bearer

SPENDER = (("authorization", bearer("faults", ["SERVICE"], "credits.spend credits.read")),)

_OPTIONS = (
    ("grpc.use_local_subchannel_pool", 1),
    ("grpc.enable_retries", 0),
    # A server that is back is found at once, and not after a minute.
    ("grpc.initial_reconnect_backoff_ms", 50),
    ("grpc.min_reconnect_backoff_ms", 50),
    ("grpc.max_reconnect_backoff_ms", 100),
)

ASK_AGAIN = {
    grpc.StatusCode.UNAVAILABLE,
    grpc.StatusCode.DEADLINE_EXCEEDED,
    grpc.StatusCode.ABORTED,
    grpc.StatusCode.RESOURCE_EXHAUSTED,
}
"""After these the same request id tells what came of the call."""

REFUSALS = {"INSUFFICIENT_CREDIT", "RESERVATION_EXPIRED"}
"""What the callers of these tests bring upon themselves; any other refusal is a surprise."""


def open_channel(address: str) -> grpc.Channel:
    """Open a connection that comes back soon after it was lost."""
    return grpc.insecure_channel(address, options=_OPTIONS)


class Client:
    """Sends each try of an operation to one of the servers, whichever."""

    def __init__(self, addresses: Sequence[str]) -> None:
        """Connect to every server."""
        self.failures: Counter[str] = Counter()
        self.surprises: Counter[str] = Counter()
        self._channels = [open_channel(address) for address in addresses]
        self.stubs = [CreditServiceStub(channel) for channel in self._channels]

    def close(self) -> None:
        """End the connections."""
        for channel in self._channels:
            channel.close()

    def send(self, operation: Operation, timeout_seconds: float) -> None:
        """Try once; the operation's fate stays unknown unless an answer tells it."""
        operation.tries += 1
        try:
            self.send_to(random.choice(self.stubs), operation, timeout_seconds)
        except grpc.RpcError as error:
            self.take_failure(operation, error)

    def send_to(self, stub: CreditServiceStub, operation: Operation, timeout_seconds: float) -> None:
        """Send it to one server. Raises grpc.RpcError."""
        method: Any = getattr(stub, operation.method)
        response, call = method.with_call(operation.request, timeout=timeout_seconds, metadata=SPENDER)
        operation.acknowledge(response, time.monotonic(), replayed=is_replay(call))

    def take_failure(self, operation: Operation, error: Any) -> None:
        """Note a refusal, or why there was no answer."""
        code: grpc.StatusCode = error.code()
        if code in ASK_AGAIN:
            self.failures[code.name] += 1
            return
        reason = read_refusal(error).reason
        if reason not in REFUSALS:
            self.surprises[f"{operation.method}: {code.name} {reason} {error.details()}"] += 1
        if reason and code is not grpc.StatusCode.INTERNAL:
            operation.refuse(reason)


def is_replay(call: Any) -> bool:
    """Tell whether an earlier try had done it."""
    return ("replayed", "true") in [tuple(pair) for pair in call.trailing_metadata() or ()]
