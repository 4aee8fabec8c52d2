"""The connection between server and PostgreSQL is cut before, within and after statements and COMMITs."""

import random
import time
from collections import Counter
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from creditd.development.postgres import EmbeddedPostgres
from tests.faults.arena import arena
from tests.faults.client import Client
from tests.faults.duration import rounds
from tests.faults.load import Load
from tests.faults.mix import Mix
from tests.faults.moment_proxy import Moment, MomentProxy

SECONDS_FOR_A_MOMENT = 10.0


@pytest.mark.requirement("A7")
@rounds(20)
def test_a_connection_cut_around_a_commit_leaves_nothing_in_doubt(
    postgres: EmbeddedPostgres, tmp_path: Path, rounds: int
) -> None:
    proxy = MomentProxy(urlsplit(postgres.tcp_url).port or 0)
    came: Counter[Moment] = Counter()
    try:
        with arena(postgres, tmp_path, through_port=proxy.port) as place, place.client(Client) as client:
            # New accounts are opened within a transaction, with a COMMIT of its own to cut at.
            load = Load(client, Mix(newcomer_share=0.2))
            with load.run():
                for _ in range(rounds):
                    for moment in random.sample(list(Moment), len(Moment)):
                        load.await_more(50)
                        time.sleep(random.uniform(0, 0.02))
                        came[moment] += proxy.cut(moment, SECONDS_FOR_A_MOMENT)
                load.await_more(200)
            assert place.servers[0].is_running
            place.conclude(f"connection cut x{came.total()}", load)
    finally:
        proxy.close()
    assert came == dict.fromkeys(Moment, rounds)
