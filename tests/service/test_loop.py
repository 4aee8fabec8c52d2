"""Tickets on the event loop: answers come from other threads, once a batch; a cancellation goes where it is waited."""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from threading import Thread
from typing import Any

import pytest

from creditd.ledger.queue import Sink, Ticket, deliver, hand_over
from creditd.service.loop import LoopSink, driven

Test = Callable[[LoopSink], Awaitable[None]]


def run(test: Test) -> None:
    """Run a test on an event loop."""

    async def main() -> None:
        async with asyncio.timeout(30):
            await test(LoopSink())

    asyncio.run(main())


def ticket_of(sink: Sink) -> "Ticket[str, int]":
    """Return a ticket."""
    return Ticket("item", sink)


def answer_elsewhere(*answers: tuple["Ticket[str, int]", object]) -> None:
    """Deliver answers from another thread."""
    Thread(target=deliver, args=(answers,)).start()


async def answer_of(ticket: "Ticket[str, int]") -> int:
    """Await a ticket."""
    return await ticket


def test_an_answer_from_another_thread_is_returned_and_an_error_raised() -> None:
    async def test(sink: LoopSink) -> None:
        good, bad = ticket_of(sink), ticket_of(sink)
        waiting = asyncio.create_task(_task(driven(answer_of(good))))
        failing = asyncio.create_task(_task(driven(answer_of(bad))))
        await asyncio.sleep(0)
        answer_elsewhere((good, 1), (bad, LookupError("x")))
        assert await waiting == 1
        with pytest.raises(LookupError):
            await failing

    run(test)


async def _task(awaitable: Any) -> Any:
    return await awaitable


def test_what_is_the_event_loops_own_is_awaited_as_ever() -> None:
    async def mixed(ticket: "Ticket[str, int]") -> int:
        await asyncio.sleep(0)
        async with asyncio.timeout(30):
            await asyncio.sleep(0.001)
        return await ticket + await asyncio.to_thread(lambda: 1)

    async def test(sink: LoopSink) -> None:
        ticket = ticket_of(sink)
        answer_elsewhere((ticket, 1))
        assert await driven(mixed(ticket)) == 2

    run(test)


def test_a_cancellation_is_thrown_in_where_the_coroutine_waits() -> None:
    ended: list[str] = []

    async def waiting(ticket: "Ticket[str, int]") -> int:
        try:
            return await ticket
        except asyncio.CancelledError:
            ended.append("cancelled")
            raise

    async def test(sink: LoopSink) -> None:
        ticket = ticket_of(sink)
        task = asyncio.create_task(_task(driven(waiting(ticket))))
        await asyncio.sleep(0)
        task.cancel()
        # The answer comes in the same turn of the loop, and is too late.
        hand_over([(ticket, 1)])
        with pytest.raises(asyncio.CancelledError):
            await task
        assert ended == ["cancelled"]
        assert ticket.is_given_up

    run(test)


def test_a_timeout_ends_what_waits_for_a_ticket() -> None:
    async def timed(ticket: "Ticket[str, int]") -> int:
        async with asyncio.timeout(0.01):
            return await ticket

    async def test(sink: LoopSink) -> None:
        with pytest.raises(TimeoutError):
            await driven(timed(ticket_of(sink)))

    run(test)


def test_who_waits_for_many_tickets_is_woken_once_for_a_batch() -> None:
    async def all_of(tickets: "list[Ticket[str, int]]") -> list[int]:
        return [await ticket for ticket in tickets]

    sink = _Counting()
    tickets = [ticket_of(sink) for _ in range(10)]
    waiting: Coroutine[Any, Any, list[int]] = all_of(tickets)
    first = waiting.send(None)
    woken: list[object] = []
    first.go_on = lambda: woken.append(_next(waiting))
    deliver([(ticket, number) for number, ticket in enumerate(tickets)])
    assert woken == [list(range(10))]
    assert sink.deliveries == 1


class _Counting:
    """Hands over at once, and counts how often."""

    def __init__(self) -> None:
        self.deliveries = 0

    def deliver(self, answers: Any) -> None:
        self.deliveries += 1
        hand_over(answers)


def _next(coroutine: Coroutine[Any, Any, Any]) -> object:
    """Return what a coroutine ends with, or the ticket that it goes on to wait for."""
    try:
        return coroutine.send(None)
    except StopIteration as stop:
        return stop.value


def test_answers_after_the_event_loop_has_ended_are_nobodys() -> None:
    kept: list[LoopSink] = []

    async def test(sink: LoopSink) -> None:
        kept.append(sink)

    run(test)
    deliver([(ticket_of(kept[0]), 1)])
