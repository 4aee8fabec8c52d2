"""Deduct spends in one step, for work whose price is known and already done; it is refunded like a confirmed hold."""

import pytest

from creditd.domain.entry import EntryKind
from creditd.domain.errors import InsufficientCredit
from creditd.domain.reservation import ReservationState
from tests.domain.books import WalletBooks
from tests.domain.wallets import free, left, parts, purchased, wallet


def test_deduct_spends_at_once_and_holds_nothing() -> None:
    books = WalletBooks(wallet(free(10)))
    spent = books.deduct(4)
    assert (spent.state, spent.amount, spent.confirmed) == (ReservationState.CONFIRMED, 4, 4)
    assert (books.wallet.available, books.wallet.reserved) == (6, 0)


def test_deduct_is_one_movement() -> None:
    books = WalletBooks(wallet(free(10)))
    books.deduct(4)
    entry = books.entries[-1]
    assert (len(books.entries), entry.kind, entry.amount) == (1, EntryKind.DEDUCT, 4)
    assert (entry.available_delta, entry.reserved_delta, entry.debt_delta) == (-4, 0, 0)


def test_deduct_of_more_than_is_available_is_refused() -> None:
    with pytest.raises(InsufficientCredit) as refusal:
        WalletBooks(wallet(free(10))).deduct(11)
    assert refusal.value.facts == {"credit_type": "spec", "required": 11, "available": 10}


def test_a_deduction_never_expires() -> None:
    books = WalletBooks(wallet(free(10)))
    assert books.deduct(4).expire_time is None
    books.wait(10**15)
    assert books.settle() == ()


def test_a_deduction_is_refunded_to_where_it_was_taken_from() -> None:
    books = WalletBooks(wallet(free(2), purchased(2)))
    spent = books.deduct(3)
    assert parts(spent.slices) == [("free", 2), ("purchased", 1)]
    books.refund(spent)
    assert left(books.wallet) == {"free": 2, "purchased": 2}
