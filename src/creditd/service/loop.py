"""Tickets on asyncio's event loop. No layer below knows the loop, and no other module connects the two."""

import asyncio
import contextlib
from collections.abc import Coroutine, Generator, Sequence
from functools import partial
from types import coroutine
from typing import Any, TypeVar

from creditd.ledger.queue import Answered, Ticket, hand_over

Answer = TypeVar("Answer")


class LoopSink:
    """Passes the answers of a batch to the event loop, which is woken once for all of them."""

    def __init__(self) -> None:
        """Deliver to the running event loop."""
        self._loop = asyncio.get_running_loop()

    def deliver(self, answers: Sequence[Answered]) -> None:
        """Pass the answers on."""
        with contextlib.suppress(RuntimeError):
            # The event loop may end before the threads that answer; then nobody waits any more.
            self._loop.call_soon_threadsafe(hand_over, answers)


@coroutine
def driven(
    steps: Coroutine[Any, Any, Answer] | Generator[Any, Any, Answer],
) -> Generator[Any, None, Answer]:
    """Await a coroutine that awaits tickets, on the event loop; the loop's own awaitables are passed through.

    A cancellation is thrown into the coroutine where it waits.
    """
    thrown: BaseException | None = None
    while True:
        try:
            if thrown is None:
                awaited = steps.send(None)
            else:
                # Its traceback refers to this frame. If the frame referred to it, all of the call would stay.
                error, thrown = thrown, None
                try:
                    awaited = steps.throw(error)
                finally:
                    del error
        except StopIteration as stop:
            answer: Answer = stop.value
            return answer
        try:
            if isinstance(awaited, Ticket):
                future = asyncio.get_running_loop().create_future()
                awaited.go_on = partial(_wake, future)
                yield from future
            else:
                yield awaited
        except BaseException as interruption:  # noqa: BLE001 - whatever it is, it is for the coroutine that waits.
            thrown = interruption


def _wake(future: "asyncio.Future[None]") -> None:
    # A task that is cancelled in this turn of the loop has not seen it yet.
    if not future.done():
        future.set_result(None)
