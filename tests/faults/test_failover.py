"""The primary is lost under load, killed or frozen, and its synchronous standby takes over with all of it.

Servers name both in their URL, and find by themselves the one that takes writes. A primary that is frozen still takes
connections and answers nothing: each attempt at it costs the time-out of a connection, until the other was found.
"""

import tempfile
import time
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from uuid import uuid4

import grpc
import pytest
from grpc_health.v1.health_pb2 import HealthCheckRequest, HealthCheckResponse
from grpc_health.v1.health_pb2_grpc import HealthStub

from creditd.development.postgres import EmbeddedPostgres
from creditd.development.postgres.logins import server_url
from tests.faults.arena import Arena, fund
from tests.faults.client import Client, open_channel
from tests.faults.duration import rounds
from tests.faults.load import Load
from tests.faults.mix import Mix
from tests.faults.processes import ServerProcess
from tests.faults.standby import Pair, attached, primary_of_its_own
from tests.support.patience import eventually, patience
from tests.support.postgres_faults import frozen, kill_all
from tests.support.schemas import create_migrated

SERVERS = 2
PHASE = 200

NOTICED_SECONDS = patience(6.0)
"""Health looks after a second and waits for two; the rest is room for the machine."""

AGAIN_SECONDS = patience(30.0)


def is_healthy(address: str) -> bool:
    """Tell what a probe is told; a server that does not answer is not healthy."""
    with open_channel(address) as channel:
        try:
            answer = HealthStub(channel).Check(HealthCheckRequest(), timeout=2)
        except grpc.RpcError:
            return False
        return bool(answer.status == HealthCheckResponse.SERVING)


def lose_by_kill(pair: Pair, stack: ExitStack, servers: list[ServerProcess]) -> None:
    """Kill the primary and all its processes."""
    del stack, servers
    kill_all(pair.primary)


def lose_by_freeze(pair: Pair, stack: ExitStack, servers: list[ServerProcess]) -> None:
    """Freeze the primary for good, and see that each server has noticed before anybody does something about it."""
    stack.enter_context(frozen(pair.primary))
    # The fence: it is ended where it stands, and never goes on.
    stack.callback(kill_all, pair.primary)
    for server in servers:
        eventually(lambda at=server.address: not is_healthy(at), NOTICED_SECONDS)


@pytest.mark.requirement("A7", "I6")
@pytest.mark.parametrize("lose", [lose_by_kill, lose_by_freeze], ids=["killed", "frozen"])
@rounds(3, few=1)
def test_a_standby_that_takes_over_has_all_that_was_acknowledged(
    tmp_path: Path, rounds: int, lose: Callable[[Pair, ExitStack, list[ServerProcess]], None]
) -> None:
    for turn in range(rounds):
        with (
            tempfile.TemporaryDirectory(prefix="creditd-primary-") as first,
            tempfile.TemporaryDirectory(prefix="creditd-standby-") as second,
            primary_of_its_own(Path(first) / "data") as primary,
        ):
            fail_over(primary, Path(second) / "data", tmp_path / str(turn), lose)


def fail_over(
    primary: EmbeddedPostgres,
    standby: Path,
    folder: Path,
    lose: Callable[[Pair, ExitStack, list[ServerProcess]], None],
) -> None:
    """Serve by both, lose the primary under load, promote the standby, and hold the ledger to what callers know."""
    folder.mkdir()
    database_url = create_migrated(primary.tcp_url, f"faults_{uuid4().hex}")
    served_by = server_url(database_url)
    with attached(primary, standby) as pair, ExitStack() as stack:
        servers = [stack.enter_context(ServerProcess(folder, pair.both(served_by))) for _ in range(SERVERS)]
        fund(servers[0].address)
        client = Client([server.address for server in servers])
        stack.callback(client.close)
        load = Load(client, Mix())
        with load.run():
            load.await_more(PHASE)
            lost_at = time.monotonic()
            lose(pair, stack, servers)
            noticed_seconds = time.monotonic() - lost_at
            pair.promote()
            load.await_more(PHASE)
            for server in servers:
                eventually(lambda at=server.address: is_healthy(at), AGAIN_SECONDS)
            load.await_more(PHASE)
        place = Arena(pair.at_standby(database_url), servers)
        name = lose.__name__.replace("_", " ").replace("lose", "failover")
        place.conclude(name, load, f", promoted after {noticed_seconds:.1f} s")
