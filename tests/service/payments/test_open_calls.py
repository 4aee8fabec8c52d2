"""What a provider is asked for callers is bounded, by provider and by account, and counts until it is answered."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import ExitStack

import pytest

from creditd.domain.payments.provider import Provider
from creditd.ledger.work import Overloaded
from creditd.service.payments.open_calls import MAX_OF_ACCOUNT, MAX_OF_PROVIDER, OpenCalls

pytestmark = pytest.mark.requirement("J5")


def is_full(open_calls: OpenCalls, provider: Provider, account: str) -> bool:
    """Tell whether there is no room for one more."""
    try:
        with open_calls.begun(provider, account):
            return False
    except Overloaded:
        return True


def test_one_account_leaves_room_for_the_others_and_has_it_at_other_providers() -> None:
    open_calls = OpenCalls()
    with ExitStack() as open_ones:
        for _ in range(MAX_OF_ACCOUNT):
            open_ones.enter_context(open_calls.begun(Provider.STRIPE, "ann"))
        assert is_full(open_calls, Provider.STRIPE, "ann")
        assert not is_full(open_calls, Provider.STRIPE, "ben")
        assert not is_full(open_calls, Provider.OMISE, "ann")
    assert not is_full(open_calls, Provider.STRIPE, "ann")


def test_one_provider_leaves_room_for_the_others() -> None:
    open_calls = OpenCalls()
    with ExitStack() as open_ones:
        for number in range(MAX_OF_PROVIDER):
            open_ones.enter_context(open_calls.begun(Provider.STRIPE, f"account-{number}"))
        assert is_full(open_calls, Provider.STRIPE, "ann")
        assert not is_full(open_calls, Provider.OMISE, "ann")
    assert not is_full(open_calls, Provider.STRIPE, "ann")


def test_an_open_call_counts_until_it_is_answered_though_its_caller_has_gone() -> None:
    async def test() -> None:
        open_calls, answered = OpenCalls(), asyncio.Event()

        async def ask() -> None:
            with open_calls.begun(Provider.STRIPE, "ann") as open_call:
                await open_call.finished(answered.wait())

        callers = [asyncio.create_task(ask()) for _ in range(MAX_OF_ACCOUNT)]
        await _until(lambda: is_full(open_calls, Provider.STRIPE, "ann"))
        for caller in callers:
            caller.cancel()
        await asyncio.wait(callers)
        assert is_full(open_calls, Provider.STRIPE, "ann")
        answered.set()
        await _until(lambda: not is_full(open_calls, Provider.STRIPE, "ann"))

    asyncio.run(_in_time(test()))


async def _until(condition: Callable[[], bool]) -> None:
    while not condition():  # noqa: ASYNC110 - what is waited for takes turns of this loop alone.
        await asyncio.sleep(0)


async def _in_time(test: Awaitable[None]) -> None:
    async with asyncio.timeout(60):
        await test
