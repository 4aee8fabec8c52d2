"""The server is told to stop under load and started again: with streams, and a caller that takes no answer."""

from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import grpc
import pytest

from credit.v1 import credit_service_pb2 as credit
from credit.v1.credit_service_pb2_grpc import CreditServiceStub
from creditd.development.postgres import EmbeddedPostgres
from tests.faults.arena import arena
from tests.faults.attack import BALANCE, WATCH
from tests.faults.client import SPENDER, Client, open_channel
from tests.faults.duration import rounds
from tests.faults.load import Load
from tests.faults.mix import HOT, Mix
from tests.faults.operations import CREDIT_TYPE
from tests.support.patience import patience
from tests.support.raw_http2 import HEADERS, NO_WINDOW, SETTINGS, RawConnection

DRAIN_SECONDS, GRACE_SECONDS = 0.2, 2.0
HANG_SECONDS = patience(60.0)
"""Far more than a stop takes: it is no measure of it."""

STREAMS, UNTAKEN = 10, 50

_WATCH = credit.WatchBalanceRequest(account_id=HOT, credit_type=CREDIT_TYPE)
_BALANCE = credit.GetBalanceRequest(account_id=HOT)


@contextmanager
def watchers(address: str) -> Iterator[Counter[str]]:
    """Watch the hot wallet until the server ends it; how each stream ended is counted when the block ends."""
    ended: Counter[str] = Counter()
    with open_channel(address) as channel, ThreadPoolExecutor(STREAMS) as pool:
        streams = [CreditServiceStub(channel).WatchBalance(_WATCH, metadata=SPENDER) for _ in range(STREAMS)]
        for stream in streams:
            next(stream)
        ends = [pool.submit(_end_of, stream) for stream in streams]
        yield ended
        ended.update(end.result(HANG_SECONDS) for end in ends)


def _end_of(stream: Any) -> str:
    try:
        for _ in stream:
            pass
    except grpc.RpcError as error:
        return f"{error.code().name}"
    return "OK"


@contextmanager
def taking_nothing(address: str) -> Iterator[None]:
    """Have calls and streams under way whose answers are ready and not taken, until the block ends."""
    with RawConnection(address, SPENDER[0][1]) as connection:
        connection.send(SETTINGS, 0, 0, NO_WINDOW)
        streams = {connection.call(BALANCE, _BALANCE.SerializeToString()) for _ in range(UNTAKEN)}
        streams |= {connection.call(WATCH, _WATCH.SerializeToString()) for _ in range(STREAMS)}
        frames = connection.frames()
        while streams:
            frame = next(frames)
            if frame.kind == HEADERS:
                streams.remove(frame.stream)
        yield


@pytest.mark.requirement("A7", "A8")
@rounds(10)
def test_a_server_that_is_told_to_stop_answers_every_call(
    postgres: EmbeddedPostgres, tmp_path: Path, rounds: int
) -> None:
    """Or has it told UNAVAILABLE, and nothing that was acknowledged is lost; it ends with status 0."""
    settings: dict[str, Any] = {"drain_seconds": DRAIN_SECONDS, "shutdown_grace_seconds": GRACE_SECONDS}
    with arena(postgres, tmp_path, **settings) as place, place.client(Client) as client:
        [server] = place.servers
        load = Load(client, Mix())
        ended: Counter[str] = Counter()
        with load.run():
            for _ in range(rounds):
                load.await_more(200)
                with watchers(server.address) as ends, taking_nothing(server.address):
                    assert server.stop(HANG_SECONDS) == 0
                ended += ends
                server.start()
            load.await_more(200)
        place.conclude(f"server SIGTERM x{rounds}", load, f", streams ended {dict(ended)}")
        assert client.failures.keys() == {"UNAVAILABLE"}
        assert ended == {"UNAVAILABLE": rounds * STREAMS}
