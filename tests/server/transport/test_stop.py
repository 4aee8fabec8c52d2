"""A stop on the completion queue: whatever is under way, it is answered, and nothing runs on."""

import asyncio
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path
from threading import Event, Thread, get_ident
from typing import Any, NoReturn

import grpc
import pytest

from credit.v1 import credit_service_pb2 as credit
from credit.v1.credit_service_pb2_grpc import CreditServiceStub
from creditd.server.gate import Gate
from creditd.server.transport import core, queue_server, self_test
from creditd.server.transport.queue_server import QueueServer
from tests.support.customer import Customer
from tests.support.databases import migrated_database
from tests.support.held_up import held_up, locked
from tests.support.patience import eventually, patience
from tests.support.raw_http2 import ACK, GOAWAY, PING, RawConnection
from tests.support.refusals import refused
from tests.support.service import RunningService, running_service
from tests.support.tokens import bearer

SECONDS = patience(30.0)

GONE_SECONDS = 1.0
"""Within which a queue is gone that waits for nobody: it takes milliseconds."""

BALANCE = "/credit.v1.CreditService/GetBalance"
UNAVAILABLE = 14
OWNER = bearer("owner", ["USER"])
REQUEST = credit.GetBalanceRequest(account_id="owner").SerializeToString()


@pytest.fixture
def stopping(tmp_path: Path) -> Iterator[tuple[RunningService, ExitStack]]:
    """Run a service that stops when the stack is closed, with more time for what is under way than that takes."""
    with migrated_database() as url, ExitStack() as ending:
        service = ending.enter_context(
            running_service(tmp_path, database_url=url, transport="queue", shutdown_grace_seconds=SECONDS)
        )
        yield service, ending


def shorten(gate: Gate, over: asyncio.Event, monkeypatch: pytest.MonkeyPatch) -> None:
    """Have the grace for calls be over a tenth of a second after something has come about."""
    empty = gate.empty

    async def empty_once_over(_seconds: float) -> None:
        await over.wait()
        await empty(0.1)

    monkeypatch.setattr(gate, "empty", empty_once_over)


def test_a_stop_ends_whatever_is_under_way(
    stopping: tuple[RunningService, ExitStack], monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is done within the grace is answered; the rest is told to go elsewhere."""
    service, ending = stopping
    app = service.as_caller("app", "ADMIN")
    customer = Customer(service, app, service.as_caller("staff", "ADMIN"), "one")
    eventually(lambda: service.server.health.takes_calls)
    customer.top_up(100)
    kept, service.channels[:] = list(service.channels), []
    server = service.server._server
    assert isinstance(server, QueueServer)
    is_saved = asyncio.Event()
    shorten(server.gate, is_saved, monkeypatch)
    with (
        RawConnection(service.address, OWNER) as idle,
        RawConnection(service.address, OWNER) as silent,
        ThreadPoolExecutor(1) as pool,
    ):
        half = silent.begin(BALANCE)
        watched = app.credit.WatchBalance(credit.WatchBalanceRequest(account_id="one", credit_type="chat"))
        assert next(watched).balance.available == 100
        with locked(service, "credit_types") as table:
            with held_up(customer) as until_it_waits:
                saved = app.credit.Deduct.future(customer.deducting(10))
                until_it_waits()
                looked_up = app.credit.Reserve.future(customer.reserving(1, credit_type="unheard_of"))
                table.until(1)
                stopped = pool.submit(ending.close)
                assert any(frame.kind == GOAWAY for frame in idle.frames())
            assert saved.result(SECONDS).balance.available == 90
            service.loop.call_soon_threadsafe(is_saved.set)
            stopped.result(SECONDS)
        assert looked_up.code() is grpc.StatusCode.UNAVAILABLE
        assert refused(lambda _: list(watched), None).reason == "SHUTTING_DOWN"
        assert next(silent.ends()) == (half, UNAVAILABLE)
    assert not server._thread.is_alive()
    assert not server.gate.calls
    for channel in kept:
        channel.close()


def answer_pings(connection: RawConnection) -> None:
    """Answer what a server asks before it lets go of a connection, until it does."""
    for frame in connection.frames():
        if frame.kind == PING and not frame.flags & ACK:
            connection.send(PING, ACK, 0, frame.payload)


def test_no_connection_is_kept_by_the_bell(
    stopping: tuple[RunningService, ExitStack], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A connection without a call does not hold up a stop, though the last call was on it: no call is cancelled."""
    service, _ = stopping
    server = service.server._server
    assert isinstance(server, QueueServer)
    cancelled: list[bool] = []
    monkeypatch.setattr(server._core, "cancel_all_calls", lambda: cancelled.append(True))
    with RawConnection(service.address, OWNER) as idle, ThreadPoolExecutor(1) as pool:
        idle.call(BALANCE, REQUEST)
        next(idle.ends())
        pool.submit(answer_pings, idle)
        asyncio.run_coroutine_threadsafe(server.stop(SECONDS), service.loop).result(SECONDS)
    assert not cancelled


def fail(error: BaseException) -> NoReturn:
    """Have a failure of the polling thread fail the test."""
    raise error


def noting(done: list[tuple[str, int]], name: str, method: Callable[[], None]) -> Callable[[], None]:
    """Return a method that notes which thread calls it."""

    def noted() -> None:
        done.append((name, get_ident()))
        method()

    return noted


def test_calls_are_cancelled_by_the_thread_that_lets_go_of_the_server(monkeypatch: pytest.MonkeyPatch) -> None:
    """On two threads one could cancel what the other has just let go of, which ended a process in forty by SIGSEGV."""
    done: list[tuple[str, int]] = []

    async def stop() -> None:
        async with self_test._serving(fail) as (handler, address, _, _), grpc.aio.insecure_channel(address) as channel:
            stub: Any = CreditServiceStub(channel)
            call = stub.GetBalance(credit.GetBalanceRequest(account_id="never-answered"), timeout=SECONDS)
            await self_test._until(lambda: bool(handler.waiting) or call.done())
            server: Any = handler._sink
            for name in ("cancel_all_calls", "destroy"):
                monkeypatch.setattr(server._core, name, noting(done, name, getattr(server._core, name)))
            await server.stop(0.1)
            assert done == [(name, server._thread.ident) for name in ("cancel_all_calls", "destroy")]
            assert await call.code() in {grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.CANCELLED}

    asyncio.run(asyncio.wait_for(stop(), SECONDS))


def telling(event: Event, method: Callable[[], None]) -> Callable[[], None]:
    """Return a method that sets an event once it is done."""

    def told() -> None:
        method()
        event.set()

    return told


def test_the_queue_stays_while_somebody_rings(monkeypatch: pytest.MonkeyPatch) -> None:
    """A thread may be about to ring, and come to it late: rung in a queue that has gone, a bell ends the process."""
    ring, is_about_to, is_gone = core.ring, Event(), Event()
    rung: list[bool] = []

    def ring_late(call: core.CoreCall, tag: core.Tag) -> None:
        is_about_to.set()
        rung.append(not is_gone.wait(GONE_SECONDS))
        if rung[-1]:
            ring(call, tag)

    def post(server: QueueServer) -> None:
        while not is_about_to.is_set():
            server.post(lambda: None)

    async def stop() -> None:
        async with self_test._serving(fail) as (handler, address, _, _), grpc.aio.insecure_channel(address) as channel:
            await CreditServiceStub(channel).GetBalance(credit.GetBalanceRequest(account_id="plain"))
            server: Any = handler._sink
            monkeypatch.setattr(server._core, "destroy", telling(is_gone, server._core.destroy))
            monkeypatch.setattr(core, "ring", ring_late)
            poster = Thread(target=post, args=[server])
            poster.start()
            await asyncio.to_thread(is_about_to.wait, SECONDS)
            await server.stop(SECONDS)
            poster.join(SECONDS)
            assert is_gone.is_set()

    # The thread is not woken, and wakes all the same.
    monkeypatch.setattr(queue_server, "LONGEST_WAIT_SECONDS", 0.01)
    asyncio.run(asyncio.wait_for(stop(), SECONDS))
    assert all(rung)


def test_a_second_stop_shortens_the_first() -> None:
    """It ends a call that nobody would ever answer."""

    async def stop_twice() -> None:
        async with self_test._serving(fail) as (handler, address, _, _), grpc.aio.insecure_channel(address) as channel:
            stub: Any = CreditServiceStub(channel)
            call = stub.GetBalance(credit.GetBalanceRequest(account_id="never-answered"), timeout=SECONDS)
            await self_test._until(lambda: bool(handler.waiting) or call.done())
            server: Any = handler._sink
            first = asyncio.create_task(server.stop(10 * SECONDS))
            await server.stop(0.1)
            await first
            assert await call.code() in {grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.CANCELLED}
            assert [ticket.is_given_up for ticket in handler.waiting] == [True]

    asyncio.run(asyncio.wait_for(stop_twice(), SECONDS))
