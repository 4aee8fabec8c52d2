"""Blocks of work outlive the server: one that is killed and comes back loses nothing and spends nothing twice."""

import asyncio
import signal
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Barrier, Event
from uuid import uuid4

import pytest

from credit.v1.admin_service_pb2 import AddCreditsRequest, CreditAmount
from credit.v1.credit_service_pb2 import GetBalanceRequest
from credit_client import AsyncCredits, Credits, Hold, Manner
from tests.support.customer import CHAT
from tests.support.ports import free_address
from tests.support.postgres import admin_url, drop_database, service_url
from tests.support.programs import PATIENCE_SECONDS, Creditd
from tests.support.schemas import create_migrated
from tests.support.tokens import write_public_key

pytestmark = pytest.mark.requirement("H4", "A7")

BLOCKS = 3
"""Of each style, at once."""

LISTENING = '"message":"listening"'


@pytest.fixture
def program(tmp_path: Path) -> Iterator[Creditd]:
    """Return a server that can be started again at the same address, on a database of its own."""
    name = f"restart_{uuid4().hex}"
    url = service_url(create_migrated(admin_url(), name))
    settings = {
        "CREDITD_DATABASE_URL": url,
        "CREDITD_JWT_PUBLIC_KEY_FILES": str(write_public_key(tmp_path)),
        "CREDITD_LISTEN": free_address(),
        "CREDITD_METRICS_LISTEN": "",
    }
    yield Creditd(tmp_path, settings)
    drop_database(admin_url(), name)


def test_blocks_end_at_the_server_that_took_the_place_of_one_that_was_killed(program: Creditd, token: str) -> None:
    address = program.settings["CREDITD_LISTEN"]
    manner = Manner(PATIENCE_SECONDS, PATIENCE_SECONDS)
    inside, go_on = Barrier(2 * BLOCKS + 1), Event()

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

        with program.started("serve") as first:
            first.says(LISTENING)
            amounts = [CreditAmount(credit_type=CHAT, amount=100)]
            credits.call(AddCreditsRequest(account_id="ann", amounts=amounts, reason="a test"))
            running = [threads.submit(block) for _ in range(BLOCKS)] + [threads.submit(asynchronous_blocks)]
            inside.wait(PATIENCE_SECONDS)
            first.stop(signal.SIGKILL)
            # All of them find nobody there, and try on.
            go_on.set()
        with program.started("serve") as second:
            second.says(LISTENING)
            for one in running:
                one.result(PATIENCE_SECONDS)
            (wallet,) = credits.call(GetBalanceRequest(account_id="ann", credit_types=[CHAT])).account_balance.wallets
            assert (wallet.balance.available, wallet.balance.reserved) == (100 - 2 * BLOCKS * 7, 0)
