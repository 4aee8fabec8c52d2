"""Spend order: by source as configured, within a source the soonest to expire, then the oldest."""

from creditd.domain.grants import Source, in_spend_order
from creditd.domain.wallet import Rules
from tests.domain.books import WalletBooks
from tests.domain.wallets import DAY, admin, after, free, left, parts, promo, purchased, wallet


def test_free_goes_first_then_promo_then_admin_then_purchased() -> None:
    books = WalletBooks(wallet(purchased(1), admin(1), promo(1), free(1)))
    held = books.reserve(4)
    assert parts(held.slices) == [("free", 1), ("promo", 1), ("admin", 1), ("purchased", 1)]


def test_the_next_source_is_touched_only_when_the_one_before_is_used_up() -> None:
    books = WalletBooks(wallet(free(3), purchased(10)))
    assert parts(books.reserve(3).slices) == [("free", 3)]
    assert parts(books.reserve(1).slices) == [("purchased", 1)]


def test_the_order_of_sources_is_configured() -> None:
    rules = Rules(order=(Source.PURCHASED, Source.ADMIN, Source.PROMO, Source.FREE))
    books = WalletBooks(wallet(free(1), promo(1), admin(1), purchased(1), rules=rules), rules)
    assert parts(books.reserve(4).slices) == [("purchased", 1), ("admin", 1), ("promo", 1), ("free", 1)]


def test_within_a_source_the_soonest_to_expire_goes_first() -> None:
    books = WalletBooks(wallet(free(1, "a", expires=after(2 * DAY)), free(1, "b", expires=after(DAY))))
    assert parts(books.reserve(2).slices) == [("b", 1), ("a", 1)]


def test_within_a_source_what_never_expires_goes_last() -> None:
    books = WalletBooks(wallet(free(1, "a"), free(1, "b", expires=after(DAY))))
    assert parts(books.reserve(2).slices) == [("b", 1), ("a", 1)]


def test_of_those_that_expire_together_the_oldest_goes_first() -> None:
    books = WalletBooks(wallet(free(1, "newer", expires=after(DAY)), free(1, "elder", expires=after(DAY))))
    assert parts(books.reserve(2).slices) == [("elder", 1), ("newer", 1)]


def test_a_source_comes_before_an_expiry() -> None:
    """Purchased credits that expire tomorrow still wait for free ones that never do."""
    books = WalletBooks(wallet(free(1), purchased(1, expires=after(DAY))))
    assert parts(books.reserve(1).slices) == [("free", 1)]


def test_a_grant_that_comes_in_later_takes_its_place_in_the_order() -> None:
    books = WalletBooks(wallet(purchased(5)))
    books.add(5, Source.FREE, "late")
    assert parts(books.reserve(6).slices) == [("late", 5), ("purchased", 1)]


def test_credits_that_come_back_take_their_old_place_in_the_order() -> None:
    books = WalletBooks(wallet(free(2, "a"), free(2, "b"), purchased(2)))
    books.refund(books.deduct(5), 4)
    assert left(books.wallet) == {"a": 1, "b": 2, "purchased": 2}


def test_deduct_and_remove_take_in_the_same_order_as_reserve() -> None:
    grants = (purchased(1), free(1), promo(1))
    assert parts(WalletBooks(wallet(*grants)).deduct(3).slices) == [("free", 1), ("promo", 1), ("purchased", 1)]
    removal = WalletBooks(wallet(*grants)).remove(3)
    assert parts(removal.entry.slices) == [("free", 1), ("promo", 1), ("purchased", 1)]


def test_sorting_does_not_depend_on_how_the_grants_were_loaded() -> None:
    grants = [purchased(1), free(1, "b"), free(1, "a", expires=after(DAY)), promo(1)]
    order = Rules().order
    assert in_spend_order(grants, order) == in_spend_order(grants[::-1], order)
