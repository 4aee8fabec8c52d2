"""A change of an account's status or plan is overtaken by no copy in a server's memory."""

from concurrent.futures import Future, ThreadPoolExecutor

import psycopg
import pytest

from creditd.domain.account import AccountStatus
from creditd.domain.errors import AccountSuspended
from creditd.ledger.accounts import ChangedAccount
from tests.support.desk import Desk, before_saving
from tests.support.ledger_books import Books
from tests.support.patience import eventually
from tests.support.works import act, add, add_of_each, deduct, refund, reservation_of, reserve

_WAITING = "SELECT pid FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"


def set_status(desk: Desk, account: str, status: AccountStatus, request_id: str | None = None) -> ChangedAccount:
    """Change the status through a server."""
    return desk.accounts.set_status(account, status, act(request_id, status), allow_balance=True)


def suspend(desk: Desk, account: str) -> ChangedAccount:
    """Suspend the account through a server."""
    return set_status(desk, account, AccountStatus.SUSPENDED)


def test_a_suspended_account_is_refused_by_a_writer_whose_copies_are_warm(
    desk: Desk, other: Desk, books: Books, account: str
) -> None:
    desk.do(add(account, 10))
    suspend(other, account)
    with pytest.raises(AccountSuspended):
        desk.do(reserve(account, 1))
    assert books.figures(account) == (1, 10, 0)


def test_a_suspension_between_decision_and_save_refuses_what_was_decided(
    desk: Desk, other: Desk, books: Books, account: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    desk.do(add(account, 10))
    before_saving(monkeypatch, desk, lambda: suspend(other, account))
    with pytest.raises(AccountSuspended):
        desk.do(reserve(account, 1))
    assert books.figures(account) == (1, 10, 0)


def test_a_plan_that_ends_between_decision_and_save_covers_nothing_in_a_wallet_that_is_new(
    desk: Desk, other: Desk, books: Books, account: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A wallet without a row has no version to guard it; the account's row is held still instead."""
    desk.do(add(account, 10))
    other.accounts.set_plan(account, act(None), unlimited=True, until=None)
    before_saving(monkeypatch, desk, lambda: suspend(other, account))
    with pytest.raises(AccountSuspended):
        desk.do(deduct(account, 1, credit_type="quiz_gen"))
    assert books.kinds(account, "quiz_gen") == []


def test_an_account_that_is_active_again_is_served_by_a_writer_that_knew_it_suspended(
    desk: Desk, other: Desk, books: Books, account: str
) -> None:
    desk.do(add(account, 10))
    held = reservation_of(desk.do(reserve(account, 4)))
    suspend(other, account)
    desk.do(refund(held))
    set_status(other, account, AccountStatus.ACTIVE)
    desk.do(reserve(account, 10))
    assert books.figures(account) == (4, 0, 10)


def test_a_plan_switched_on_elsewhere_covers_the_next_use(desk: Desk, other: Desk, books: Books, account: str) -> None:
    desk.do(add(account, 10))
    other.accounts.set_plan(account, act(None), unlimited=True, until=None)
    desk.do(deduct(account, 100))
    assert books.figures(account) == (2, 10, 0)


def test_a_plan_switched_off_elsewhere_covers_nothing_more(desk: Desk, other: Desk, books: Books, account: str) -> None:
    desk.do(add(account, 10))
    other.accounts.set_plan(account, act(None), unlimited=True, until=None)
    desk.do(deduct(account, 3))
    other.accounts.set_plan(account, act(None), unlimited=False, until=None)
    desk.do(deduct(account, 3))
    assert books.figures(account) == (3, 7, 0)


def test_the_same_change_asked_for_twice_is_made_once(desk: Desk, other: Desk, account: str) -> None:
    desk.do(add(account, 10))
    first = set_status(desk, account, AccountStatus.SUSPENDED, "click")
    again = set_status(other, account, AccountStatus.SUSPENDED, "click")
    assert again == first._replace(replayed=True)
    assert again.account.version == 2


def test_a_change_and_a_batch_with_its_rows_locked_do_not_wait_for_each_other_in_a_circle(
    url: str, desk: Desk, other: Desk, books: Books, account: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Both take the account's row before those of its wallets."""
    desk.do(add(account, 10))
    with ThreadPoolExecutor(1) as pool, psycopg.connect(url, autocommit=True) as looking:
        changes: list[Future[ChangedAccount]] = []

        def change_meanwhile() -> None:
            if desk.statistics.retries:
                changes.append(pool.submit(suspend, other, account))
                eventually(lambda: looking.execute(_WAITING).fetchone())
            else:
                other.do(deduct(account, 1))

        before_saving(monkeypatch, desk, change_meanwhile, times=2)
        desk.do(add_of_each(account, {"chat": 1, "quiz_gen": 2}))
        assert changes[0].result().account.status == AccountStatus.SUSPENDED
    assert (books.figures(account).available, books.figures(account, "quiz_gen").available) == (10, 2)
    assert books.are_whole(account)
