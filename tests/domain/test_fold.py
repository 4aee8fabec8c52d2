"""Folding a wallet's entries gives the wallet, and shows where the stored one differs."""

from creditd.domain.entry import Entry
from creditd.domain.fold import Difference, Fold
from creditd.domain.grants import Source
from tests.domain.books import WalletBooks, folded, stored
from tests.domain.wallets import DAY, MINUTE, after, wallet


def lively_books() -> WalletBooks:
    """Return books with an entry of every kind."""
    books = WalletBooks(wallet())
    books.add(10, Source.FREE, expires=after(DAY))
    books.add(5, Source.PROMO)
    books.add(20, Source.PURCHASED)
    books.add(5, Source.ADMIN)
    held = books.reserve(12)
    books.extend(held, ttl=10 * MINUTE)
    books.refund(books.confirm(held, 11), 2)
    books.refund(books.deduct(3))
    books.refund(books.reserve(4))
    books.confirm(books.reserve(1), 2, allow_excess=True)
    books.reserve(7, ttl=MINUTE)
    books.wait(MINUTE)
    books.remove(1)
    books.claw_back(30)
    books.write_off(5)
    books.restore(30)
    books.wait(DAY)
    books.add(1, Source.FREE, expires=after(3 * DAY))
    books.reserve(1, ttl=DAY)
    return books


def fold_of(entries: list[Entry]) -> Fold:
    fold = Fold()
    for entry in entries:
        fold.add(entry)
    return fold


def test_folding_the_entries_gives_the_wallet() -> None:
    books = lively_books()
    assert fold_of(books.entries).compare(stored(books)) == []


def test_folding_gives_the_wallet_at_every_version() -> None:
    books = lively_books()
    fold = Fold()
    for movement in books.movements:
        fold.add(movement.entry)
        wallet_then = movement.wallet
        assert (fold.version, fold.available, fold.reserved, fold.debt) == wallet_then[2:6]


def test_trap_a_top_up_that_paid_a_debt_folds_to_what_was_left_of_it() -> None:
    opening = wallet(debt=30)
    books = WalletBooks(opening)
    books.add(100, Source.PURCHASED)
    fold = folded(opening)
    fold.add(books.entries[0])
    assert fold.by_source[Source.PURCHASED] == 70
    assert fold.compare(stored(books)) == []


def test_trap_credits_that_came_back_and_paid_a_debt_fold_to_what_was_left_of_them() -> None:
    for give_back in ("confirm less", "refund", "expire", "refund confirmed"):
        books = WalletBooks(wallet())
        books.add(10, Source.PURCHASED)
        held = books.deduct(10) if give_back == "refund confirmed" else books.reserve(10, ttl=MINUTE)
        books.wallet = books.wallet._replace(debt=3)
        fold = fold_of(books.entries)
        fold.debt = 3
        if give_back == "confirm less":
            books.confirm(held, 2)
        elif give_back == "expire":
            books.wait(MINUTE)
            books.settle()
        else:
            books.refund(held)
        fold.add(books.entries[-1])
        assert fold.compare(stored(books)) == [], give_back


def test_a_missing_entry_is_shown_where_it_is_missing() -> None:
    books = lively_books()
    entries = [entry for entry in books.entries if entry.version != 3]
    assert Difference(4, "version", 3, 4) in fold_of(entries).compare(stored(books))


def test_a_figure_that_the_deltas_do_not_add_up_to_is_shown_once_where_it_arose() -> None:
    books = lively_books()
    books.entries[1] = books.entries[1]._replace(available_after=99, available_delta=5)
    differences = fold_of(books.entries).differences
    assert differences[0] == Difference(2, "available_after", 15, 99)
    assert [difference.version for difference in differences] == [2, 3]


def test_a_wallet_that_was_changed_behind_the_ledger_is_shown() -> None:
    books = lively_books()
    actual = stored(books)
    fold = fold_of(books.entries)
    assert fold.compare(actual._replace(available=actual.available + 1)) == [
        Difference(0, "available", actual.available, actual.available + 1)
    ]
    assert fold.compare(actual._replace(held=0)) == [Difference(0, "held", 1, 0)]


def test_a_grant_that_changed_its_source_is_shown_though_the_balance_is_right() -> None:
    books = lively_books()
    actual = stored(books)
    sources = dict(actual.by_source)
    sources[Source.FREE] = sources.get(Source.FREE, 0) + sources.pop(Source.PURCHASED)
    fields = [difference.field for difference in fold_of(books.entries).compare(actual._replace(by_source=sources))]
    assert fields == ["grants.FREE", "grants.PURCHASED"]
