"""Webhooks leave the fakes as a provider's do: tried again by its own rules, and worse on demand."""

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from dataclasses import replace
from itertools import count
from typing import Any

import pytest

from creditd.development.fakes.deliveries import Make, Outgoing
from tests.development.fakes.receiver import Receiver, receiving


@asynccontextmanager
async def sending(
    answer: Callable[[str, int], int] = lambda _body, _before: 200, **mischief: Any
) -> AsyncIterator[tuple[Outgoing, Receiver]]:
    async with receiving(answer) as receiver:
        outgoing = Outgoing(receiver.url, pace=0)
        outgoing.mischief = replace(outgoing.mischief, **mischief)
        yield outgoing, receiver
        await outgoing.close()


def webhook(body: str) -> Make:
    return lambda: ({"content-type": "application/json"}, body.encode())


def run(test: Coroutine[Any, Any, None]) -> None:
    asyncio.run(asyncio.wait_for(test, 30))


def test_a_webhook_goes_to_its_providers_path_and_is_remembered() -> None:
    async def test() -> None:
        async with sending() as (outgoing, receiver):
            for provider in ("stripe", "omise", "lemonsqueezy"):
                outgoing.send(provider, webhook(provider))
            await outgoing.idle()
            assert sorted(receiver.received) == ["lemonsqueezy", "omise", "stripe"]
            assert receiver.paths == {"/webhooks/stripe", "/webhooks/omise", "/webhooks/lemonsqueezy"}
            assert [(delivery.statuses, delivery.is_done) for delivery in outgoing.deliveries] == [([200], True)] * 3

    run(test())


@pytest.mark.parametrize(("provider", "tries"), [("stripe", 21), ("omise", 1), ("lemonsqueezy", 4)])
def test_it_is_tried_as_often_as_its_provider_tries_and_then_given_up(provider: str, tries: int) -> None:
    async def test() -> None:
        async with sending(lambda _body, _before: 503) as (outgoing, receiver):
            outgoing.send(provider, webhook("one"))
            await outgoing.idle()
            assert len(receiver.received) == tries
            assert outgoing.deliveries[0].statuses == [503] * tries
            assert not outgoing.deliveries[0].is_done

    run(test())


def test_it_is_made_anew_for_each_try_and_no_more_after_it_was_taken() -> None:
    async def test() -> None:
        async with sending(lambda body, _before: 200 if body == "2" else 500) as (outgoing, receiver):
            number = count()
            outgoing.send("stripe", lambda: ({}, str(next(number)).encode()))
            await outgoing.idle()
            assert receiver.received == ["0", "1", "2"]

    run(test())


def test_a_receiver_that_is_not_there_counts_as_a_try_without_an_answer() -> None:
    async def test() -> None:
        async with sending() as (outgoing, _):
            outgoing.deliver_to("http://127.0.0.1:1")
            outgoing.send("lemonsqueezy", webhook("one"))
            await outgoing.idle()
            assert outgoing.deliveries[0].statuses == [None] * 4

    run(test())


def test_nothing_is_lost_while_there_is_no_address_yet() -> None:
    async def test() -> None:
        async with receiving() as receiver:
            outgoing = Outgoing()
            outgoing.send("omise", webhook("early"))
            outgoing.deliver_to(receiver.url)
            await outgoing.idle()
            assert receiver.received == ["early"]
            await outgoing.close()

    run(test())


def test_repeated_ones_arrive_as_often_as_asked_for() -> None:
    async def test() -> None:
        async with sending(repeat=10) as (outgoing, receiver):
            for number in range(20):
                outgoing.send("stripe", webhook(str(number)))
            await outgoing.idle()
            assert sorted(receiver.received) == sorted([str(number) for number in range(20)] * 10)

    run(test())


def test_reordered_ones_are_shuffled_window_by_window_in_the_same_way_each_time() -> None:
    async def orders() -> list[str]:
        async with sending(reorder=4) as (outgoing, receiver):
            for letter in "abcdefghij":
                outgoing.send("omise", webhook(letter))
                if letter in "dh":
                    await outgoing.idle()
            await outgoing.idle()
            return receiver.received

    first = asyncio.run(orders())
    assert [sorted(first[:4]), sorted(first[4:8]), sorted(first[8:])] == [list("abcd"), list("efgh"), list("ij")]
    assert first != sorted(first)
    assert asyncio.run(orders()) == first


def test_the_first_tries_may_be_lost_on_their_way() -> None:
    async def test() -> None:
        async with sending(drop_tries=2) as (outgoing, receiver):
            outgoing.send("stripe", webhook("late"))
            outgoing.send("omise", webhook("lost"))
            await outgoing.idle()
            assert receiver.received == ["late"]
            assert [delivery.statuses for delivery in outgoing.deliveries] == [[None, None, 200], [None]]

    run(test())


def test_every_third_may_be_lost_for_good() -> None:
    async def test() -> None:
        async with sending(drop_every=3) as (outgoing, receiver):
            for letter in "abcdefg":
                outgoing.send("stripe", webhook(letter))
            await outgoing.idle()
            assert sorted(receiver.received) == list("abdeg")

    run(test())


def test_held_ones_wait_until_they_are_released() -> None:
    async def test() -> None:
        async with sending(hold=True) as (outgoing, receiver):
            outgoing.send("stripe", webhook("held"))
            await outgoing.idle()
            assert receiver.received == []
            outgoing.release()
            outgoing.send("stripe", webhook("after"))
            await outgoing.idle()
            assert sorted(receiver.received) == ["after", "held"]

    run(test())


def test_delayed_ones_arrive_later_than_those_sent_after_the_delay_was_taken_away() -> None:
    async def test() -> None:
        async with sending(delay_seconds=1.0) as (outgoing, receiver):
            outgoing.send("stripe", webhook("slow"))
            await asyncio.sleep(0)
            outgoing.mischief = replace(outgoing.mischief, delay_seconds=0.0)
            outgoing.send("stripe", webhook("quick"))
            await outgoing.idle()
            assert receiver.received == ["quick", "slow"]

    run(test())


def test_closing_gives_up_what_is_under_way() -> None:
    async def test() -> None:
        async with sending(delay_seconds=3600) as (outgoing, receiver):
            outgoing.send("stripe", webhook("never"))
            await outgoing.close()
            await outgoing.idle()
            assert receiver.received == []

    run(test())


def test_a_fake_that_fails_to_make_its_webhook_or_misnames_itself_is_not_overlooked() -> None:
    def fails() -> tuple[dict[str, str], bytes]:
        raise ZeroDivisionError

    async def test() -> None:
        async with sending() as (outgoing, _):
            outgoing.send("stripe", fails)
            with pytest.raises(ZeroDivisionError):
                await outgoing.idle()
            with pytest.raises(ValueError, match="strip"):
                outgoing.send("strip", fails)

    run(test())
