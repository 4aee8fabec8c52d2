"""Counts: what a server reads and writes for limits, and that they stay true whoever else spends."""

from collections.abc import Iterator

import psycopg
import pytest

from creditd.domain.errors import LimitExceeded
from creditd.domain.limits import DAY, EACH, HOUR, WHOLE, Limit
from creditd.domain.wallet import WalletKey
from creditd.ledger.work import Outcome, Result
from creditd.storage import save
from tests.support.desk import Desk, desk_at
from tests.support.ledger_books import Books
from tests.support.statements import statements_of
from tests.support.works import act, add, confirm, deduct, refund, reservation_of, reserve

pytestmark = pytest.mark.requirement("C7")

SAVE_OF_SPENDERS = save._SAVE_OF_SPENDERS.query.decode()


@pytest.fixture(params=[False, True], ids=["threads", "polled"])
def desk(url: str, request: pytest.FixtureRequest) -> Iterator[Desk]:
    """Provide a server's writer, on a thread of its own or one that polls."""
    with desk_at(url, is_polled=request.param) as desk:
        yield desk


@pytest.fixture
def other(url: str) -> Iterator[Desk]:
    """Provide another server's writer."""
    with desk_at(url) as desk:
        yield desk


@pytest.fixture
def account(request: pytest.FixtureRequest) -> str:
    """Return an account of the test's own."""
    return str(request.node.name)


def names(results: list[Result]) -> list[str]:
    """Return what became of works."""
    return ["OK" if isinstance(result, Outcome) else type(result).__name__ for result in results]


def test_wallets_without_limits_are_read_and_saved_as_if_there_were_none(desk: Desk, account: str) -> None:
    desk.do(add(account, 100))
    desk.forget()
    with statements_of(desk.batches) as seen:
        held = reservation_of(desk.do(reserve(account, 10)))
        loading = len(seen)
        desk.do(confirm(held, 4))
        desk.write(*[deduct(account, 1) for _ in range(5)])
    assert not [statement for statement in seen if "spending_counts" in statement and statement != "save"]
    assert seen[loading - 1 :] == ["save"] * 3


def test_limits_of_a_movement_alone_are_not_counted(desk: Desk, account: str) -> None:
    desk.do(add(account, 100))
    desk.accounts.set_limits(account, act(None), (Limit("chat", WHOLE, least=2, most=5),))
    with statements_of(desk.batches) as seen:
        assert names(desk.write(deduct(account, 5), deduct(account, 6), deduct(account, 1))) == [
            "OK",
            "LimitExceeded",
            "LimitExceeded",
        ]
    assert not [statement for statement in seen if "spending_counts" in statement and statement != "save"]


def test_counts_are_read_once_and_then_kept_with_the_wallet(desk: Desk, account: str) -> None:
    desk.accounts.set_limits(account, act(None), (Limit("chat", EACH, daily=9),))
    desk.do(add(account, 1_000))
    spenders = [f"s{number}" for number in range(5)]
    for spender_id in spenders:
        desk.do(deduct(account, 1, spender_id=spender_id))
    with statements_of(desk.batches) as seen:
        for spender_id in spenders * 2:
            desk.do(deduct(account, 1, spender_id=spender_id))
    assert seen == [SAVE_OF_SPENDERS] * 10


def test_spenders_that_are_known_outlast_a_conflict(desk: Desk, other: Desk, account: str) -> None:
    """Else each of them is looked up again, one batch after the other."""
    desk.accounts.set_limits(account, act(None), (Limit("chat", EACH, daily=9),))
    desk.do(add(account, 1_000))
    spenders = [f"s{number}" for number in range(5)]
    for spender_id in spenders:
        desk.do(deduct(account, 1, spender_id=spender_id))
    other.do(deduct(account, 1, spender_id="eve"))
    desk.do(deduct(account, 1, spender_id="s0"))
    copy = desk.writer._cache.wallet(WalletKey(account, "chat"))
    assert copy is not None
    assert set(copy.usage or ()) == {WHOLE, *spenders}


def test_a_batch_is_decided_on_counts_that_move_with_it(desk: Desk, account: str, books: Books) -> None:
    desk.do(add(account, 1_000))
    desk.accounts.set_limits(account, act(None), (Limit("chat", WHOLE, hourly=10), Limit("chat", "ann", daily=3)))
    results = desk.write(*[deduct(account, 2, spender_id="ann" if number % 2 else "") for number in range(12)])
    assert names(results).count("OK") == 5
    assert names(results[1::2]).count("OK") == 1
    assert books.are_whole(account)


def test_counts_of_a_copy_that_is_stale_are_not_trusted(desk: Desk, other: Desk, account: str, books: Books) -> None:
    desk.do(add(account, 1_000))
    desk.accounts.set_limits(account, act(None), (Limit("chat", WHOLE, daily=10),))
    desk.do(deduct(account, 4))
    other.do(deduct(account, 5))
    assert names(desk.write(deduct(account, 2))) == ["LimitExceeded"]
    assert names(desk.write(deduct(account, 1))) == ["OK"]
    assert names(other.write(deduct(account, 1))) == ["LimitExceeded"]
    assert books.are_whole(account)


def test_a_refusal_on_a_stale_copy_is_no_answer(desk: Desk, other: Desk, account: str) -> None:
    desk.do(add(account, 1_000))
    desk.accounts.set_limits(account, act(None), (Limit("chat", WHOLE, daily=10),))
    held = reservation_of(desk.do(reserve(account, 10)))
    other.do(refund(held))
    assert names(desk.write(deduct(account, 10))) == ["OK"]


def test_what_comes_back_of_a_spender_who_is_not_in_memory_is_given_back(
    desk: Desk, other: Desk, account: str, books: Books
) -> None:
    desk.do(add(account, 1_000))
    desk.accounts.set_limits(account, act(None), (Limit("chat", EACH, daily=10),))
    held = reservation_of(desk.do(reserve(account, 10, spender_id="ann")))
    ending = reservation_of(desk.do(reserve(account, 10, spender_id="ben")))
    desk.do(deduct(account, 1, spender_id="eve"))
    other.do(refund(held))
    other.forget()
    other.clock.advance(61)
    desk.clock.advance(61)
    other.do(deduct(account, 1, spender_id="eve"))
    assert names(other.write(deduct(account, 10, spender_id="ben"), deduct(account, 10, spender_id="ann"))) == [
        "OK",
        "OK",
    ]
    with pytest.raises(LimitExceeded):
        other.do(deduct(account, 1, spender_id="ben"))
    assert ending.spender_id == "ben"
    assert books.are_whole(account)


@pytest.mark.parametrize("lost", ["spender_id = 'ann'", "spender_id = ''", "true"])
def test_a_count_that_was_lost_keeps_nothing_from_coming_back(
    desk: Desk, account: str, books: Books, lost: str
) -> None:
    """The check of its row would refuse all that the wallet does from then on."""
    desk.do(add(account, 1_000))
    desk.accounts.set_limits(account, act(None), (Limit("chat", WHOLE, daily=90), Limit("chat", EACH, daily=70)))
    held = [reservation_of(desk.do(reserve(account, 10, spender_id="ann"))) for _ in range(2)]
    with psycopg.connect(desk.url) as owner:
        owner.execute(f"DELETE FROM spending_counts WHERE account_id = %s AND {lost}".encode(), [account])  # noqa: S608
    desk.forget()
    desk.do(refund(held[0]))
    desk.do(confirm(held[1], 4))
    desk.do(deduct(account, 40, spender_id="ann"))
    assert books.figures(account)[1:] == (956, 0)
    assert not books.are_whole(account)


@pytest.mark.parametrize("window", [HOUR, DAY])
def test_a_copy_in_memory_begins_a_new_window_by_itself(desk: Desk, account: str, window: int) -> None:
    desk.do(add(account, 1_000))
    limit = Limit("chat", WHOLE, hourly=10) if window == HOUR else Limit("chat", WHOLE, daily=10)
    desk.accounts.set_limits(account, act(None), (limit,))
    for _ in range(3):
        now = desk.clock.now()
        desk.clock.advance((window - now % window) / 1_000_000)
        assert names(desk.write(deduct(account, 10), deduct(account, 1))) == ["OK", "LimitExceeded"]
