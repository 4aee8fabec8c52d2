"""Amounts and their sums stay within an int64, exactly: there are no floats, no rounding and no overflow."""

import pytest

from creditd.domain.errors import BalanceTooLarge, InsufficientCredit
from creditd.domain.grants import Source
from creditd.domain.wallet import MAX_BALANCE
from tests.domain.books import WalletBooks
from tests.domain.wallets import free, left, purchased, used, wallet, with_plan


def test_a_balance_may_be_the_largest_int64() -> None:
    books = WalletBooks(wallet())
    books.add(MAX_BALANCE, Source.PURCHASED)
    assert books.wallet.available == MAX_BALANCE == 2**63 - 1


def test_one_more_than_the_largest_int64_is_refused_with_the_figures() -> None:
    books = WalletBooks(wallet(purchased(MAX_BALANCE)))
    with pytest.raises(BalanceTooLarge) as refusal:
        books.add(1, Source.FREE)
    assert refusal.value.facts == {"credit_type": "spec", "amount": 1, "total": MAX_BALANCE, "maximum": MAX_BALANCE}
    assert books.wallet.available == MAX_BALANCE


def test_what_is_held_counts_for_the_limit() -> None:
    """Else a hold that ends could not give back."""
    books = WalletBooks(wallet(purchased(MAX_BALANCE)))
    held = books.reserve(MAX_BALANCE)
    with pytest.raises(BalanceTooLarge):
        books.add(1, Source.FREE)
    books.refund(held)
    assert books.wallet.available == MAX_BALANCE


def test_a_hold_that_expires_always_has_room_to_come_back() -> None:
    books = WalletBooks(wallet(purchased(MAX_BALANCE)))
    books.reserve(MAX_BALANCE, ttl=1)
    books.wait(1)
    books.settle()
    assert books.wallet.available == MAX_BALANCE


def test_a_refund_that_has_no_room_is_refused_and_can_be_had_later() -> None:
    books = WalletBooks(wallet(purchased(MAX_BALANCE, "old")))
    spent = books.deduct(10)
    books.add(10, Source.PURCHASED, "new")
    with pytest.raises(BalanceTooLarge):
        books.refund(spent)
    books.deduct(10)
    assert used(books.refund(spent)) == 0
    assert books.wallet.available == MAX_BALANCE


def test_a_refund_of_what_a_plan_covered_needs_no_room() -> None:
    books = WalletBooks(with_plan(wallet(purchased(MAX_BALANCE))))
    assert used(books.refund(books.deduct(MAX_BALANCE))) == 0
    assert books.wallet.available == MAX_BALANCE


def test_the_largest_amounts_are_refused_as_insufficient_and_nothing_else() -> None:
    books = WalletBooks(wallet(free(1)))
    with pytest.raises(InsufficientCredit):
        books.reserve(MAX_BALANCE)
    held = books.reserve(1)
    with pytest.raises(InsufficientCredit):
        books.confirm(held, MAX_BALANCE, allow_excess=True)


def test_every_last_credit_of_a_large_balance_is_exact() -> None:
    """A float would lose the last digits."""
    books = WalletBooks(wallet(free(2**53 + 1), purchased(2**53 + 1)))
    spent = books.confirm(books.reserve(2**54 + 1), 2**53 + 3)
    assert left(books.wallet) == {"purchased": 2**53 - 1}
    books.refund(spent, 2**53 + 2)
    assert left(books.wallet) == {"free": 2**53, "purchased": 2**53 + 1}
