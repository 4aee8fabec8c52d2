"""Coroutines that await tickets, driven by hand: on the thread of the test, without an event loop."""

import asyncio
from collections.abc import Coroutine, Sequence
from queue import SimpleQueue
from typing import Any, TypeVar

import pytest

from creditd.ledger.queue import Answered, Ticket, hand_over
from tests.support.patience import patience

Answer = TypeVar("Answer")

SECONDS = patience(30.0)
"""For any one answer."""


class HandSink:
    """Keeps what is delivered until the test takes it over to its own thread."""

    def __init__(self) -> None:
        """Begin with nothing."""
        self._delivered: SimpleQueue[Sequence[Answered]] = SimpleQueue()

    def deliver(self, answers: Sequence[Answered]) -> None:
        """Keep answers."""
        self._delivered.put(answers)

    def take_over(self) -> None:
        """Wait for the next answers, and hand them over."""
        hand_over(self._delivered.get(timeout=SECONDS))

    def answer(self, ticket: Ticket[Any, Any]) -> None:
        """Wait until a ticket is answered."""
        called: list[bool] = []
        ticket.go_on = lambda: called.append(True)
        while not called:
            self.take_over()


def driven_by_hand(coroutine: Coroutine[Any, Any, Answer], sink: HandSink) -> Answer:
    """Drive a coroutine to its end, and return what it returns. Raises what it raises.

    What it yields is a ticket that waits, or None to let others have their turn.
    """
    with pytest.raises(RuntimeError, match="no running event loop"):
        asyncio.get_running_loop()
    while True:
        try:
            awaited = coroutine.send(None)
        except StopIteration as stop:
            answer: Answer = stop.value
            return answer
        if awaited is not None:
            assert isinstance(awaited, Ticket), awaited
            sink.answer(awaited)
