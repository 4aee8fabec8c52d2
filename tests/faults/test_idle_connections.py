"""Ten thousand connections that have nothing to say: nobody else notices, and all that they take is given back."""

import resource
import time
from contextlib import ExitStack
from pathlib import Path

import pytest

from creditd.development.postgres import EmbeddedPostgres
from creditd.server.connections import CROWDED, OTHER_FILES
from tests.faults.arena import ADAPTER, arena
from tests.faults.attack import OPENINGS_A_SECOND, Target
from tests.faults.attackers import IDLE_CROWD, attacked
from tests.faults.connection_attacks import IDLE
from tests.faults.duration import LONG_SECONDS
from tests.faults.memory import Memory, watched_memory
from tests.faults.neighbours import neighbour
from tests.faults.processes import AdapterProcess, ServerProcess
from tests.support.patience import eventually
from tests.support.tokens import bearer

pytestmark = [pytest.mark.requirement("J5"), pytest.mark.long, pytest.mark.timeout(LONG_SECONDS)]

SECRET = "whsec_idle"  # noqa: S105 - nothing is kept secret in a test.

IDLE_SECONDS = 5.0
"""How long all of them are there."""

LEAVING_SECONDS = 5.0
"""Until they go, all at once, when the neighbour is gone: that is as much work as opening them at once."""

GONE_SECONDS = 30.0
"""Until a loaded machine has closed them all."""

SPARE_FILES = 50
"""What the neighbour's and the probes' connections take."""

MOST_MEGABYTES = 400
"""40 kB of each connection."""


def test_ten_thousand_idle_connections_slow_nobody_down(postgres: EmbeddedPostgres, tmp_path: Path) -> None:
    """Nor do they cost anything once they have gone: those who come after them take what they have given back."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    assert hard == resource.RLIM_INFINITY or CROWDED * (hard - OTHER_FILES) > IDLE, "the limit of open files is too low"
    with (
        arena(postgres, tmp_path, stripe_api_key="sk_test_idle", stripe_webhook_secrets=SECRET) as running,
        AdapterProcess(tmp_path, running.servers[0].address, ADAPTER[0][1].removeprefix("Bearer ")) as adapter,
    ):
        [server] = running.servers
        seconds = IDLE / OPENINGS_A_SECOND + IDLE_SECONDS + LEAVING_SECONDS
        token = bearer("idle", ["USER"])
        target = Target(server.address, server.metrics_address, adapter.address, token, "idle", seconds)
        reached = {"adapter": adapter.address, "metrics": server.metrics_address}
        with ExitStack() as looking:
            figures = looking.enter_context(neighbour(server.address, SECRET, **reached))
            first, evidence = _wave(server, target, looking)
        print(figures.table(IDLE_CROWD, f"{evidence}; {first}"))
        assert not figures.failed()
        assert not figures.too_slow()
        second, evidence = _wave(server, target, ExitStack())
        print(f"  once more: {evidence}; {second}")
        assert first.growth < MOST_MEGABYTES
        assert second.most < 1.1 * first.most


def _wave(server: ServerProcess, target: Target, looking: ExitStack) -> tuple[Memory, str]:
    """Have the crowd come, stay and go; whoever looks on leaves before it goes."""
    before = server.open_files
    with watched_memory([server.pid]) as memory:
        with attacked(IDLE_CROWD, target) as evidence:
            eventually(lambda: server.open_files > IDLE, target.seconds)
            time.sleep(IDLE_SECONDS)
            open_files = server.open_files
            looking.close()
        eventually(lambda: server.open_files <= before + SPARE_FILES, GONE_SECONDS)
    assert open_files > IDLE
    return memory, f"{evidence[0]}; {1_024 * memory.growth / IDLE:.1f} kB a connection; {open_files} open files"
