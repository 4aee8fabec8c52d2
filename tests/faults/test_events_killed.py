"""Servers are killed under load while events are written, published and streamed (requirement H6)."""

import random
import time
from itertools import cycle, islice
from pathlib import Path

import psycopg
import pytest

from credit.v1.admin_service_pb2_grpc import AdminServiceStub
from credit.v1.balance_alert_pb2 import BalanceAlert, SetBalanceAlertsRequest
from creditd.development.postgres import EmbeddedPostgres
from creditd.domain.entry import EntryKind
from tests.faults.arena import STAFF, Arena, arena
from tests.faults.audit import OF_THE_BATTERY
from tests.faults.client import Client, open_channel
from tests.faults.duration import rounds
from tests.faults.followed_events import Follower, happened
from tests.faults.load import Load
from tests.faults.mix import SIGN_UP_CREDITS, Mix, Perform
from tests.faults.operations import CREDIT_TYPE, refund, reserve
from tests.support.patience import eventually

CALLERS = 12
"""They leave the processors to the servers that start, of which one is nearly always at it."""

ACCOUNTS = 12
"""As many as callers: now one has an account to itself, now several cross its figure together."""

BELOW = SIGN_UP_CREDITS - 5
SHORT_SHARE = 0.1
"""Of the holds, left to the sweep."""

# Holds that a caller has left behind, as a server died, last for minutes: they are still live when all is counted.
_LEFT = """
SELECT (SELECT count(*) FROM reservations WHERE state = 1 AND expire_time < now() + interval '1 minute')
     + (SELECT count(*) FROM outbox_events)
"""


class Crossings(Mix):
    """Holds that take an account below its figure, and are given back, or end by themselves."""

    def story(self, perform: Perform) -> None:
        """Hold, and most often give back."""
        account_id = f"crossing-{random.randrange(ACCOUNTS)}"
        if random.random() < SHORT_SHARE:
            perform(reserve(account_id, random.randint(6, 20), 1))
            return
        held = perform(reserve(account_id, random.randint(6, 20)))
        if held.is_done:
            perform(refund(held))


def _set_alerts(place: Arena) -> None:
    with open_channel(place.servers[0].address) as channel:
        for number in range(ACCOUNTS):
            request = SetBalanceAlertsRequest(
                name=f"accounts/crossing-{number}",
                alerts=[BalanceAlert(credit_type=CREDIT_TYPE, below=BELOW)],
                reason="to be told",
                request_id=f"{OF_THE_BATTERY}{number}",
            )
            AdminServiceStub(channel).SetBalanceAlerts(request, metadata=STAFF, timeout=10)


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
        _set_alerts(place)
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
