"""PostgreSQL is killed under load and recovers; the server stays."""

import random
import time
from pathlib import Path

import pytest

from creditd.development.postgres import EmbeddedPostgres
from tests.faults.arena import arena
from tests.faults.client import Client
from tests.faults.duration import rounds
from tests.faults.load import Load
from tests.faults.mix import Mix
from tests.support.postgres_faults import kill_all, restart


@pytest.mark.requirement("A7", "A8")
@rounds(20, few=1)
def test_a_killed_postgresql_loses_nothing_that_was_acknowledged(
    postgres: EmbeddedPostgres, tmp_path: Path, rounds: int
) -> None:
    with arena(postgres, tmp_path) as place, place.client(Client) as client:
        load = Load(client, Mix())
        with load.run():
            for _ in range(rounds):
                load.await_more(200)
                time.sleep(random.uniform(0, 0.3))
                kill_all(postgres)
                restart(postgres)
            load.await_more(200)
        assert place.servers[0].is_running
        place.conclude(f"PostgreSQL SIGKILL x{rounds}", load)
