"""The server is killed under load and started again."""

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


@pytest.mark.requirement("A7", "A8")
@rounds(20, few=1)
def test_a_killed_server_loses_nothing_that_it_acknowledged(
    postgres: EmbeddedPostgres, tmp_path: Path, rounds: int
) -> None:
    with arena(postgres, tmp_path) as place, place.client(Client) as client:
        load = Load(client, Mix())
        with load.run():
            for _ in range(rounds):
                load.await_more(200)
                time.sleep(random.uniform(0, 0.3))
                place.servers[0].kill()
                place.servers[0].start()
            load.await_more(200)
        place.conclude(f"server SIGKILL x{rounds}", load)
