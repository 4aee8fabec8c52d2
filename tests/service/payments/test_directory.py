"""What is ours at a provider: asked for hundreds of callers by a few queries, and each hears of its own."""

import asyncio
from collections.abc import Callable
from typing import TypeVar

import pytest

from creditd.domain.payments.provider import Provider
from creditd.ledger.work import DatabaseUnavailable, Overloaded
from creditd.service.payments.hints import ASKED_AT_A_TIME, MAX_ASKING, Directory
from creditd.storage.payments import payment_references
from tests.support.till import Till

Answer = TypeVar("Answer")


class Threads:
    """Runs what blocks on another thread, and counts it."""

    def __init__(self, error: Exception | None = None) -> None:
        """Fail with an error, if one is given."""
        self.jobs = 0
        self._error = error

    async def __call__(self, function: Callable[[], Answer], /, *, owner: str = "") -> Answer:
        """Run it."""
        del owner
        self.jobs += 1
        if self._error:
            raise self._error
        return await asyncio.to_thread(function)


def directory_of(till: Till, threads: Threads) -> Directory:
    """Return the directory of Omise's ids."""
    return Directory(till.desk.database, Provider.OMISE, threads, live=False)


def test_many_who_ask_at_once_are_answered_by_few_queries(till: Till) -> None:
    with till.desk.database.transaction() as connection:
        for provider, name, live in (
            (Provider.OMISE, "chrg_test_ours", False),
            (Provider.OMISE, "chrg_live", True),
            (Provider.STRIPE, "pi_other", False),
        ):
            payment_references.refer(connection, provider, "accounts/a/purchases/b", [name], live=live)
    threads = Threads()

    async def ask() -> list[str]:
        directory = directory_of(till, threads)
        asked = [("chrg_live", "pi_other", f"made-up-{number}") for number in range(2 * ASKED_AT_A_TIME)]
        asked[ASKED_AT_A_TIME] = ("link_test_x", "chrg_test_ours", "")
        return await asyncio.gather(*(directory.known(one) for one in asked))

    answers = asyncio.run(ask())
    assert [place for place, answer in enumerate(answers) if answer] == [ASKED_AT_A_TIME]
    assert answers[ASKED_AT_A_TIME] == "chrg_test_ours"
    assert threads.jobs <= 3


def test_more_than_can_wait_are_told_to_come_back(till: Till) -> None:
    async def ask() -> list[str | BaseException]:
        directory = directory_of(till, Threads())
        return await asyncio.gather(*(directory.known(["x"]) for _ in range(MAX_ASKING + 1)), return_exceptions=True)

    refused = [answer for answer in asyncio.run(ask()) if answer != ""]
    assert [type(answer) for answer in refused] == [Overloaded]


def test_a_failure_is_everybodys_answer_and_the_next_is_asked_anew(till: Till) -> None:
    async def ask() -> None:
        threads = Threads(DatabaseUnavailable())
        directory = directory_of(till, threads)
        for _ in range(2):
            with pytest.raises(DatabaseUnavailable):
                await directory.known(["x"])
        assert threads.jobs == 2

    asyncio.run(ask())
