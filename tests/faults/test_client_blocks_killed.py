"""The server is killed again and again under blocks of the Python client: each is paid for once, or not at all."""

import asyncio
import random
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from uuid import uuid4

import psycopg
import pytest

from credit.v1.admin_service_pb2 import AddCreditsRequest, CreditAmount
from credit.v1.credit_service_pb2 import GetBalanceRequest
from credit_client import AsyncCredits, Credits, Hold, Manner
from tests.faults.duration import LONG_SECONDS
from tests.faults.ledger_checks import broken_invariants
from tests.faults.processes import ServerProcess
from tests.support.patience import eventually
from tests.support.postgres import admin_url, drop_database, service_url
from tests.support.schemas import create_migrated
from tests.support.tokens import bearer

BLOCKS = 1_000
CALLERS = 20
KILLS = 3
CREDITS = 1_000_000
CHAT = "chat"
TOKEN = bearer("app", ["SERVICE"], "credits.spend credits.read credits.admin").removeprefix("Bearer ")
MANNER = Manner(60.0, 60.0)


class GivenUpError(Exception):
    """The work of a block has failed."""


class Tally:
    """What each caller's blocks have spent, as far as they were told."""

    def __init__(self) -> None:
        """Begin with nothing."""
        # Of each caller its own: no two threads count in one place.
        self.spent = dict.fromkeys(accounts(), 0)
        self._blocks = dict.fromkeys(accounts(), 0)

    @property
    def ended(self) -> int:
        """How many blocks have ended."""
        return sum(self._blocks.values())

    def work(self, hold: Hold) -> int:
        """Return how much a block is to spend, having said so. Raises GivenUpError for one in five."""
        amount = random.randint(1, hold.amount)
        hold.spend(amount)
        if random.random() < 0.2:
            raise GivenUpError
        return amount

    def note(self, account_id: str, amount: int) -> None:
        """Take in that a block has ended."""
        self.spent[account_id] += amount
        self._blocks[account_id] += 1


def blocking(address: str, tally: Tally) -> None:
    """Run the blocks by the client that blocks."""
    with Credits(address, TOKEN, manner=MANNER) as credits, ThreadPoolExecutor(CALLERS) as threads:

        def blocks(account_id: str) -> None:
            for _ in range(BLOCKS // CALLERS):
                amount = 0
                try:
                    with credits.reserve(account_id, CHAT, 5) as hold:
                        amount = tally.work(hold)
                except GivenUpError:
                    pass
                tally.note(account_id, amount)

        list(threads.map(blocks, accounts()))


def asynchronous(address: str, tally: Tally) -> None:
    """Run the blocks by the client of asyncio."""

    async def blocks(credits: AsyncCredits, account_id: str) -> None:
        for _ in range(BLOCKS // CALLERS):
            amount = 0
            try:
                async with credits.reserve(account_id, CHAT, 5) as hold:
                    amount = tally.work(hold)
            except GivenUpError:
                pass
            tally.note(account_id, amount)

    async def run() -> None:
        async with AsyncCredits(address, TOKEN, manner=MANNER) as credits:
            await asyncio.gather(*(blocks(credits, account_id) for account_id in accounts()))

    asyncio.run(run())


def accounts() -> list[str]:
    """Return an account for each caller."""
    return [f"caller-{number}" for number in range(CALLERS)]


def figures(credits: Credits, account_id: str) -> tuple[int, int]:
    """Return what an account has available and reserved."""
    (wallet,) = credits.call(GetBalanceRequest(account_id=account_id, credit_types=[CHAT])).account_balance.wallets
    return wallet.balance.available, wallet.balance.reserved


@pytest.mark.requirement("H4", "A7")
@pytest.mark.long
@pytest.mark.timeout(LONG_SECONDS)
@pytest.mark.parametrize("run", [blocking, asynchronous])
def test_blocks_are_paid_for_once_though_the_server_is_killed(
    run: Callable[[str, Tally], None], tmp_path: Path
) -> None:
    database = f"blocks_{uuid4().hex}"
    url = create_migrated(admin_url(), database)
    try:
        kill_under(run, tmp_path, url)
    finally:
        drop_database(admin_url(), database)


def kill_under(run: Callable[[str, Tally], None], folder: Path, url: str) -> None:
    """Run blocks at a server that is killed again and again, and count what they have paid."""
    tally = Tally()
    server = ServerProcess(folder, service_url(url))
    with (
        server,
        ThreadPoolExecutor(1) as thread,
        Credits(server.address, TOKEN, manner=MANNER) as credits,
    ):
        for account_id in accounts():
            amounts = [CreditAmount(credit_type=CHAT, amount=CREDITS)]
            credits.call(AddCreditsRequest(account_id=account_id, amounts=amounts, reason="a test"))
        # With what a new account is given besides.
        begun_with = {account_id: figures(credits, account_id)[0] for account_id in accounts()}
        running = thread.submit(run, server.address, tally)
        for kill in range(1, KILLS + 1):
            eventually(lambda enough=kill * BLOCKS // (KILLS + 1): tally.ended >= enough or running.done())
            time.sleep(random.uniform(0, 0.05))
            server.kill()
            server.start()
        running.result(LONG_SECONDS)
        left = {account_id: figures(credits, account_id) for account_id in accounts()}
    with psycopg.connect(url) as connection:
        broken = broken_invariants(connection)
    off = {name: begun_with[name] - tally.spent[name] - available for name, (available, _) in left.items()}
    lost, doubled = sum(-min(some, 0) for some in off.values()), sum(max(some, 0) for some in off.values())
    unresolved = sum(reserved for _, reserved in left.values())
    print(
        f"\nfaults: {run.__name__} client, server SIGKILL x{KILLS}: blocks {tally.ended}, "
        f"lost {lost}, doubled {doubled}, unresolved {unresolved}"
    )
    assert (tally.ended, lost, doubled, unresolved, broken) == (BLOCKS, 0, 0, 0, [])
