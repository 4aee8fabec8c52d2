"""Blocks of work outlive the server: one that goes and comes back loses nothing and spends nothing twice.

One that is killed under a thousand blocks is in tests/faults.
"""

import asyncio
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager
from pathlib import Path
from threading import Barrier, Event
from uuid import uuid4

import pytest

from credit.v1.admin_service_pb2 import AddCreditsRequest, CreditAmount
from credit.v1.credit_service_pb2 import GetBalanceRequest
from credit_client import AsyncCredits, Credits, Hold, Manner
from tests.client.onlooker import Onlooker
from tests.support.customer import CHAT
from tests.support.ports import free_address
from tests.support.postgres import admin_url, drop_database
from tests.support.programs import PATIENCE_SECONDS
from tests.support.schemas import create_migrated
from tests.support.service import RunningService, running_service

pytestmark = pytest.mark.requirement("H4", "A7")

BLOCKS = 3
"""Of each style, at once."""


@pytest.fixture
def restarted(tmp_path: Path) -> Iterator[tuple[str, Callable[[], AbstractContextManager[RunningService]]]]:
    """Return an address, and what runs a server there, again and again on one database."""
    name = f"restart_{uuid4().hex}"
    url, address = create_migrated(admin_url(), name), free_address()
    yield address, lambda: running_service(tmp_path, database_url=url, listen=address)
    drop_database(admin_url(), name)


def test_blocks_end_at_the_server_that_took_the_place_of_one_that_is_gone(
    restarted: tuple[str, Callable[[], AbstractContextManager[RunningService]]], token: str
) -> None:
    address, server = restarted
    inside, go_on, nobody_there = Barrier(2 * BLOCKS + 1), Event(), Event()
    manner = Manner(PATIENCE_SECONDS, PATIENCE_SECONDS, Onlooker(nobody_there.set))

    def work(hold: Hold) -> None:
        hold.spend(7)
        inside.wait(PATIENCE_SECONDS)
        assert go_on.wait(PATIENCE_SECONDS)

    with Credits(address, token, manner=manner) as credits, ThreadPoolExecutor(2 * BLOCKS) as threads:

        def block() -> None:
            with credits.reserve("ann", CHAT, 10) as hold:
                work(hold)

        def asynchronous_blocks() -> None:
            async def one(client: AsyncCredits) -> None:
                async with client.reserve("ann", CHAT, 10) as hold:
                    await asyncio.to_thread(work, hold)

            async def all_of_them() -> None:
                async with AsyncCredits(address, token, manner=manner) as client:
                    await asyncio.gather(*(one(client) for _ in range(BLOCKS)))

            asyncio.run(all_of_them())

        with server():
            amounts = [CreditAmount(credit_type=CHAT, amount=100)]
            credits.call(AddCreditsRequest(account_id="ann", amounts=amounts, reason="a test"))
            running = [threads.submit(block) for _ in range(BLOCKS)] + [threads.submit(asynchronous_blocks)]
            inside.wait(PATIENCE_SECONDS)
        nobody_there.clear()
        go_on.set()
        assert nobody_there.wait(PATIENCE_SECONDS)
        with server():
            for one in running:
                one.result(PATIENCE_SECONDS)
            (wallet,) = credits.call(GetBalanceRequest(account_id="ann", credit_types=[CHAT])).account_balance.wallets
            assert (wallet.balance.available, wallet.balance.reserved) == (100 - 2 * BLOCKS * 7, 0)
