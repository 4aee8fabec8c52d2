"""Servers that add up usage are killed under load: what is told is what plain SQL adds up, to the last entry."""

import random
import time
from pathlib import Path

import pytest

from credit.v1 import admin_service_pb2 as admin
from credit.v1.admin_service_pb2_grpc import AdminServiceStub
from creditd.development.postgres import EmbeddedPostgres
from tests.faults.arena import STAFF, Arena, arena
from tests.faults.client import Client, open_channel
from tests.faults.duration import rounds
from tests.faults.load import Load
from tests.faults.mix import Mix
from tests.faults.operations import CREDIT_TYPE
from tests.support.patience import eventually
from tests.support.usage_sums import FIELDS, balance_of_all, figures_by_day

pytestmark = pytest.mark.requirement("C4", "C5")


def told(place: Arena) -> tuple[dict[str, int], tuple[int, int, int]]:
    """Return what the first server tells of the last 30 days, and of all wallets now."""
    with open_channel(place.servers[0].address) as channel:
        request = admin.GetUsageAnalyticsRequest(credit_types=[CREDIT_TYPE])
        (found,) = AdminServiceStub(channel).GetUsageAnalytics(request, metadata=STAFF, timeout=30).analytics
    figures = {name: getattr(found.figures, name) for name in FIELDS if getattr(found.figures, name)}
    return figures, (found.balance.available, found.balance.reserved, found.balance.debt)


def added_up(place: Arena) -> tuple[dict[str, int], tuple[int, int, int]]:
    """Return the same by plain SQL."""
    totals: dict[str, int] = {}
    for figures in figures_by_day(place.database_url, CREDIT_TYPE, "UTC").values():
        for name, amount in figures.items():
            totals[name] = totals.get(name, 0) + amount
    return {name: amount for name, amount in totals.items() if amount}, balance_of_all(place.database_url, CREDIT_TYPE)


@rounds(20, few=1)
def test_whatever_is_killed_usage_is_what_the_ledger_adds_up_to(
    postgres: EmbeddedPostgres, tmp_path: Path, rounds: int
) -> None:
    with (
        arena(postgres, tmp_path, servers=2, usage_rollup_interval_seconds=0.02) as place,
        place.client(Client) as client,
    ):
        load = Load(client, Mix())
        with load.run():
            for number in range(rounds):
                load.await_more(200)
                time.sleep(random.uniform(0, 0.3))
                place.servers[number % 2].kill()
                place.servers[number % 2].start()
            load.await_more(200)
        for server in place.servers:
            server.await_serving()
        place.conclude(f"usage, server SIGKILL x{rounds}", load)
        # Holds that end meanwhile move the ledger between the two looks.
        eventually(lambda: told(place) == added_up(place))
