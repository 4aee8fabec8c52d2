"""Confirm spends what is held, or less; what is left over goes back to where it came from."""

import pytest

from creditd.domain.commands import Confirm
from creditd.domain.entry import EntryKind
from creditd.domain.errors import (
    AmountExceedsReservation,
    ReservationConfirmed,
    ReservationExpired,
    ReservationNotFound,
    ReservationRefunded,
)
from creditd.domain.instant import SECOND
from creditd.domain.reservation import ReservationState
from tests.domain.books import CALLER, WalletBooks
from tests.domain.wallets import MINUTE, free, left, parts, promo, purchased, wallet


def test_confirm_spends_all_that_is_held() -> None:
    books = WalletBooks(wallet(free(10)))
    spent = books.confirm(books.reserve(4))
    assert (spent.state, spent.confirmed) == (ReservationState.CONFIRMED, 4)
    assert (books.wallet.available, books.wallet.reserved) == (6, 0)


def test_confirming_less_gives_the_rest_back_in_the_same_movement() -> None:
    books = WalletBooks(wallet(free(10)))
    held = books.reserve(10)
    spent = books.confirm(held, 3)
    assert (spent.amount, spent.confirmed) == (10, 3)
    assert (books.wallet.available, books.wallet.reserved) == (7, 0)
    assert len(books.entries) == 2


def test_the_rest_goes_back_from_the_last_taken_to_the_first() -> None:
    books = WalletBooks(wallet(free(2), promo(2), purchased(2)))
    spent = books.confirm(books.reserve(6), 3)
    assert parts(spent.slices) == [("free", 2), ("promo", 1)]
    assert left(books.wallet) == {"promo": 1, "purchased": 2}


def test_confirming_exactly_what_is_held_gives_nothing_back() -> None:
    books = WalletBooks(wallet(free(2), purchased(2)))
    held = books.reserve(4)
    assert books.confirm(held, 4).slices == held.slices
    assert left(books.wallet) == {}


def test_more_than_is_held_is_refused_with_both_figures() -> None:
    books = WalletBooks(wallet(free(10)))
    held = books.reserve(4)
    with pytest.raises(AmountExceedsReservation) as refusal:
        books.confirm(held, 5)
    assert refusal.value.facts == {"credit_type": "spec", "requested": 5, "reserved": 4}
    assert books.state_of(held) == ReservationState.PENDING
    assert (books.wallet.available, books.wallet.reserved) == (6, 4)


def test_the_entry_tells_what_was_spent_and_what_came_back() -> None:
    books = WalletBooks(wallet(free(10)))
    spent = books.confirm(books.reserve(10), 3)
    entry = books.entries[-1]
    assert (entry.kind, entry.amount) == (EntryKind.CONFIRM, 3)
    assert (entry.available_delta, entry.reserved_delta, entry.debt_delta) == (7, -10, 0)
    assert entry.slices == spent.slices


def test_confirm_works_up_to_the_last_instant_before_the_expire_time() -> None:
    books = WalletBooks(wallet(free(1)))
    held = books.reserve(1, ttl=MINUTE)
    books.wait(MINUTE - 1)
    assert books.confirm(held).state == ReservationState.CONFIRMED


def test_trap_confirm_exactly_at_the_expire_time_is_too_late() -> None:
    books = WalletBooks(wallet(free(1)))
    held = books.reserve(1, ttl=MINUTE)
    books.wait(MINUTE)
    with pytest.raises(ReservationExpired) as refusal:
        books.confirm(held)
    assert refusal.value.facts == {"reservation": held.name}
    assert (books.wallet.available, books.wallet.reserved) == (1, 0)


def test_trap_an_expired_reservation_is_not_confirmable_though_no_sweep_has_run() -> None:
    books = WalletBooks(wallet(free(1)))
    held = books.reserve(1, ttl=MINUTE)
    books.wait(MINUTE + SECOND)
    assert books.state_of(held) == ReservationState.PENDING
    with pytest.raises(ReservationExpired):
        books.confirm(held)


def test_trap_confirm_and_sweep_racing_the_first_of_them_wins() -> None:
    confirmed_first = WalletBooks(wallet(free(1)))
    held = confirmed_first.reserve(1, ttl=MINUTE)
    confirmed_first.wait(MINUTE - 1)
    confirmed_first.confirm(held)
    confirmed_first.wait(1)
    assert confirmed_first.settle() == ()
    assert confirmed_first.wallet.available == 0

    swept_first = WalletBooks(wallet(free(1)))
    held = swept_first.reserve(1, ttl=MINUTE)
    swept_first.wait(MINUTE)
    swept_first.settle()
    with pytest.raises(ReservationExpired):
        swept_first.confirm(held)
    assert swept_first.wallet.available == 1


def test_trap_of_two_confirms_only_the_first_has_an_effect() -> None:
    books = WalletBooks(wallet(free(10)))
    held = books.reserve(4)
    books.confirm(held)
    with pytest.raises(ReservationConfirmed) as refusal:
        books.confirm(held)
    assert refusal.value.facts == {"reservation": held.name}
    assert (books.wallet.available, books.wallet.reserved) == (6, 0)


def test_a_refunded_reservation_cannot_be_confirmed() -> None:
    books = WalletBooks(wallet(free(1)))
    held = books.reserve(1)
    books.refund(held)
    with pytest.raises(ReservationRefunded) as refusal:
        books.confirm(held)
    assert refusal.value.facts == {"reservation": held.name}


def test_a_deduction_is_confirmed_from_the_start_and_cannot_be_confirmed_again() -> None:
    books = WalletBooks(wallet(free(1)))
    with pytest.raises(ReservationConfirmed):
        books.confirm(books.deduct(1))


def test_a_reservation_that_nobody_made_is_not_found_and_named() -> None:
    with pytest.raises(ReservationNotFound) as refusal:
        WalletBooks(wallet(free(1))).do(Confirm(CALLER, "unknown"))
    assert refusal.value.facts == {"reservation": "accounts/alice/wallets/spec/reservations/unknown"}
