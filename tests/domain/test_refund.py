"""Refund gives back a pending reservation, or any part of a confirmed one, to exactly the grants it was taken from."""

import pytest

from creditd.domain.commands import Refund
from creditd.domain.entry import EntryKind
from creditd.domain.errors import (
    AmountExceedsConfirmed,
    ReservationConfirmed,
    ReservationExpired,
    ReservationNotFound,
    ReservationPending,
    ReservationRefunded,
)
from creditd.domain.grants import Source
from creditd.domain.reservation import ReservationState
from tests.domain.books import CALLER, WalletBooks
from tests.domain.wallets import MINUTE, by_source, free, left, parts, promo, purchased, used, wallet


def test_a_pending_reservation_goes_back_whole() -> None:
    books = WalletBooks(wallet(free(2), purchased(2)))
    held = books.reserve(3)
    ended = books.refund(held)
    assert (ended.state, ended.confirmed, ended.refunded) == (ReservationState.REFUNDED, 0, 0)
    assert (books.wallet.available, books.wallet.reserved) == (4, 0)
    assert left(books.wallet) == {"free": 2, "purchased": 2}


def test_a_pending_reservation_goes_back_whole_also_when_the_whole_amount_is_named() -> None:
    books = WalletBooks(wallet(free(2)))
    assert books.refund(books.reserve(2), 2).state == ReservationState.REFUNDED


def test_part_of_a_pending_reservation_cannot_be_refunded() -> None:
    """To spend less is what Confirm with a smaller amount is for."""
    books = WalletBooks(wallet(free(2)))
    held = books.reserve(2)
    with pytest.raises(ReservationPending) as refusal:
        books.refund(held, 1)
    assert refusal.value.facts == {"credit_type": "spec", "reservation": held.name, "requested": 1, "reserved": 2}
    assert books.wallet.reserved == 2


def test_where_only_a_pending_reservation_is_to_go_back_a_confirmed_one_stays_spent() -> None:
    """Whoever gives a hold back may have seen it before it was confirmed."""
    books = WalletBooks(wallet(free(4)))
    pending, spent = books.reserve(1), books.confirm(books.reserve(2))
    with pytest.raises(ReservationConfirmed):
        books.do(Refund(CALLER, spent.reservation_id, pending_only=True))
    books.do(Refund(CALLER, pending.reservation_id, pending_only=True))
    assert (books.wallet.available, books.wallet.reserved) == (2, 0)


def test_a_confirmed_reservation_goes_back_whole_if_no_amount_is_named() -> None:
    books = WalletBooks(wallet(free(2), purchased(2)))
    spent = books.refund(books.confirm(books.reserve(3)))
    assert (spent.state, spent.confirmed, spent.refunded) == (ReservationState.CONFIRMED, 3, 3)
    assert left(books.wallet) == {"free": 2, "purchased": 2}


def test_a_confirmed_reservation_goes_back_part_by_part_from_the_last_taken_to_the_first() -> None:
    books = WalletBooks(wallet(free(2), promo(2), purchased(2)))
    spent = books.confirm(books.reserve(6))
    steps = [
        {"purchased": 1},
        {"purchased": 2},
        {"promo": 1, "purchased": 2},
        {"promo": 2, "purchased": 2},
        {"free": 1, "promo": 2, "purchased": 2},
        {"free": 2, "promo": 2, "purchased": 2},
    ]
    for count, step in enumerate(steps, start=1):
        spent = books.refund(spent, 1)
        assert left(books.wallet) == step
        assert spent.refunded == count


def test_a_refund_can_reach_over_several_grants() -> None:
    books = WalletBooks(wallet(free(2), promo(2), purchased(2)))
    spent = books.refund(books.deduct(6), 5)
    assert left(books.wallet) == {"free": 1, "promo": 2, "purchased": 2}
    assert [part.returned for part in spent.slices] == [1, 2, 2]


def test_the_slices_stay_as_the_record_of_what_was_spent() -> None:
    books = WalletBooks(wallet(free(2), purchased(2)))
    spent = books.deduct(3)
    assert parts(books.refund(spent).slices) == parts(spent.slices) == [("free", 2), ("purchased", 1)]


def test_no_amount_named_means_all_that_is_left() -> None:
    books = WalletBooks(wallet(purchased(10)))
    spent = books.deduct(10)
    books.refund(spent, 3)
    assert books.refund(spent).refunded == 10
    assert books.entries[-1].amount == 7


def test_trap_refunds_summing_over_what_was_captured() -> None:
    books = WalletBooks(wallet(purchased(100)))
    spent = books.confirm(books.reserve(100), 80)
    books.refund(spent, 50)
    with pytest.raises(AmountExceedsConfirmed) as refusal:
        books.refund(spent, 31)
    assert refusal.value.facts == {"credit_type": "spec", "requested": 31, "refundable": 30}
    assert books.wallet.available == 70
    assert books.refund(spent, 30).refunded == 80
    with pytest.raises(AmountExceedsConfirmed):
        books.refund(spent, 1)
    assert books.wallet.available == 100


def test_what_was_given_back_whole_cannot_be_given_back_again() -> None:
    books = WalletBooks(wallet(purchased(10)))
    spent = books.deduct(10)
    books.refund(spent)
    with pytest.raises(AmountExceedsConfirmed) as refusal:
        books.refund(spent)
    assert refusal.value.facts == {"credit_type": "spec", "requested": 0, "refundable": 0}


def test_trap_what_confirm_gave_back_already_is_not_refunded_once_more() -> None:
    books = WalletBooks(wallet(purchased(100)))
    spent = books.confirm(books.reserve(100), 1)
    with pytest.raises(AmountExceedsConfirmed):
        books.refund(spent, 2)
    books.refund(spent)
    assert books.wallet.available == 100


def test_trap_refund_lowers_used() -> None:
    books = WalletBooks(wallet(purchased(100)))
    spent = books.confirm(books.reserve(40))
    assert used(spent) == 40
    assert used(books.refund(spent, 15)) == 25
    assert used(books.refund(spent)) == 0


def test_trap_purchased_never_becomes_free() -> None:
    books = WalletBooks(wallet(free(10), purchased(10)))
    for amount in (15, 20, 11):
        books.refund(books.deduct(amount))
        books.refund(books.reserve(amount))
        books.confirm(books.reserve(20), 1)
        books.add(1, Source.FREE)
    assert by_source(books.wallet) == {Source.FREE: 10, Source.PURCHASED: 10}


def test_trap_free_never_becomes_purchased() -> None:
    books = WalletBooks(wallet(free(10)))
    spent = books.deduct(10)
    books.add(5, Source.PURCHASED)
    books.refund(spent)
    assert by_source(books.wallet) == {Source.FREE: 10, Source.PURCHASED: 5}


def test_credits_go_back_to_their_own_grant_though_others_of_the_source_came_in_since() -> None:
    books = WalletBooks(wallet(purchased(2, "first")))
    spent = books.deduct(2)
    books.add(5, Source.PURCHASED, "second")
    books.refund(spent)
    assert left(books.wallet) == {"first": 2, "second": 5}


def test_the_entry_tells_what_went_back_in_the_order_in_which_it_went() -> None:
    books = WalletBooks(wallet(free(2), purchased(2)))
    spent = books.deduct(4)
    books.refund(spent, 3)
    entry = books.entries[-1]
    assert (entry.kind, entry.amount) == (EntryKind.REFUND, 3)
    assert (entry.available_delta, entry.reserved_delta, entry.debt_delta) == (3, 0, 0)
    assert parts(entry.slices) == [("purchased", 2), ("free", 1)]
    books.refund(spent)
    assert books.entries[-1].slices == (entry.slices[-1],)


def test_the_entry_of_a_pending_refund_ends_the_hold() -> None:
    books = WalletBooks(wallet(free(2), purchased(2)))
    books.refund(books.reserve(3))
    entry = books.entries[-1]
    assert (entry.kind, entry.amount) == (EntryKind.REFUND, 3)
    assert (entry.available_delta, entry.reserved_delta) == (3, -3)
    assert parts(entry.slices) == [("purchased", 1), ("free", 2)]


def test_a_refunded_reservation_is_not_refunded_twice() -> None:
    books = WalletBooks(wallet(free(1)))
    held = books.reserve(1)
    books.refund(held)
    with pytest.raises(ReservationRefunded) as refusal:
        books.refund(held)
    assert refusal.value.facts == {"reservation": held.name}
    assert books.wallet.available == 1


def test_an_expired_reservation_is_back_already_and_not_refunded_again() -> None:
    books = WalletBooks(wallet(free(1)))
    held = books.reserve(1, ttl=MINUTE)
    books.wait(MINUTE)
    with pytest.raises(ReservationExpired):
        books.refund(held)
    assert books.wallet.available == 1


def test_a_confirmed_reservation_can_be_refunded_however_late() -> None:
    books = WalletBooks(wallet(purchased(1)))
    spent = books.confirm(books.reserve(1))
    books.wait(10**15)
    books.refund(spent)
    assert books.wallet.available == 1


def test_a_reservation_that_nobody_made_is_not_found() -> None:
    with pytest.raises(ReservationNotFound):
        WalletBooks(wallet(free(1))).do(Refund(CALLER, "unknown"))
