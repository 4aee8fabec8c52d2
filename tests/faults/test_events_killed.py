"""Servers are killed under load while events are written, published and streamed (requirement H6)."""

import random
import time
from itertools import cycle, islice
from pathlib import Path

import psycopg
import pytest

from creditd.development.postgres import EmbeddedPostgres
from creditd.domain.entry import EntryKind
from tests.faults.arena import arena
from tests.faults.client import Client
from tests.faults.crossings import BELOW, CALLERS, Crossings, set_alerts
from tests.faults.duration import rounds
from tests.faults.followed_events import Follower, happened
from tests.faults.load import Load
from tests.faults.operations import CREDIT_TYPE
from tests.support.patience import eventually

# Holds that a caller has left behind, as a server died, last for minutes: they are still live when all is counted.
_LEFT = """
SELECT (SELECT count(*) FROM reservations WHERE state = 1 AND expire_time < now() + interval '1 minute')
     + (SELECT count(*) FROM outbox_events)
"""


def _left(connection: psycopg.Connection) -> int:
    row = connection.execute(_LEFT).fetchone()
    assert row is not None
    return int(row[0])


@pytest.mark.requirement("H6")
@rounds(20)
def test_killed_servers_lose_no_event_and_confuse_no_order(
    postgres: EmbeddedPostgres, tmp_path: Path, rounds: int
) -> None:
    with arena(postgres, tmp_path, servers=2, event_interval_seconds=0.1) as place, place.client(Client) as client:
        set_alerts(place.servers[0].address)
        load = Load(client, Crossings())
        addresses = [server.address for server in place.servers]
        with Follower(addresses) as follower:
            with load.run(CALLERS):
                for server in islice(cycle(place.servers), rounds):
                    load.await_more(50)
                    time.sleep(random.uniform(0, 0.3))
                    server.kill()
                    server.start()
                load.await_more(100)
            for server in place.servers:
                server.await_serving()
            with psycopg.connect(place.database_url, autocommit=True) as connection:
                eventually(lambda: not _left(connection))
                expected = happened(connection, "crossing-%", CREDIT_TYPE, BELOW, EntryKind.RELEASE)
                query = "SELECT position FROM event_publishing"
                (last,) = connection.execute(query).fetchone() or (0,)
            eventually(lambda: follower.position >= last)
        told = set(follower.told)
        figures = f", events {len(expected)}, lost {len(expected - told)}, invented {len(told - expected)}, "
        figures += f"out of order {follower.out_of_order()}, streams {follower.streams}, told again {follower.repeated}"
        place.conclude(f"events, servers SIGKILL x{rounds}", load, figures)
        assert (expected - told, told - expected) == (set(), set())
        assert (follower.out_of_order(), follower.repeated, follower.went_back) == (0, 0, 0)
        assert expected
