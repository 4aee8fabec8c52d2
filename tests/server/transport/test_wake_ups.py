"""The polling thread takes every event that it has, and hears of everything that other threads post."""

import asyncio
import time
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from selectors import EVENT_READ, DefaultSelector
from threading import Event, Thread
from typing import Any

import pytest

from credit.v1 import credit_service_pb2 as credit
from creditd.server.transport import queue_server
from creditd.server.transport.queue_server import QueueServer
from tests.support.customer import Customer
from tests.support.held_up import held_up
from tests.support.http2 import Connection
from tests.support.patience import eventually, patience
from tests.support.service import RunningService, running_service
from tests.support.tokens import bearer

SECONDS = patience(20.0)
"""For what takes a moment, unless the thread sleeps."""

NIGHT_SECONDS = 600.0
"""How long the thread sleeps here if nobody wakes it: a wake-up that is lost shows."""

HANG_SECONDS = patience(60.0)

CONNECTIONS, CALLS_AT_ONCE, CALLS = 4, 100, 2_500
THREADS, POSTS = 4, 500

BALANCE = "/credit.v1.CreditService/GetBalance"
OK, INVALID_ARGUMENT = 0, 3


@pytest.fixture
def server(queue_service: RunningService, monkeypatch: pytest.MonkeyPatch) -> QueueServer:
    """Return a server that has had a call, and whose thread sleeps well."""
    call(queue_service)
    monkeypatch.setattr(queue_server, "LONGEST_WAIT_SECONDS", NIGHT_SECONDS)
    server = queue_service.server._server
    assert isinstance(server, QueueServer)
    return server


def call(service: RunningService) -> None:
    """Make a call."""
    app = service.as_caller("app", "SERVICE", scope="credits.read")
    app.credit.GetBalance(credit.GetBalanceRequest(account_id="caller"), timeout=SECONDS)


def is_heard(server: QueueServer) -> bool:
    """Post, and tell whether the thread hears of it."""
    heard = Event()
    server.post(heard.set)
    return heard.wait(SECONDS)


@pytest.mark.parametrize(("events", "between_posts"), [(1, 1), (2, 1), (3, 2), (7, 16)])
def test_no_event_is_lost_where_a_turn_ends_with_events_left(
    queue_service: RunningService, monkeypatch: pytest.MonkeyPatch, events: int, between_posts: int
) -> None:
    """Ten thousand calls, most of which are refused for their message: each is answered."""
    monkeypatch.setattr(queue_server, "EVENTS_OF_A_TICK", events)
    monkeypatch.setattr(queue_server, "EVENTS_BETWEEN_LOOKS", between_posts)
    port = int(queue_service.address.rpartition(":")[2])
    token = bearer("app", ["SERVICE"], "credits.read").removeprefix("Bearer ")
    connections = [Connection[int](port, token, "60S") for _ in range(CONNECTIONS)]
    good = credit.GetBalanceRequest(account_id="caller").SerializeToString()
    ended: Counter[int] = Counter()
    begun = 0

    def begin(connection: Connection[int], caller: int) -> None:
        nonlocal begun
        connection.call(BALANCE, b"" if begun % 10 else good, caller)
        begun += 1

    for connection in connections:
        for caller in range(CALLS_AT_ONCE):
            begin(connection, caller)
        connection.flush()

    end = time.monotonic() + HANG_SECONDS
    with DefaultSelector() as selector:
        for connection in connections:
            selector.register(connection, EVENT_READ, connection)
        while ended.total() < CALLS and time.monotonic() < end:
            for key, _ in selector.select(0.1):
                for answer in key.data.receive():
                    ended[answer.status] += 1
                    if begun < CALLS:
                        begin(key.data, answer.caller)
                key.data.flush()
    for connection in connections:
        connection.close()
    assert ended == {OK: CALLS // 10, INVALID_ARGUMENT: CALLS - CALLS // 10}


def test_every_post_wakes_the_thread(server: QueueServer) -> None:
    """Those who post wait until it is heard, so that the thread goes to sleep between any two."""

    def post(thread: int) -> bool:
        del thread
        # The first that is not heard ends it: each would be waited for.
        return all(is_heard(server) for _ in range(POSTS))

    with ThreadPoolExecutor(THREADS) as pool:
        assert all(pool.map(post, range(THREADS)))


NO_WAIT = (0,)
"""What the thread asks for events with where it does not wait for any."""


def meanwhile(step: Callable[..., Any], do: Callable[[], object], *, after: bool) -> Callable[..., Any]:
    """Return a step that has another thread do something, once, before it or after it."""
    left = [do]

    def with_another(*arguments: Any) -> Any:
        result = step(*arguments) if after else None
        if left and arguments != NO_WAIT:
            thread = Thread(target=left.pop())
            thread.start()
            thread.join()
        return result if after else step(*arguments)

    return with_another


STEPS: dict[str, tuple[Callable[[QueueServer], Any], str, bool]] = {
    "after it has looked what is posted": (lambda server: server, "_longest_wait", False),
    "when it is about to wait": (lambda server: server, "_longest_wait", True),
    "as it begins to wait": (lambda server: server._core, "next_event", False),
    "as it has waited": (lambda server: server._core, "next_event", True),
    "before it does what is posted": (lambda server: server, "_call_posted", False),
    "after it has done what is posted": (lambda server: server, "_call_posted", True),
    "at the end of its tick": (lambda server: server, "_end_late", True),
}
"""Where the thread may be while another one posts."""


@pytest.mark.parametrize(("of", "step", "after"), STEPS.values(), ids=STEPS)
def test_a_post_is_heard_wherever_the_thread_is(
    server: QueueServer,
    monkeypatch: pytest.MonkeyPatch,
    of: Callable[[QueueServer], Any],
    step: str,
    after: bool,  # noqa: FBT001 - of the table above.
) -> None:
    posted, heard = Event(), Event()
    target = of(server)

    def post() -> None:
        server.post(heard.set)
        posted.set()

    monkeypatch.setattr(target, step, meanwhile(getattr(target, step), post, after=after))
    # Wakes the thread, which comes by there: now or when it is woken again. Nothing else wakes it after that.
    while not posted.is_set():
        server.post(nothing)
        posted.wait(0.2)
    assert heard.wait(SECONDS)


def nothing() -> None:
    """Do nothing: to be posted."""


def test_what_is_posted_by_what_was_posted_is_heard(server: QueueServer) -> None:
    heard = Event()
    server.post(lambda: server.post(lambda: server.post(heard.set)))
    assert heard.wait(SECONDS)


@pytest.fixture
def fresh(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[RunningService]:
    """Run a service that nobody has called yet."""
    monkeypatch.setattr(queue_server, "LONGEST_WAIT_SECONDS", NIGHT_SECONDS)
    with running_service(tmp_path, transport="queue") as service:
        yield service


def test_a_post_is_heard_where_there_is_no_call_to_ring_by(fresh: RunningService) -> None:
    """Before the first one, after the last connection has gone, and while the server stops."""
    server = fresh.server._server
    assert isinstance(server, QueueServer)
    assert is_heard(server)
    eventually(lambda: fresh.server.health.takes_calls, SECONDS)
    call(fresh)
    for channel in fresh.channels:
        channel.close()
    assert is_heard(server)
    fresh.callers.clear()
    customer = Customer(fresh, fresh.as_caller("a", "ADMIN"), fresh.as_caller("b", "ADMIN"), "one")
    customer.top_up(10)
    with held_up(customer) as until_it_waits:
        under_way = customer.app.credit.Deduct.future(customer.deducting(1))
        until_it_waits()
        asyncio.run_coroutine_threadsafe(server.stop(SECONDS), fresh.loop)
        eventually(lambda: server._is_stopping)
        assert all(is_heard(server) for _ in range(10))
    # It was answered on another thread, which had no call to ring by either.
    assert under_way.result(SECONDS).balance.available == 9
