"""Add brings credits in as a new grant; Remove takes available ones away and never goes below zero."""

import pytest

from creditd.domain.entry import EntryKind
from creditd.domain.errors import ExpiryInPast, InsufficientCredit
from creditd.domain.grants import Source
from creditd.domain.instant import instant_text
from tests.domain.books import WalletBooks
from tests.domain.wallets import DAY, after, by_source, free, left, parts, promo, purchased, wallet


@pytest.mark.parametrize(
    ("source", "kind"),
    [
        (Source.FREE, EntryKind.GRANT),
        (Source.PROMO, EntryKind.PROMO),
        (Source.PURCHASED, EntryKind.TOP_UP),
        (Source.ADMIN, EntryKind.ADMIN_ADD),
    ],
)
def test_added_credits_are_a_grant_of_their_source_and_the_entry_says_how_they_came(
    source: Source, kind: EntryKind
) -> None:
    books = WalletBooks(wallet())
    movement = books.add(5, source, "new")
    assert by_source(books.wallet) == {source: 5}
    assert books.wallet.available == 5
    assert (movement.entry.kind, movement.entry.amount) == (kind, 5)
    assert (movement.entry.available_delta, movement.entry.reserved_delta) == (5, 0)
    assert parts(movement.entry.slices) == [("new", 5)]


def test_every_addition_is_a_grant_of_its_own() -> None:
    books = WalletBooks(wallet(purchased(5, "first")))
    books.add(5, Source.PURCHASED, "second")
    assert left(books.wallet) == {"first": 5, "second": 5}


def test_the_movement_tells_of_the_new_grant_as_it_came_in() -> None:
    movement = WalletBooks(wallet()).add(5, Source.PROMO, "new", expires=after(DAY))
    assert movement.granted == ("new", Source.PROMO, 5, after(DAY))
    assert movement.changed == (promo(5, "new", expires=after(DAY)),)


def test_credits_that_have_expired_already_are_not_taken_in() -> None:
    books = WalletBooks(wallet())
    for offset in (0, -1):
        with pytest.raises(ExpiryInPast) as refusal:
            books.add(5, Source.PROMO, expires=after(offset))
        assert refusal.value.facts == {"field": "expire_time", "server_time": instant_text(books.now)}
    books.add(5, Source.PROMO, expires=after(1))
    assert books.wallet.available == 5


def test_added_credits_can_expire_in_a_hundred_years() -> None:
    """The maximum is one for holds; grants live as long as they are told to."""
    books = WalletBooks(wallet())
    books.add(5, Source.PROMO, expires=after(36_525 * DAY))
    assert books.wallet.available == 5


def test_remove_takes_available_credits_in_spend_order() -> None:
    books = WalletBooks(wallet(free(3), purchased(5)))
    movement = books.remove(4)
    assert left(books.wallet) == {"purchased": 4}
    assert (movement.entry.kind, movement.entry.amount) == (EntryKind.ADMIN_REMOVE, 4)
    assert (movement.entry.available_delta, movement.entry.reserved_delta) == (-4, 0)
    assert movement.changed == (free(0), purchased(4))
    assert parts(movement.entry.slices) == [("free", 3), ("purchased", 1)]


def test_removing_below_zero_is_refused() -> None:
    books = WalletBooks(wallet(free(3)))
    with pytest.raises(InsufficientCredit) as refusal:
        books.remove(4)
    assert refusal.value.facts == {"credit_type": "spec", "required": 4, "available": 3}
    assert books.wallet.available == 3


def test_a_removal_does_not_reach_what_is_held() -> None:
    books = WalletBooks(wallet(free(3)))
    books.reserve(2)
    with pytest.raises(InsufficientCredit):
        books.remove(2)
    books.remove(1)
    assert (books.wallet.available, books.wallet.reserved) == (0, 2)


def test_what_is_held_comes_back_after_the_rest_was_removed() -> None:
    books = WalletBooks(wallet(free(3)))
    held = books.reserve(2)
    books.remove(1)
    books.refund(held)
    assert left(books.wallet) == {"free": 2}
