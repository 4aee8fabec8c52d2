"""Debt is what a clawback could not take; purchased credits pay it the moment that they become available."""

from creditd.domain.entry import EntryKind
from creditd.domain.grants import Source, pay_debt
from tests.domain.books import WalletBooks
from tests.domain.wallets import DAY, HOUR, MINUTE, after, free, left, parts, purchased, wallet


def indebted(spent_purchased: int, debt: int) -> tuple[WalletBooks, str]:
    """Return books whose purchased credits are all spent by one deduction, and which then got a debt."""
    books = WalletBooks(wallet(purchased(spent_purchased)))
    name = books.deduct(spent_purchased).reservation_id
    books.wallet = books.wallet._replace(debt=debt)
    return books, name


def test_a_top_up_pays_the_debt_first() -> None:
    books = WalletBooks(wallet(debt=30))
    movement = books.add(100, Source.PURCHASED, "new")
    assert (books.wallet.available, books.wallet.debt) == (70, 0)
    assert left(books.wallet) == {"new": 70}
    assert (movement.entry.amount, movement.entry.available_delta, movement.entry.debt_delta) == (100, 70, -30)


def test_a_top_up_smaller_than_the_debt_goes_into_it_whole() -> None:
    books = WalletBooks(wallet(debt=30))
    movement = books.add(10, Source.PURCHASED, "new")
    assert (books.wallet.available, books.wallet.debt) == (0, 20)
    assert left(books.wallet) == {}
    assert books.grants["new"].remaining == 0
    assert (movement.entry.available_delta, movement.entry.debt_delta) == (0, -10)


def test_a_top_up_of_exactly_the_debt_leaves_neither() -> None:
    books = WalletBooks(wallet(debt=30))
    books.add(30, Source.PURCHASED)
    assert (books.wallet.available, books.wallet.debt, books.wallet.grants) == (0, 0, ())


def test_the_grant_s_amount_is_what_was_bought_also_where_a_debt_was_paid_from_it() -> None:
    movement = WalletBooks(wallet(debt=30)).add(100, Source.PURCHASED, "new")
    assert movement.granted == ("new", Source.PURCHASED, 100, None)
    assert parts(movement.entry.slices) == [("new", 100)]


def test_free_promo_and_admin_credits_pay_no_debt() -> None:
    books = WalletBooks(wallet(debt=30))
    for source in (Source.FREE, Source.PROMO, Source.ADMIN):
        books.add(10, source)
    assert (books.wallet.available, books.wallet.debt) == (30, 30)


def test_free_credits_are_spendable_in_spite_of_a_debt() -> None:
    books = WalletBooks(wallet(free(5), debt=30))
    assert parts(books.deduct(5).slices) == [("free", 5)]
    assert books.wallet.debt == 30


def test_refunded_purchased_credits_pay_the_debt_first() -> None:
    books, name = indebted(10, debt=4)
    spent = books.reservations[name]
    assert books.refund(spent).refunded == 10
    assert (books.wallet.available, books.wallet.debt) == (6, 0)
    entry = books.entries[-1]
    assert (entry.kind, entry.amount, entry.available_delta, entry.debt_delta) == (EntryKind.REFUND, 10, 6, -4)


def test_refunds_part_by_part_pay_the_debt_before_anything_is_available() -> None:
    books, name = indebted(10, debt=4)
    figures = []
    for _ in range(5):
        books.refund(books.reservations[name], 2)
        figures.append((books.wallet.available, books.wallet.debt))
    assert figures == [(0, 2), (0, 0), (2, 0), (4, 0), (6, 0)]


def test_refunded_free_credits_pay_no_debt() -> None:
    books = WalletBooks(wallet(free(2), purchased(3)))
    spent = books.deduct(5)
    books.wallet = books.wallet._replace(debt=10)
    books.refund(spent)
    assert left(books.wallet) == {"free": 2}
    assert books.wallet.debt == 7


def test_what_a_confirm_leaves_over_pays_the_debt() -> None:
    books = WalletBooks(wallet(purchased(10)))
    held = books.reserve(10)
    books.wallet = books.wallet._replace(debt=3)
    books.confirm(held, 2)
    assert (books.wallet.available, books.wallet.reserved, books.wallet.debt) == (5, 0, 0)


def test_a_hold_given_back_pays_the_debt() -> None:
    books = WalletBooks(wallet(purchased(10)))
    held = books.reserve(10)
    books.wallet = books.wallet._replace(debt=3)
    books.refund(held)
    assert (books.wallet.available, books.wallet.reserved, books.wallet.debt) == (7, 0, 0)


def test_an_expired_hold_pays_the_debt() -> None:
    books = WalletBooks(wallet(purchased(10)))
    books.reserve(10, ttl=MINUTE)
    books.wallet = books.wallet._replace(debt=3)
    books.wait(MINUTE)
    books.settle()
    assert (books.wallet.available, books.wallet.reserved, books.wallet.debt) == (7, 0, 0)


def test_what_comes_back_in_its_grace_pays_the_debt_and_only_the_rest_lapses() -> None:
    books = WalletBooks(wallet(purchased(10, expires=after(HOUR))))
    books.reserve(10, ttl=2 * HOUR)
    books.wallet = books.wallet._replace(debt=3)
    books.wait(2 * HOUR + DAY)
    books.settle()
    assert (books.wallet.available, books.wallet.debt) == (0, 0)
    assert [entry.amount for entry in books.entries] == [10, 10, 7]


def test_what_is_held_pays_no_debt_while_it_is_held() -> None:
    books = WalletBooks(wallet(purchased(10)))
    books.reserve(10)
    books.wallet = books.wallet._replace(debt=3)
    books.add(1, Source.FREE)
    assert (books.wallet.reserved, books.wallet.debt) == (10, 3)


def test_several_purchased_grants_pay_in_spend_order() -> None:
    live = (free(5), purchased(2, "first"), purchased(4, "second"), purchased(4, "third"))
    paid = pay_debt(5, live, ())
    assert [(grant.grant_id, grant.remaining) for grant in paid.live] == [("free", 5), ("second", 1), ("third", 4)]
    assert [(grant.grant_id, grant.remaining) for grant in paid.changed] == [("first", 0), ("second", 1)]
    assert paid.amount == 5


def test_without_debt_nothing_is_paid() -> None:
    live = (purchased(2),)
    assert pay_debt(0, live, ()) == (live, (), 0)
