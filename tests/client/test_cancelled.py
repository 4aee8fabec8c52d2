"""A task that is cancelled keeps no credits, whatever it was waiting for."""

import asyncio

import pytest

from credit_client import AsyncCredits, Manner
from tests.client.onlooker import Onlooker
from tests.client.styles import Asynchronous
from tests.support.customer import CHAT, Customer
from tests.support.row_locks import WALLET, held

pytestmark = pytest.mark.requirement("H4")


async def cancelled(task: "asyncio.Task[None]") -> None:
    """Cancel a task, and wait until it has heard."""
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


def test_in_the_block_all_comes_back(asynchronous: Asynchronous, customer: Customer) -> None:
    async def run() -> None:
        works = asyncio.Event()

        async def work(credits: AsyncCredits) -> None:
            async with credits.reserve(customer.account_id, CHAT, 30):
                works.set()
                await asyncio.Event().wait()

        async with AsyncCredits(asynchronous.target, asynchronous.token) as credits:
            task = asyncio.create_task(work(credits))
            await works.wait()
            await cancelled(task)
            assert (await asyncio.to_thread(customer.figures)) == (100, 0)

    asyncio.run(run())


def at_a_locked_wallet(asynchronous: Asynchronous, customer: Customer, *, confirming: bool) -> None:
    """Cancel a block while its Reserve, or its Confirm, waits for the wallet, which is somebody else's for a while."""

    async def run() -> None:
        waits = asyncio.Event()
        manner = Manner(observer=Onlooker(waits.set))
        lock = held(customer.service.config.database_url, WALLET, customer.account_id)

        async def work(credits: AsyncCredits) -> None:
            if not confirming:
                lock.__enter__()
            async with credits.reserve(customer.account_id, CHAT, 30):
                if confirming:
                    lock.__enter__()

        async with AsyncCredits(asynchronous.target, asynchronous.token, manner=manner) as credits:
            task = asyncio.create_task(work(credits))
            await waits.wait()
            await cancelled(task)
            lock.__exit__(None, None, None)

    asyncio.run(run())


def test_while_it_reserves_what_is_held_all_the_same_comes_back(asynchronous: Asynchronous, customer: Customer) -> None:
    at_a_locked_wallet(asynchronous, customer, confirming=False)
    assert customer.figures() == (100, 0)
    assert customer.kinds()[:2] == ["REFUND", "RESERVE"]


def test_while_it_confirms_what_was_spent_is_confirmed_all_the_same(
    asynchronous: Asynchronous, customer: Customer
) -> None:
    at_a_locked_wallet(asynchronous, customer, confirming=True)
    assert customer.figures() == (70, 0)
    assert customer.kinds()[:2] == ["CONFIRM", "RESERVE"]
