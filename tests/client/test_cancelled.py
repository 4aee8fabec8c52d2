"""A task that is cancelled keeps no credits, whatever it was waiting for."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import ExitStack

import pytest

from credit_client import AsyncCredits, Manner
from tests.client.onlooker import Onlooker
from tests.client.styles import Asynchronous
from tests.support.customer import CHAT, Customer
from tests.support.programs import PATIENCE_SECONDS
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
            await asyncio.wait_for(works.wait(), PATIENCE_SECONDS)
            await cancelled(task)
            assert (await asyncio.to_thread(customer.figures)) == (100, 0)

    asyncio.run(run())


async def go_on(credits: AsyncCredits) -> None:
    """Do nothing more."""


def at_a_locked_wallet(
    asynchronous: Asynchronous,
    customer: Customer,
    method: str,
    then: Callable[[AsyncCredits], Awaitable[None]] = go_on,
) -> None:
    """Cancel a block while its Reserve, or its Confirm, waits for the wallet, which is somebody else's for a while.

    Then do something more while it is.
    """

    async def run() -> None:
        waits = asyncio.Event()

        def note() -> None:
            # On a machine that is busy, a call before it may have been tried again too.
            if onlooker.methods[-1] == method:
                waits.set()

        async def work(credits: AsyncCredits, lock: ExitStack) -> None:
            taking = held(customer.service.config.database_url, WALLET, customer.account_id)
            if method == "Reserve":
                lock.enter_context(taking)
            async with credits.reserve(customer.account_id, CHAT, 30):
                if method == "Confirm":
                    lock.enter_context(taking)

        onlooker = Onlooker(note)
        manner = Manner(PATIENCE_SECONDS, PATIENCE_SECONDS, onlooker)
        async with AsyncCredits(asynchronous.target, asynchronous.token, manner=manner) as credits:
            with ExitStack() as lock:
                task = asyncio.create_task(work(credits, lock))
                await asyncio.wait_for(waits.wait(), PATIENCE_SECONDS)
                await cancelled(task)
                await then(credits)

    asyncio.run(run())


def test_while_it_reserves_what_is_held_all_the_same_comes_back(asynchronous: Asynchronous, customer: Customer) -> None:
    at_a_locked_wallet(asynchronous, customer, "Reserve")
    assert customer.figures() == (100, 0)
    assert customer.kinds()[:2] == ["REFUND", "RESERVE"]


def test_while_it_confirms_what_was_spent_is_confirmed_all_the_same(
    asynchronous: Asynchronous, customer: Customer
) -> None:
    at_a_locked_wallet(asynchronous, customer, "Confirm")
    assert customer.figures() == (70, 0)
    assert customer.kinds()[:2] == ["CONFIRM", "RESERVE"]


def test_so_it_is_if_whoever_closes_the_client_is_cancelled_too(asynchronous: Asynchronous, customer: Customer) -> None:
    async def close_in_vain(credits: AsyncCredits) -> None:
        closing = asyncio.create_task(credits.close())
        # It runs until it waits.
        await asyncio.sleep(0)
        await cancelled(closing)

    at_a_locked_wallet(asynchronous, customer, "Confirm", close_in_vain)
    assert customer.figures() == (70, 0)


def test_a_program_that_ends_meanwhile_tells_what_was_not_confirmed(
    asynchronous: Asynchronous, customer: Customer, caplog: pytest.LogCaptureFixture
) -> None:
    async def end(credits: AsyncCredits) -> None:
        del credits
        for task in asyncio.all_tasks() - {asyncio.current_task()}:
            task.cancel()

    at_a_locked_wallet(asynchronous, customer, "Confirm", end)
    assert "was not confirmed: the program ends" in caplog.text
