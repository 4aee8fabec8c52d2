"""What waits for the ledger's threads, and how its answers come back.

Natural batching: while one batch is under way, what arrives waits, and all that waits goes as the next one. No timer: a
lone item goes at once, and the busier it is, the larger the batches.
"""

import logging
import time
from collections.abc import Callable, Generator, Iterator, Sequence
from queue import Empty, SimpleQueue
from threading import Thread
from typing import Any, ClassVar, Generic, Protocol, TypeVar, cast

from creditd.ledger.work import Overloaded, ShuttingDown

log = logging.getLogger(__name__)

Item = TypeVar("Item")
Answer = TypeVar("Answer")

_NONE_YET = object()


class Ticket(Generic[Item, Answer]):
    """An item that waits for its answer, and what its caller awaits.

    It knows no event loop. ``await`` yields the ticket itself to whoever drives the coroutine; the driver sets
    ``go_on``, which is called when the answer is there, and drives the coroutine on. The answer is returned, or raised
    if it is an exception. ``answer`` and ``go_on`` are used on the thread of the driver alone, which is where the sink
    takes the answer to; ``is_given_up`` tells the other threads that nobody waits any more.
    """

    __slots__ = ("answer", "go_on", "is_given_up", "item", "sink")

    ends_with_caller: ClassVar[bool] = True
    """Whether nothing is done any more once it is given up, so that it pays to hear of a caller that has gone."""

    def __init__(self, item: Item, sink: "Sink") -> None:
        """Take an item, whose answer goes to ``sink``."""
        self.item = item
        self.sink = sink
        self.is_given_up = False
        self.answer: object = _NONE_YET
        self.go_on: Callable[[], object] | None = None

    def __await__(self) -> Generator[Any, None, Answer]:
        """Wait for the answer. A coroutine that is cancelled or closed meanwhile gives the ticket up."""
        while self.answer is _NONE_YET:
            try:
                yield self
            except BaseException:
                self.give_up()
                raise
        answer = self.answer
        if isinstance(answer, BaseException):
            raise answer
        return cast("Answer", answer)

    def give_up(self) -> None:
        """Note that nobody waits for the answer any more."""
        self.is_given_up = True
        self.go_on = None


Answered = tuple[Ticket[Any, Any], object]
"""A ticket with its answer, or with the exception that stands for one."""


class Sink(Protocol):
    """Where the answers to a batch go, all at once."""

    def deliver(self, answers: Sequence[Answered]) -> None:
        """Take answers over from the thread that found them; must neither block nor raise."""


SinkHere = Callable[[], Sink]
"""Gives the sink of the thread that calls it, where the answers to its tickets are awaited."""


Post = Callable[[Callable[[], None]], None]
"""Has a function called soon by a thread that polls, from any thread, and wakes that if it waits. It never raises.
What it has called may post, too: that is called after what has come meanwhile was looked at."""


class Tick(Protocol):
    """What a thread that polls does for others: once it has taken in all that had arrived, and at times before that."""

    def __call__(self, *, has_all: bool = True) -> None:
        """Do what can be done now without waiting; ``has_all`` tells that all that had arrived was taken in."""


Attach = Callable[[Post], Tick]
"""Has something decide on a thread that polls, and returns the tick that this is to do."""


def deliver(answers: Sequence[Answered]) -> None:
    """Send each answer to its ticket's sink."""
    by_sink: dict[Sink, list[Answered]] = {}
    for answered in answers:
        by_sink.setdefault(answered[0].sink, []).append(answered)
    for sink, of_sink in by_sink.items():
        sink.deliver(of_sink)


def hand_over(answers: Sequence[Answered]) -> None:
    """Give tickets their answers, on the thread of their drivers, then let the drivers go on.

    One that waits for several tickets finds the answers to all of them.
    """
    for ticket, answer in answers:
        ticket.answer = answer
    for ticket, _ in answers:
        if ticket.go_on is not None:
            ticket.go_on()


class TicketQueue(Generic[Item, Answer]):
    """Tickets in from any thread, batches out on one thread of its own."""

    def __init__(
        self,
        name: str,
        process: Callable[[Sequence[Ticket[Item, Answer]]], Sequence[Ticket[Item, Answer]] | None],
        *,
        max_batch: int,
        max_waiting: int,
    ) -> None:
        """Hand batches of up to ``max_batch`` to ``process``; refuse tickets beyond ``max_waiting`` in the queue.

        What ``process`` returns, if anything, it has left to the next batch, where it comes first.
        """
        self._process = process
        self._max_batch = max_batch
        self._max_waiting = max_waiting
        self._queue: SimpleQueue[Ticket[Item, Answer] | None] = SimpleQueue()
        self._closed = False
        self._thread = Thread(target=self._run, name=name, daemon=True)
        self._thread.start()

    @property
    def waiting(self) -> int:
        """How many tickets wait now."""
        return self._queue.qsize()

    def submit(self, ticket: Ticket[Item, Answer]) -> None:
        """Queue a ticket. Raises Overloaded if the queue is full, ShuttingDown once closed."""
        if self._closed:
            raise ShuttingDown
        if self._queue.qsize() >= self._max_waiting:
            raise Overloaded
        self._queue.put(ticket)

    def close(self, end: float) -> None:
        """Refuse new tickets, and finish those that wait until ``end``, on time.monotonic's clock.

        What is left then is answered with ShuttingDown.
        """
        self._closed = True
        self._queue.put(None)
        self._thread.join(max(0.0, end - time.monotonic()))
        left = [ticket for ticket in self._waiting(self._max_waiting) if ticket is not None]
        deliver([(ticket, ShuttingDown()) for ticket in left])

    def _run(self) -> None:
        # None ends it; what slipped into the queue behind it, while it was being closed, is finished all the same.
        left: Sequence[Ticket[Item, Answer]] = ()
        while left or not self._closed or not self._queue.empty():
            first: Sequence[Ticket[Item, Answer] | None] = left or [self._queue.get()]
            waiting = self._waiting(self._max_batch - len(first))
            tickets = [ticket for ticket in (*first, *waiting) if ticket is not None]
            left = self._process_safely(tickets) if tickets else ()

    def _waiting(self, at_most: int) -> Iterator[Ticket[Item, Answer] | None]:
        try:
            for _ in range(at_most):
                yield self._queue.get_nowait()
        except Empty:
            return

    def _process_safely(self, tickets: Sequence[Ticket[Item, Answer]]) -> Sequence[Ticket[Item, Answer]]:
        try:
            return self._process(tickets) or ()
        except Exception:
            # The thread must outlive any defect, or every later call would hang.
            log.exception("a batch failed")
            return ()
