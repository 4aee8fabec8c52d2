"""An answer that comes in pieces is metered as it comes."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from credit_client import AsyncCredits, Credits, SpendExceedsHold
from tests.client.styles import Asynchronous
from tests.support.customer import CHAT, Customer

pytestmark = pytest.mark.requirement("H4")

WORDS = ["in", "the", "beginning"]


async def answer() -> AsyncIterator[str]:
    """Give an answer word by word."""
    for word in WORDS:
        await asyncio.sleep(0)
        yield word


def test_each_piece_is_paid_for_and_no_more(customer: Customer, token: str) -> None:
    with (
        Credits(customer.service.address, token) as credits,
        credits.reserve(customer.account_id, CHAT, 50) as hold,
    ):
        heard = list(hold.metered(iter(WORDS), len))
    assert heard == WORDS
    assert customer.figures() == (100 - len("".join(WORDS)), 0)


def metered(asynchronous: Asynchronous, customer: Customer, amount: int, most: int) -> list[str]:
    """Return as many pieces of an answer as a listener takes; each letter is a credit."""

    async def listen() -> list[str]:
        heard: list[str] = []
        async with (
            AsyncCredits(asynchronous.target, asynchronous.token) as credits,
            credits.reserve(customer.account_id, CHAT, amount, spent_stands=True) as hold,
        ):
            async for word in hold.metered_async(answer(), len):
                heard.append(word)
                if len(heard) == most:
                    break
        return heard

    return asyncio.run(listen())


def test_a_listener_who_leaves_pays_for_what_was_heard(asynchronous: Asynchronous, customer: Customer) -> None:
    assert metered(asynchronous, customer, 50, most=2) == WORDS[:2]
    assert customer.figures() == (95, 0)


def test_what_the_hold_does_not_cover_is_not_handed_on(asynchronous: Asynchronous, customer: Customer) -> None:
    with pytest.raises(SpendExceedsHold):
        metered(asynchronous, customer, 6, most=3)
    assert customer.figures() == (95, 0)
