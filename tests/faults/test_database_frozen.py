"""PostgreSQL is frozen under load, all of it: it keeps its connections and answers nothing. Then it goes on.

The bound that the code gives: a batch of the ledger and all its tries have 5 s, and one more for the cancellation. Who
comes meanwhile waits for that, and then for 3 s in which nobody connects. Reads have 5 s, other writes 10 s.
"""

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import grpc
import psycopg
import pytest
from grpc_health.v1.health_pb2 import HealthCheckRequest, HealthCheckResponse
from grpc_health.v1.health_pb2_grpc import HealthStub

from credit.v1 import admin_service_pb2 as admin
from credit.v1 import credit_service_pb2 as credit
from credit.v1.admin_service_pb2_grpc import AdminServiceStub
from credit.v1.credit_service_pb2_grpc import CreditServiceStub
from credit.v1.webhook_service_pb2_grpc import WebhookServiceStub
from creditd.development.postgres import EmbeddedPostgres
from tests.faults.arena import STAFF, Arena, arena
from tests.faults.audit import OF_THE_BATTERY
from tests.faults.client import SPENDER, Client, open_channel
from tests.faults.duration import LONG_SECONDS
from tests.faults.load import Load
from tests.faults.mix import HOT, Mix
from tests.faults.operations import CREDIT_TYPE
from tests.faults.probe import signed
from tests.support.patience import eventually
from tests.support.postgres_faults import frozen
from tests.support.refusals import read_refusal

pytestmark = [pytest.mark.long, pytest.mark.timeout(LONG_SECONDS)]

FROZEN_SECONDS = 12.0
"""Longer than any call of below may take to be refused, but for the last to come."""

WITHIN_SECONDS = 11.0
"""In which every call has to end: 5 for the batch, 1 for the cancellation, 3 to connect, and room for the machine."""

NOT_SERVING_WITHIN_SECONDS = 6.0
"""Health looks after a second and waits for two; the rest is room for the machine."""

SECRET = "whsec_frozen"  # noqa: S105 - nothing is kept secret in a test.

PROVIDER: dict[str, Any] = {
    "stripe_api_key": "sk_test_frozen",
    "stripe_webhook_secrets": SECRET,
    "stripe_api_url": "http://127.0.0.1:9",
}

_CONNECTIONS = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"

POOLS = 25
"""Connections that a server has at most, as it is set by default."""

EASE_SECONDS = 30.0


def calls_at(channel: grpc.Channel, name: str) -> dict[str, Callable[[], object]]:
    """Return a call of each kind of waiting, by its name."""
    options: Any = {"metadata": STAFF, "timeout": 60}
    reader, staff, webhooks = CreditServiceStub(channel), AdminServiceStub(channel), WebhookServiceStub(channel)
    event = {"id": f"evt_frozen{time.monotonic_ns()}", "object": "event", "type": "plan.created"}
    webhook = signed(event, SECRET.encode())
    hold = credit.ReserveRequest(
        account_id="beside", credit_type=CREDIT_TYPE, amount=1, request_id=f"{OF_THE_BATTERY}{name}"
    )
    return {
        "Reserve": lambda: reader.Reserve(hold, metadata=SPENDER, timeout=60),
        "GetBalance": lambda: reader.GetBalance(credit.GetBalanceRequest(account_id=HOT), **options),
        "ListTransactions": lambda: reader.ListTransactions(credit.ListTransactionsRequest(account_id=HOT), **options),
        "IngestWebhook": lambda: webhooks.IngestWebhook(webhook, **options),
        "ListAccounts": lambda: staff.ListAccounts(admin.ListAccountsRequest(), **options),
    }


def refusal_of(call: Callable[[], object]) -> tuple[str, bool, float]:
    """Return the code that a call ended with, whether it says when to come again, and how many seconds it took."""
    began = time.monotonic()
    try:
        call()
    except grpc.RpcError as error:
        seconds = time.monotonic() - began
        told: Any = error
        return told.code().name, read_refusal(told).retry is not None, seconds
    return "OK", False, time.monotonic() - began


def is_healthy(channel: grpc.Channel) -> bool:
    """Tell what a probe is told."""
    answer = HealthStub(channel).Check(HealthCheckRequest(), timeout=2)
    return bool(answer.status == HealthCheckResponse.SERVING)


def connections(place: Arena) -> int:
    """Count the connections to the database but the one that asks."""
    with psycopg.connect(place.database_url) as connection:
        row = connection.execute(_CONNECTIONS).fetchone()
    assert row is not None
    return int(row[0])


@pytest.mark.requirement("A7", "H2", "H3")
def test_a_frozen_database_is_told_of_in_time_and_leaves_nothing_in_doubt(
    postgres: EmbeddedPostgres, tmp_path: Path
) -> None:
    with arena(postgres, tmp_path, **PROVIDER) as place, place.client(Client) as client:
        load = Load(client, Mix())
        with open_channel(place.servers[0].address) as channel, load.run():
            for call in calls_at(channel, "before").values():
                call()
            load.await_more(200)
            threads, calls = place.servers[0].threads, calls_at(channel, "frozen")
            with ThreadPoolExecutor() as pool, frozen(postgres):
                thaw_at = time.monotonic() + FROZEN_SECONDS
                ended = {name: pool.submit(refusal_of, call) for name, call in calls.items()}
                eventually(lambda: not is_healthy(channel), NOT_SERVING_WITHIN_SECONDS)
                found = {name: answer.result(FROZEN_SECONDS) for name, answer in ended.items()}
                time.sleep(max(0.0, thaw_at - time.monotonic()))
                assert not is_healthy(channel)
            assert {(code, retries) for code, retries, _ in found.values()} == {("UNAVAILABLE", True)}, found
            longest = max(seconds for _, _, seconds in found.values())
            assert longest < WITHIN_SECONDS, found
            eventually(lambda: is_healthy(channel), EASE_SECONDS)
            load.await_more(200)
            # What was told to come again does, with the same request id.
            for call in calls.values():
                call()
        eventually(lambda: connections(place) <= POOLS, EASE_SECONDS)
        assert place.servers[0].threads <= threads + POOLS
        assert place.servers[0].is_running
        place.conclude(f"PostgreSQL SIGSTOP for {FROZEN_SECONDS:.0f} s", load, f", longest call {longest:.1f} s")
