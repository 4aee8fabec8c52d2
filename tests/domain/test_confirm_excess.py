"""Confirm with allow_excess spends more than is held: the excess is taken like a Deduct, or the whole is refused."""

import pytest

from creditd.domain.account import AccountStatus
from creditd.domain.errors import AccountSuspended, InsufficientCredit
from creditd.domain.grants import Source
from creditd.domain.reservation import ReservationState
from tests.domain.books import WalletBooks
from tests.domain.wallets import free, left, parts, purchased, used, wallet, with_plan, with_status


def test_the_excess_is_taken_from_what_is_available() -> None:
    books = WalletBooks(wallet(free(10)))
    spent = books.confirm(books.reserve(4), 6, allow_excess=True)
    assert (spent.amount, spent.confirmed) == (4, 6)
    assert (books.wallet.available, books.wallet.reserved) == (4, 0)


def test_the_excess_comes_after_what_was_held_in_the_order_taken() -> None:
    books = WalletBooks(wallet(purchased(10)))
    held = books.reserve(4)
    books.add(1, Source.FREE, "free")
    spent = books.confirm(held, 7, allow_excess=True)
    assert parts(spent.slices) == [("purchased", 4), ("free", 1), ("purchased", 2)]


def test_an_excess_that_is_not_covered_refuses_the_whole() -> None:
    books = WalletBooks(wallet(free(10)))
    held = books.reserve(4)
    with pytest.raises(InsufficientCredit) as refusal:
        books.confirm(held, 11, allow_excess=True)
    assert refusal.value.facts == {"credit_type": "spec", "required": 7, "available": 6}
    assert books.state_of(held) == ReservationState.PENDING
    assert (books.wallet.available, books.wallet.reserved) == (6, 4)


def test_allowing_an_excess_changes_nothing_where_there_is_none() -> None:
    books = WalletBooks(wallet(free(10)))
    spent = books.confirm(books.reserve(4), 3, allow_excess=True)
    assert spent.confirmed == 3
    assert books.wallet.available == 7


def test_a_suspended_account_spends_what_it_held_and_not_more() -> None:
    """The work on what was held is done; the excess would be new spending."""
    books = WalletBooks(wallet(free(10)))
    held = books.reserve(4)
    books.wallet = with_status(books.wallet, AccountStatus.SUSPENDED)
    with pytest.raises(AccountSuspended):
        books.confirm(held, 5, allow_excess=True)
    assert books.confirm(held, 4, allow_excess=True).confirmed == 4


def test_refunds_give_the_excess_back_first() -> None:
    books = WalletBooks(wallet(purchased(4)))
    held = books.reserve(4)
    books.add(2, Source.FREE, "free")
    spent = books.confirm(held, 6, allow_excess=True)
    books.refund(spent, 2)
    assert left(books.wallet) == {"free": 2}
    books.refund(spent)
    assert left(books.wallet) == {"free": 2, "purchased": 4}


def test_a_grant_that_paid_for_the_hold_and_for_the_excess_gets_both_back_at_once() -> None:
    books = WalletBooks(wallet(purchased(10)))
    spent = books.confirm(books.reserve(4), 6, allow_excess=True)
    assert parts(spent.slices) == [("purchased", 4), ("purchased", 2)]
    books.refund(spent)
    assert left(books.wallet) == {"purchased": 10}
    assert books.grants["purchased"] == purchased(10)


def test_an_excess_under_an_unlimited_plan_takes_nothing_and_is_recorded() -> None:
    books = WalletBooks(wallet(purchased(10)))
    held = books.reserve(4)
    books.wallet = with_plan(books.wallet)
    spent = books.confirm(held, 9, allow_excess=True)
    assert (spent.confirmed, parts(spent.slices)) == (9, [("purchased", 4)])
    assert books.wallet.available == 6


def test_an_excess_that_the_plan_covered_was_taken_last_so_a_refund_undoes_it_first_and_returns_nothing() -> None:
    books = WalletBooks(wallet(purchased(10)))
    held = books.reserve(4)
    books.wallet = with_plan(books.wallet)
    spent = books.confirm(held, 9, allow_excess=True)
    books.refund(spent, 3)
    assert books.wallet.available == 6
    books.refund(spent, 3)
    assert books.wallet.available == 7
    assert used(books.refund(spent)) == 0
    assert books.wallet.available == 10


def test_an_excess_taken_after_the_plan_ended_comes_back_before_what_the_plan_covered() -> None:
    books = WalletBooks(with_plan(wallet(purchased(10))))
    held = books.reserve(4)
    books.wallet = with_plan(books.wallet, unlimited=False)
    spent = books.confirm(held, 9, allow_excess=True)
    assert parts(spent.slices) == [("purchased", 5)]
    books.refund(spent, 2)
    assert books.wallet.available == 7
    books.refund(spent)
    assert books.wallet.available == 10
