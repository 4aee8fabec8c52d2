"""Extend gives a pending reservation more time, up to the configured maximum from now, and never less."""

import pytest

from creditd.domain.entry import EntryKind
from creditd.domain.errors import ExpiryOutOfRange, ReservationConfirmed, ReservationExpired, ReservationRefunded
from creditd.domain.reservation import ReservationState
from tests.domain.books import WalletBooks
from tests.domain.wallets import MINUTE, RULES, after, free, wallet


def test_extend_counts_the_time_from_now() -> None:
    books = WalletBooks(wallet(free(1)))
    held = books.reserve(1, ttl=5 * MINUTE)
    books.wait(3 * MINUTE)
    assert books.extend(held, ttl=5 * MINUTE).expire_time == after(8 * MINUTE)


def test_extend_takes_an_instant_as_well() -> None:
    books = WalletBooks(wallet(free(1)))
    assert books.extend(books.reserve(1), until=after(10 * MINUTE)).expire_time == after(10 * MINUTE)


def test_an_extended_hold_can_be_confirmed_after_it_would_have_ended() -> None:
    books = WalletBooks(wallet(free(1)))
    held = books.reserve(1, ttl=5 * MINUTE)
    books.extend(held, ttl=10 * MINUTE)
    books.wait(9 * MINUTE)
    assert books.settle() == ()
    assert books.confirm(held).state == ReservationState.CONFIRMED


def test_an_extended_hold_ends_at_its_new_time() -> None:
    books = WalletBooks(wallet(free(1)))
    held = books.reserve(1, ttl=5 * MINUTE)
    books.extend(held, ttl=10 * MINUTE)
    books.wait(10 * MINUTE)
    with pytest.raises(ReservationExpired):
        books.confirm(held)


def test_extend_never_shortens() -> None:
    books = WalletBooks(wallet(free(1)))
    held = books.reserve(1, ttl=10 * MINUTE)
    assert books.extend(held, ttl=MINUTE).expire_time == after(10 * MINUTE)


def test_extend_changes_no_figure_but_is_a_movement() -> None:
    books = WalletBooks(wallet(free(10)))
    held = books.reserve(4)
    books.extend(held, ttl=10 * MINUTE)
    entry = books.entries[-1]
    assert (entry.kind, entry.amount, entry.slices) == (EntryKind.EXTEND, 4, held.slices)
    assert (entry.available_delta, entry.reserved_delta, entry.debt_delta) == (0, 0, 0)
    assert (books.wallet.available, books.wallet.reserved, books.wallet.version) == (6, 4, 2)


def test_extending_beyond_the_maximum_from_now_is_refused() -> None:
    books = WalletBooks(wallet(free(1)))
    held = books.reserve(1)
    with pytest.raises(ExpiryOutOfRange):
        books.extend(held, ttl=RULES.max_ttl + 1)
    assert books.extend(held, ttl=RULES.max_ttl).expire_time == after(RULES.max_ttl)


def test_a_hold_can_be_extended_again_and_again() -> None:
    books = WalletBooks(wallet(free(1)))
    held = books.reserve(1, ttl=RULES.max_ttl)
    for _ in range(3):
        books.wait(RULES.max_ttl - 1)
        books.extend(held, ttl=RULES.max_ttl)
    assert books.state_of(held) == ReservationState.PENDING


def test_an_expired_hold_cannot_be_extended() -> None:
    books = WalletBooks(wallet(free(1)))
    held = books.reserve(1, ttl=MINUTE)
    books.wait(MINUTE)
    with pytest.raises(ReservationExpired):
        books.extend(held, ttl=MINUTE)


def test_what_is_spent_or_given_back_cannot_be_extended() -> None:
    books = WalletBooks(wallet(free(2)))
    spent, ended = books.deduct(1), books.reserve(1)
    books.refund(ended)
    with pytest.raises(ReservationConfirmed):
        books.extend(spent, ttl=MINUTE)
    with pytest.raises(ReservationRefunded):
        books.extend(ended, ttl=MINUTE)
