"""How much is taken back in all decides the outcome: not in how many steps, up and down, that amount was reached."""

from collections.abc import Iterable
from itertools import count

from hypothesis import given, settings
from hypothesis import strategies as st

from creditd.domain.grants import Grant, Source
from tests.domain.books import WalletBooks, folded, stored
from tests.domain.wallets import MINUTE, by_source, wallet

sources = st.sampled_from([*Source, Source.PURCHASED, Source.PURCHASED])
grants = st.lists(st.builds(Grant, st.uuids().map(str), sources, st.integers(1, 12), st.none()), max_size=5)
targets = st.integers(0, 30)


def books_with(opening: list[Grant], held: int) -> WalletBooks:
    """Return books of these grants, of which as much of an amount is held as there is."""
    books = WalletBooks(wallet(*opening))
    amount = min(held, books.wallet.available)
    if amount:
        books.reserve(amount, ttl=MINUTE)
    return books


def go_to(books: WalletBooks, targets: Iterable[int], first: list[Grant]) -> None:
    """Take back up to each target in turn, by the difference to the one before."""
    taken, names = 0, count()
    for target in targets:
        if target > taken:
            books.claw_back(target - taken, *(grant.grant_id for grant in first))
        elif target < taken:
            books.restore(taken - target, f"restored-{next(names)}")
        taken = target


def figures(books: WalletBooks) -> object:
    """Return all that does not tell one purchased grant from another."""
    return (*books.wallet[3:6], by_source(books.wallet))


@settings(settings.get_profile("short"))
@given(opening=grants, held=st.integers(0, 20), path=st.lists(targets, min_size=1, max_size=8), named=st.integers(0, 5))
def test_any_way_to_a_target_ends_as_the_straight_one_does(
    opening: list[Grant], held: int, path: list[int], named: int
) -> None:
    crooked, straight = books_with(opening, held), books_with(opening, held)
    go_to(crooked, path, opening[:named])
    go_to(straight, path[-1:], [])
    assert figures(crooked) == figures(straight)
    for books in (crooked, straight):
        books.wait(MINUTE)
        books.settle()
    assert figures(crooked) == figures(straight)


@settings(settings.get_profile("short"))
@given(opening=grants, path=st.lists(targets, max_size=8))
def test_no_way_touches_a_credit_that_was_not_bought(opening: list[Grant], path: list[int]) -> None:
    books = books_with(opening, 0)
    go_to(books, path, opening)
    given = [grant for grant in opening if grant.source != Source.PURCHASED]
    assert [grant for grant in books.wallet.grants if grant.source != Source.PURCHASED] == list(wallet(*given).grants)
    changed = [grant for movement in books.movements for grant in movement.changed]
    assert all(grant.source == Source.PURCHASED for grant in changed)


@settings(settings.get_profile("short"))
@given(opening=grants, held=st.integers(0, 20), target=st.integers(1, 30))
def test_what_was_held_pays_the_debt_with_what_was_bought_of_it_and_nothing_else(
    opening: list[Grant], held: int, target: int
) -> None:
    books = books_with(opening, held)
    go_to(books, [target], opening)
    books.wait(MINUTE)
    books.settle()
    before = by_source(wallet(*opening))
    bought = before.pop(Source.PURCHASED, 0)
    rest = {Source.PURCHASED: bought - target} if bought > target else {}
    assert by_source(books.wallet) == before | rest
    assert books.wallet.debt == max(target - bought, 0)


@settings(settings.get_profile("short"))
@given(opening=grants, held=st.integers(0, 20), path=st.lists(targets, max_size=8), written_off=st.integers(1, 30))
def test_the_entries_of_any_way_fold_to_the_wallet(
    opening: list[Grant], held: int, path: list[int], written_off: int
) -> None:
    books = books_with(opening, held)
    go_to(books, path, opening)
    if books.wallet.debt:
        books.write_off(min(written_off, books.wallet.debt))
    books.wait(MINUTE)
    books.settle()
    fold = folded(wallet(*opening))
    for entry in books.entries:
        fold.add(entry)
    assert fold.compare(stored(books)) == []
