"""Servers are killed while they deliver events, beside a receiver that hangs (requirement H6)."""

import random
import statistics
import time
from collections import Counter
from datetime import UTC, datetime
from itertools import cycle, islice
from pathlib import Path
from typing import Any, NamedTuple

import psycopg
import pytest

from credit.v1 import event_endpoint_service_pb2 as pb
from credit.v1.event_endpoint_pb2 import EventEndpoint
from credit.v1.event_endpoint_service_pb2_grpc import EventEndpointServiceStub
from creditd.development.postgres import EmbeddedPostgres
from tests.faults.arena import Arena, arena
from tests.faults.audit import OF_THE_BATTERY
from tests.faults.client import Client, open_channel
from tests.faults.crossings import CALLERS, Crossings, set_alerts
from tests.faults.duration import rounds
from tests.faults.load import Load
from tests.support.event_receiver import Received, Receiver, receiver
from tests.support.event_shop import KEY
from tests.support.patience import eventually
from tests.support.tokens import bearer

SETTINGS: dict[str, Any] = {
    "event_interval_seconds": 0.1,
    "event_key_encryption_key": KEY,
    "event_targets_private": "true",
}

BEFORE_THE_KILLS = 50
"""Events that tell how long one takes to be delivered, while nobody is killed and one receiver hangs."""

_LEFT = """
SELECT (SELECT count(*) FROM outbox_events) + (
    SELECT count(*) FROM event_endpoints AS e CROSS JOIN event_publishing AS p
    WHERE e.endpoint_id = 'good' AND (e.position < p.position OR EXISTS (
        SELECT FROM event_deliveries AS d WHERE d.endpoint_key = e.endpoint_key
    ))
)
"""


class Arrivals(NamedTuple):
    """What a receiver has got, by the order in which each event came first."""

    events: set[str]
    out_of_order: int
    repeated: int
    delays: list[float]


def _arrivals(received: list[tuple[float, Received]]) -> Arrivals:
    """Judge what has come, each with the time when it did."""
    counts: Counter[str] = Counter()
    last: dict[str, int] = {}
    wrong, delays = 0, []
    for came, one in received:
        document = one.document
        counts[one.event_id] += 1
        if counts[one.event_id] > 1:
            continue
        account, position = document["account_id"], document["position"]
        wrong += position < last.get(account, 0)
        last[account] = max(position, last.get(account, 0))
        happened = datetime.fromisoformat(document["timestamp"]).astimezone(UTC).timestamp()
        delays.append(came - happened)
    return Arrivals(set(counts), wrong, counts.total() - len(counts), delays)


def _prepare(place: Arena, **receivers: Receiver) -> dict[str, str]:
    """Set alerts for all accounts, and create an endpoint for each receiver; return their secrets."""
    boss = (("authorization", bearer("faults", ["ADMIN"], mfa_time=int(time.time()))),)
    set_alerts(place.servers[0].address)
    secrets = {}
    with open_channel(place.servers[0].address) as channel:
        for name, one in receivers.items():
            creating = pb.CreateEventEndpointRequest(
                event_endpoint=EventEndpoint(name=f"eventEndpoints/{name}", url=one.url),
                reason="to be told",
                request_id=f"{OF_THE_BATTERY}{name}",
            )
            created = EventEndpointServiceStub(channel).CreateEventEndpoint(creating, metadata=boss, timeout=10)
            secrets[name] = created.secret
    return secrets


def _one(connection: psycopg.Connection, query: str) -> int:
    row = connection.execute(query.encode()).fetchone()
    assert row is not None
    return int(row[0])


@pytest.mark.requirement("H6")
@rounds(6)
def test_killed_servers_deliver_every_event_in_order_beside_a_receiver_that_hangs(
    postgres: EmbeddedPostgres, tmp_path: Path, rounds: int
) -> None:
    received: list[tuple[float, Received]] = []
    with receiver() as good, receiver() as hanging:
        hanging.answer = hanging.hang

        def note(one: Received) -> int:
            received.append((time.time(), one))
            return 200

        good.answer = note
        with arena(postgres, tmp_path, servers=2, **SETTINGS) as place, place.client(Client) as client:
            secrets = _prepare(place, good=good, hanging=hanging)
            load = Load(client, Crossings())
            with load.run(CALLERS):
                calm = eventually(lambda: len(received) >= BEFORE_THE_KILLS and len(received))
                for server in islice(cycle(place.servers), rounds):
                    load.await_more(100)
                    time.sleep(random.uniform(0, 0.3))
                    server.kill()
                    server.start()
                load.await_more(100)
            for server in place.servers:
                server.await_serving()
            with psycopg.connect(place.database_url, autocommit=True) as connection:
                eventually(lambda: not _one(connection, _LEFT))
                told = {row[0] for row in connection.execute("SELECT event_id::text FROM published_events")}
            found, delays = _arrivals(received), _arrivals(received[:calm]).delays
            figures = f", events {len(told)}, lost {len(told - found.events)}, "
            figures += f"out of order {found.out_of_order}, delivered again {found.repeated}, "
            figures += f"hanging receiver got {len(hanging.received)} and answered none; the good one's delay "
            figures += f"before the kills: median {statistics.median(delays):.2f} s, most {max(delays):.2f} s"
            place.conclude(f"deliveries, servers SIGKILL x{rounds}", load, figures)
    assert told - found.events == set()
    assert found.out_of_order == 0
    assert hanging.received
    assert all(one.is_signed_with(secrets["good"]) for _, one in received)
