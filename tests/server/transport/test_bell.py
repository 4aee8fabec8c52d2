"""The bell is a call that has ended: its connection goes all the same when it is to go."""

from pathlib import Path

import psutil
import pytest

from credit.v1 import credit_service_pb2 as credit
from creditd.server import listener
from tests.support.patience import eventually
from tests.support.raw_http2 import ACK, GOAWAY, PING, RawConnection
from tests.support.service import RunningService, running_service
from tests.support.tokens import bearer

BALANCE = "/credit.v1.CreditService/GetBalance"
OK = 0
OWNER = bearer("owner", ["USER"])
REQUEST = credit.GetBalanceRequest(account_id="owner").SerializeToString()


def is_held(service: RunningService, port: int) -> bool:
    """Tell whether the server has a connection from one of our ports open, in whatever state."""
    own = int(service.address.rpartition(":")[2])
    return any(
        (found.laddr[1:], found.raddr[1:]) == ((own,), (port,)) for found in psutil.Process().net_connections("tcp")
    )


def call(connection: RawConnection) -> None:
    """Make a call, which is the bell from now on."""
    connection.call(BALANCE, REQUEST)
    assert next(connection.ends())[1] == OK


def test_a_connection_that_its_caller_closes_goes(queue_service: RunningService) -> None:
    """Though its call was the last that came, and nobody calls after it."""
    with RawConnection(queue_service.address, OWNER) as connection:
        call(connection)
        port = connection.socket.getsockname()[1]
        assert is_held(queue_service, port)
    eventually(lambda: not is_held(queue_service, port))


@pytest.mark.parametrize("limit", ["IDLE_SECONDS", "AGE_SECONDS"])
def test_a_connection_that_the_server_closes_goes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, limit: str) -> None:
    """By idling and by age, as any other connection."""
    monkeypatch.setattr(listener, limit, 1)
    with running_service(tmp_path, transport="queue") as service, RawConnection(service.address, OWNER) as connection:
        call(connection)
        port = connection.socket.getsockname()[1]
        told = False
        for frame in connection.frames():
            told = told or frame.kind == GOAWAY
            if frame.kind == PING and not frame.flags & ACK:
                connection.send(PING, ACK, 0, frame.payload)
        assert told
        eventually(lambda: not is_held(service, port))
