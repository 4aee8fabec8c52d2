"""A client that sends every request several times at once, to all servers, and compares the answers."""

import time
from collections.abc import Sequence
from typing import Any

import grpc

from tests.faults.client import SPENDER, Client, is_replay
from tests.faults.operations import Operation
from tests.support.answers import lasting

COPIES = 5


class StormClient(Client):
    """Each try is of five calls with one request id; one of them has the effect, and all have its answer."""

    def __init__(self, addresses: Sequence[str]) -> None:
        """Connect to every server."""
        super().__init__(addresses)
        self.differing = 0

    def send(self, operation: Operation, timeout_seconds: float) -> None:
        """Send all copies before any answer is awaited."""
        operation.tries += 1
        calls = [
            getattr(self.stubs[copy % len(self.stubs)], operation.method).future(
                operation.request, timeout=timeout_seconds, metadata=SPENDER
            )
            for copy in range(COPIES)
        ]
        answers = []
        for call in calls:
            try:
                answers.append((call.result(), is_replay(call)))
            except grpc.RpcError as error:
                self.take_failure(operation, error)
        if len(answers) == COPIES:
            self._take(operation, answers)

    def _take(self, operation: Operation, answers: list[tuple[Any, bool]]) -> None:
        first = sum(not replayed for _, replayed in answers)
        if any(lasting(response) != lasting(answers[0][0]) for response, _ in answers):
            self.differing += 1
            self.surprises[f"{operation.method}: one request id, different answers"] += 1
        # In a try after the first, all may be replays: an earlier one had the effect, and was not heard of.
        if first > 1 or (first == 0 and operation.tries == 1):
            self.surprises[f"{operation.method}: {first} of {COPIES} say that they did it"] += 1
        operation.acknowledge(answers[0][0], time.monotonic(), replayed=first == 0)
