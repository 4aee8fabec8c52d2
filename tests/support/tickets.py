"""Tickets for callers with a thread of their own: each comes with a future of its answer."""

from collections.abc import Callable, Sequence
from concurrent.futures import Future
from typing import Generic, TypeVar

from creditd.ledger.account_lanes import AccountLanes
from creditd.ledger.ledger import Ledger
from creditd.ledger.queue import Answered, Ticket
from creditd.ledger.work import Outcome, Work

Item = TypeVar("Item")
Answer = TypeVar("Answer")


class FutureSink:
    """Keeps the futures of tickets, and resolves them on the thread that answers."""

    def deliver(self, answers: Sequence[Answered]) -> None:
        """Resolve the futures."""
        for ticket, answer in answers:
            assert isinstance(ticket, FutureTicket)
            if ticket.future.cancelled():
                continue
            if isinstance(answer, Exception):
                ticket.future.set_exception(answer)
            else:
                ticket.future.set_result(answer)


SINK = FutureSink()


class FutureTicket(Ticket[Item, Answer], Generic[Item, Answer]):
    """A ticket that is not awaited: its answer is the result of a future."""

    def __init__(self, item: Item) -> None:
        """Take an item."""
        super().__init__(item, SINK)
        self.future: Future[Answer] = Future()


def ask(submit: Callable[[Ticket[Item, Answer]], None], item: Item) -> "Future[Answer]":
    """Submit an item, and return the future of its answer."""
    ticket: FutureTicket[Item, Answer] = FutureTicket(item)
    submit(ticket)
    return ticket.future


def run(ledger: AccountLanes | Ledger, work: Work) -> Outcome:
    """Submit a work, and wait for its outcome. Raises what the work is refused with."""
    return ask(ledger.submit, work).result(30)
