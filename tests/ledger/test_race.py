"""Servers that race for the same wallets: no credit is spent twice, and no version is skipped."""

from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from functools import partial

import pytest

from creditd.domain.account import AccountStatus
from creditd.domain.errors import InsufficientCredit
from creditd.ledger.work import Outcome, RecordBusy
from tests.support.desk import Desk, desk_at
from tests.support.ledger_books import Books
from tests.support.works import act, add, add_of_each, deduct

SERVERS = 3
BATCHES = 40
BATCH = 5


@pytest.fixture
def desks(url: str) -> Iterator[list[Desk]]:
    """Provide the writers of several servers."""
    with desk_at(url) as one, desk_at(url) as two, desk_at(url) as three:
        yield [one, two, three]


def test_servers_that_spend_from_one_wallet_spend_all_of_it_and_no_more(
    desks: list[Desk], books: Books, account: str
) -> None:
    desks[0].do(add(account, 500))

    def spend(desk: Desk) -> Counter[str]:
        results = [result for _ in range(BATCHES) for result in desk.write(*(deduct(account, 1) for _ in range(BATCH)))]
        return Counter(type(result).__name__ for result in results)

    with ThreadPoolExecutor(SERVERS) as pool:
        outcomes = sum(pool.map(spend, desks), Counter[str]())
    assert outcomes == {Outcome.__name__: 500, InsufficientCredit.__name__: SERVERS * BATCHES * BATCH - 500}
    assert books.figures(account) == (501, 0, 0)
    assert books.are_whole(account)


def until_free(change: Callable[[], object]) -> object:
    """Repeat a change as callers do while somebody else holds its rows: then nothing was done."""
    while True:
        with suppress(RecordBusy):
            return change()


def test_servers_that_open_accounts_make_wallets_and_change_accounts_at_once_all_get_through(
    desks: list[Desk], books: Books, account: str
) -> None:
    accounts = [f"{account}-{number}" for number in range(8)]

    def bring(desk: Desk) -> list[object]:
        results: list[object] = []
        for credit_type in ("chat", "quiz_gen", "spec"):
            results += desk.write(*(add(name, 1, credit_type=credit_type) for name in accounts))
            for name in accounts[::2]:
                status = AccountStatus.SUSPENDED if desk is desks[0] else AccountStatus.ACTIVE
                change = partial(desk.accounts.set_status, name, status, act(None), allow_balance=True)
                results.append(until_free(change))
            results += desk.write(*(add_of_each(name, {"chat": 1, "spec": 1}) for name in reversed(accounts)))
        return results

    with ThreadPoolExecutor(SERVERS) as pool:
        results = [result for each in pool.map(bring, desks) for result in each]
    assert not [result for result in results if isinstance(result, Exception)]
    for name in accounts:
        figures = [books.figures(name, credit_type).available for credit_type in ("chat", "quiz_gen", "spec")]
        assert figures == [4 * SERVERS, SERVERS, 4 * SERVERS]
        assert books.are_whole(name)
