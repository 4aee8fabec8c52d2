"""Answers that nobody takes: their caller has few of them, each for a short time, and nobody else notices."""

from collections.abc import Iterator
from typing import Any

import pytest

from credit.v1 import credit_service_pb2 as credit
from creditd.server.transport import departures
from creditd.server.transport.queue_server import QueueServer
from tests.support.customer import Customer
from tests.support.patience import eventually
from tests.support.raw_http2 import HEADERS, NO_WINDOW, RST_STREAM, SETTINGS, RawConnection
from tests.support.service import RunningService
from tests.support.tokens import bearer

SERVICE = "/credit.v1.CreditService"
OK, RESOURCE_EXHAUSTED = 0, 8
FEW = 20

ACCOUNT = "never-reads"
REQUESTS: dict[str, Any] = {
    f"{SERVICE}/GetBalance": credit.GetBalanceRequest(account_id=ACCOUNT),
    f"{SERVICE}/BatchGetBalances": credit.BatchGetBalancesRequest(account_ids=[ACCOUNT] * 100),
    f"{SERVICE}/ListTransactions": credit.ListTransactionsRequest(account_id=ACCOUNT),
    f"{SERVICE}/WatchBalance": credit.WatchBalanceRequest(account_id=ACCOUNT, credit_type="spec"),
}
"""Of each kind: hot, hot and large, on the event loop, and a stream."""

UNARY = [f"{SERVICE}/GetBalance", f"{SERVICE}/ListTransactions"]


def never_reading(service: RunningService, subject: str, timeout: str = "") -> RawConnection:
    """Connect a member of staff who takes no message."""
    connection = RawConnection(service.address, bearer(subject, ["ADMIN"]), timeout)
    connection.send(SETTINGS, 0, 0, NO_WINDOW)
    return connection


def ask(connection: RawConnection, path: str) -> set[int]:
    """Make calls, and wait until each has an answer that would be sent; return which have ended meanwhile."""
    streams = {connection.call(path, REQUESTS[path].SerializeToString()) for _ in range(FEW)}
    ended: set[int] = set()
    for frame in connection.frames():
        if frame.kind == HEADERS:
            streams.remove(frame.stream)
        elif frame.kind == RST_STREAM:
            ended.add(frame.stream)
        if not streams:
            break
    return ended


def is_served(service: RunningService, subject: str, path: str) -> bool:
    """Tell whether a caller's call on a connection of its own is answered; if not, it is refused for too many."""
    with RawConnection(service.address, bearer(subject, ["ADMIN"])) as connection:
        connection.call(path, REQUESTS[path].SerializeToString())
        _, status = next(connection.ends())
    assert status in {OK, RESOURCE_EXHAUSTED}
    return status == OK


@pytest.fixture
def server(queue_service: RunningService) -> Iterator[QueueServer]:
    """Return a server of which nothing is left when the test has ended."""
    app, staff = queue_service.as_caller("app", "ADMIN"), queue_service.as_caller("staff", "ADMIN")
    Customer(queue_service, app, staff, ACCOUNT).top_up(100)
    server = queue_service.server._server
    assert isinstance(server, QueueServer)
    yield server
    eventually(lambda: not server.gate.calls and server.departures.next_end is None)


@pytest.mark.requirement("J5")
@pytest.mark.usefixtures("server")
@pytest.mark.parametrize("path", REQUESTS)
def test_an_answer_that_is_not_taken_ends_its_call(
    queue_service: RunningService, monkeypatch: pytest.MonkeyPatch, path: str
) -> None:
    """Others are served meanwhile, on this connection as well."""
    with never_reading(queue_service, "slow") as connection:
        assert not ask(connection, path)
        assert is_served(queue_service, "other", UNARY[0])
    monkeypatch.setattr(departures, "TAKEN_SECONDS", 0.3)
    with never_reading(queue_service, "slow") as connection:
        ended = ask(connection, path)
        assert is_served(queue_service, "other", UNARY[0])
        resets = (frame.stream for frame in connection.frames() if frame.kind == RST_STREAM)
        while len(ended) < FEW:
            ended.add(next(resets))


@pytest.mark.parametrize("path", REQUESTS)
def test_an_answer_that_is_not_taken_ends_with_its_deadline(
    queue_service: RunningService, server: QueueServer, path: str
) -> None:
    with never_reading(queue_service, "slow", "2S") as connection:
        ask(connection, path)
        eventually(lambda: not server.gate.calls and server.departures.next_end is None)


@pytest.mark.requirement("J5")
@pytest.mark.usefixtures("server")
@pytest.mark.parametrize("path", UNARY)
def test_a_caller_has_so_much_that_is_not_taken(
    queue_service: RunningService, monkeypatch: pytest.MonkeyPatch, path: str
) -> None:
    """On all connections together, whatever it asks for; when it is taken or given up, there is room again."""
    monkeypatch.setattr(departures, "UNTAKEN_BYTES", FEW * departures.CALL_BYTES)
    monkeypatch.setattr(departures, "NOTICED_SECONDS", 0.1)
    with never_reading(queue_service, "greedy") as connection:
        ask(connection, path)
        eventually(lambda: not is_served(queue_service, "greedy", path))
        for other in UNARY:
            assert not is_served(queue_service, "greedy", other)
            assert is_served(queue_service, "modest", other)
    eventually(lambda: all(is_served(queue_service, "greedy", other) for other in UNARY))
