"""While an unlimited plan is in force, use is recorded and takes nothing; purchased credits wait untouched."""

import pytest

from creditd.domain.account import AccountStatus
from creditd.domain.entry import EntryKind
from creditd.domain.errors import AccountSuspended, AmountExceedsConfirmed, AmountExceedsReservation, InsufficientCredit
from creditd.domain.reservation import ReservationState
from tests.domain.books import WalletBooks
from tests.domain.wallets import (
    DAY,
    MINUTE,
    after,
    free,
    left,
    parts,
    purchased,
    used,
    wallet,
    with_plan,
    with_status,
)


def test_reserve_takes_nothing_and_is_recorded_with_its_amount() -> None:
    books = WalletBooks(with_plan(wallet(purchased(10))))
    held = books.reserve(7)
    assert (held.amount, held.unlimited, held.slices, held.held) == (7, True, (), 0)
    assert (books.wallet.available, books.wallet.reserved) == (10, 0)
    entry = books.entries[-1]
    assert (entry.kind, entry.amount, entry.available_delta, entry.reserved_delta) == (EntryKind.RESERVE, 7, 0, 0)


def test_more_than_is_available_can_be_used() -> None:
    books = WalletBooks(with_plan(wallet()))
    assert used(books.confirm(books.reserve(1_000))) == 1_000
    assert used(books.deduct(1_000)) == 1_000
    assert books.wallet.available == 0


def test_confirming_less_records_less_and_gives_nothing_back() -> None:
    books = WalletBooks(with_plan(wallet(purchased(10))))
    spent = books.confirm(books.reserve(7), 3)
    assert (spent.amount, spent.confirmed, spent.slices) == (7, 3, ())
    assert books.wallet.available == 10


def test_confirming_more_than_was_recorded_still_has_to_be_allowed() -> None:
    books = WalletBooks(with_plan(wallet(purchased(10))))
    held = books.reserve(7)
    with pytest.raises(AmountExceedsReservation):
        books.confirm(held, 9)
    spent = books.confirm(held, 9, allow_excess=True)
    assert (spent.confirmed, spent.slices) == (9, ())
    assert books.wallet.available == 10


def test_trap_nothing_comes_back_for_what_the_plan_covered() -> None:
    books = WalletBooks(with_plan(wallet(purchased(10))))
    spent = books.deduct(7)
    assert used(books.refund(spent, 3)) == 4
    assert used(books.refund(spent)) == 0
    assert books.wallet.available == 10
    with pytest.raises(AmountExceedsConfirmed):
        books.refund(spent, 1)


def test_refunding_a_pending_one_that_the_plan_covers_gives_nothing_back() -> None:
    books = WalletBooks(with_plan(wallet(purchased(10))))
    assert books.refund(books.reserve(7)).state == ReservationState.REFUNDED
    assert (books.wallet.available, books.wallet.reserved) == (10, 0)


def test_one_that_the_plan_covers_expires_as_any_other_and_gives_nothing_back() -> None:
    books = WalletBooks(with_plan(wallet(purchased(10))))
    held = books.reserve(7, ttl=MINUTE)
    books.wait(MINUTE)
    books.settle()
    assert books.state_of(held) == ReservationState.EXPIRED
    assert (books.wallet.available, books.wallet.reserved) == (10, 0)


def test_trap_purchased_credits_are_untouched_by_the_plan_and_spendable_when_it_ends() -> None:
    books = WalletBooks(wallet(free(3), purchased(10)))
    books.deduct(5)
    books.wallet = with_plan(books.wallet)
    books.deduct(100)
    books.wallet = with_plan(books.wallet, unlimited=False)
    assert left(books.wallet) == {"purchased": 8}
    assert parts(books.deduct(8).slices) == [("purchased", 8)]


def test_what_was_held_before_the_plan_is_spent_or_given_back_as_it_was_held() -> None:
    books = WalletBooks(wallet(purchased(10)))
    first, second = books.reserve(4), books.reserve(4)
    books.wallet = with_plan(books.wallet)
    books.confirm(first, 3)
    books.refund(second)
    assert left(books.wallet) == {"purchased": 7}


def test_what_was_recorded_under_the_plan_costs_nothing_though_confirmed_after_its_end() -> None:
    books = WalletBooks(with_plan(wallet(purchased(10)), until=after(MINUTE)))
    held = books.reserve(7)
    books.wait(2 * MINUTE)
    assert books.confirm(held).confirmed == 7
    assert books.wallet.available == 10


def test_a_plan_with_an_end_covers_up_to_the_last_instant_before_it() -> None:
    books = WalletBooks(with_plan(wallet(purchased(10)), until=after(DAY)))
    books.wait(DAY - 1)
    assert books.deduct(7).unlimited
    books.wait(1)
    assert not books.deduct(7).unlimited
    with pytest.raises(InsufficientCredit):
        books.deduct(7)


def test_credits_expire_under_a_plan_as_without_one() -> None:
    books = WalletBooks(with_plan(wallet(free(5, expires=after(DAY)), purchased(5))))
    books.wait(DAY)
    books.settle()
    assert left(books.wallet) == {"purchased": 5}


def test_a_removal_takes_credits_whatever_the_plan() -> None:
    books = WalletBooks(with_plan(wallet(purchased(5))))
    books.remove(2)
    assert books.wallet.available == 3


def test_a_plan_does_not_let_a_suspended_account_spend() -> None:
    books = WalletBooks(with_status(with_plan(wallet()), AccountStatus.SUSPENDED))
    with pytest.raises(AccountSuspended):
        books.reserve(1)
