"""WriteOff lowers a debt without any credits moving: all of it, or part, and never more than there is."""

import pytest

from creditd.domain.entry import EntryKind
from creditd.domain.errors import AmountExceedsDebt
from creditd.domain.grants import Source
from tests.domain.books import WalletBooks
from tests.domain.wallets import free, left, wallet


def test_all_is_written_off_if_no_amount_is_named() -> None:
    books = WalletBooks(wallet(debt=30))
    entry = books.write_off().entry
    assert (entry.kind, entry.amount) == (EntryKind.WRITE_OFF, 30)
    assert (entry.available_delta, entry.reserved_delta, entry.debt_delta) == (0, 0, -30)
    assert books.wallet.debt == 0


def test_part_is_written_off_and_the_rest_stays() -> None:
    books = WalletBooks(wallet(debt=30))
    assert books.write_off(10).entry.amount == 10
    assert books.wallet.debt == 20


def test_no_credits_move() -> None:
    books = WalletBooks(wallet(free(5), debt=30))
    held = books.reserve(2)
    movement = books.write_off(10)
    assert left(books.wallet) == {"free": 3}
    assert (books.wallet.available, books.wallet.reserved) == (3, 2)
    assert (movement.entry.slices, movement.changed, movement.granted) == ((), (), None)
    assert books.reservations[held.reservation_id] == held


@pytest.mark.parametrize("requested", [31, 2**63 - 1])
def test_more_than_is_owed_is_refused_with_the_figures(requested: int) -> None:
    books = WalletBooks(wallet(debt=30))
    with pytest.raises(AmountExceedsDebt) as refusal:
        books.write_off(requested)
    assert refusal.value.facts == {"credit_type": "spec", "requested": requested, "debt": 30}
    assert books.wallet.debt == 30


@pytest.mark.parametrize(("amount", "requested"), [(None, 0), (5, 5)])
def test_where_nothing_is_owed_there_is_nothing_to_write_off(amount: int | None, requested: int) -> None:
    with pytest.raises(AmountExceedsDebt) as refusal:
        WalletBooks(wallet(free(5))).write_off(amount)
    assert refusal.value.facts == {"credit_type": "spec", "requested": requested, "debt": 0}


def test_the_next_top_up_pays_only_what_was_not_written_off() -> None:
    books = WalletBooks(wallet(debt=30))
    books.write_off(25)
    books.add(10, Source.PURCHASED, "next")
    assert (left(books.wallet), books.wallet.debt) == ({"next": 5}, 0)


def test_what_a_hold_gives_back_after_its_debt_was_written_off_is_there_to_spend() -> None:
    books = WalletBooks(wallet())
    books.add(10, Source.PURCHASED, "bought")
    held = books.reserve(10)
    books.claw_back(10, "bought")
    books.write_off()
    books.refund(held)
    assert (left(books.wallet), books.wallet.debt) == ({"bought": 10}, 0)
