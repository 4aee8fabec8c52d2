"""Accounts and wallets that come into being at two servers at once come into being once."""

from collections.abc import Iterator

import pytest

from creditd.domain.errors import InsufficientCredit, ReservationNotFound
from creditd.domain.wallet import Origin
from creditd.ledger.work import Outcome, Work
from tests.support.desk import Desk, before_saving, desk_at
from tests.support.ledger_books import Books
from tests.support.works import add, confirm, deduct, reservation_of, reserve

SIGN_UP = {"spec": 1, "chat": 5}


@pytest.fixture
def desk(url: str) -> Iterator[Desk]:
    """Provide the writer of a server that gives sign-up credits."""
    with desk_at(url, sign_up_credits=SIGN_UP) as desk:
        yield desk


@pytest.fixture
def other(url: str) -> Iterator[Desk]:
    """Provide another one."""
    with desk_at(url, sign_up_credits=SIGN_UP) as desk:
        yield desk


def opening(account: str) -> Work:
    """Return the work that opens an account and does nothing else."""
    return Work.opening(account, Origin("tests"))


def test_an_account_opened_by_two_writers_at_once_gets_its_sign_up_credits_once(
    desk: Desk, other: Desk, books: Books, account: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    before_saving(monkeypatch, desk, lambda: other.do(deduct(account, 2)))
    desk.do(deduct(account, 3))
    assert books.kinds(account) == ["GRANT", "DEDUCT", "DEDUCT"]
    assert books.kinds(account, "spec") == ["GRANT"]
    assert books.figures(account) == (3, 0, 0)
    assert books.are_whole(account)


def test_an_account_opened_by_reading_it_at_two_servers_at_once_gets_its_sign_up_credits_once(
    desk: Desk, other: Desk, books: Books, account: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    before_saving(monkeypatch, desk, lambda: other.do(opening(account)))
    desk.do(opening(account))
    assert (books.kinds(account), books.kinds(account, "spec")) == (["GRANT"], ["GRANT"])


def test_two_first_uses_in_one_batch_open_the_account_once(desk: Desk, books: Books, account: str) -> None:
    results = desk.write(opening(account), deduct(account, 2), deduct(account, 1, credit_type="spec"), opening(account))
    assert all(isinstance(result, Outcome) for result in results)
    assert books.kinds(account) == ["GRANT", "DEDUCT"]
    assert books.kinds(account, "spec") == ["GRANT", "DEDUCT"]


def test_a_wallet_that_two_writers_make_at_once_holds_what_both_brought(
    desk: Desk, other: Desk, books: Books, account: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    desk.do(opening(account))
    before_saving(monkeypatch, desk, lambda: other.do(add(account, 20, credit_type="quiz_gen")))
    desk.do(add(account, 7, credit_type="quiz_gen"))
    assert books.figures(account, "quiz_gen") == (2, 27, 0)
    assert books.are_whole(account)


def test_a_first_use_that_is_refused_opens_the_account_all_the_same(desk: Desk, books: Books, account: str) -> None:
    with pytest.raises(InsufficientCredit):
        desk.do(reserve(account, 6))
    assert books.figures(account) == (1, 5, 0)


def test_a_look_ahead_opens_nothing(desk: Desk, books: Books, account: str) -> None:
    assert desk.do(reserve(account, 2, dry_run=True)).entries[0].available_after == 3
    assert not books.knows(account)


def test_naming_a_reservation_of_an_account_never_seen_opens_nothing(desk: Desk, books: Books, account: str) -> None:
    held = reservation_of(desk.do(reserve(f"{account}-known", 1)))
    with pytest.raises(ReservationNotFound):
        desk.do(confirm(held._replace(account_id=account)))
    assert not books.knows(account)
