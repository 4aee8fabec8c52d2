"""Clawback takes purchased credits back that a payment undone had brought, and owes the rest; Restore gives back."""

import pytest

from creditd.domain.entry import EntryKind
from creditd.domain.errors import BalanceTooLarge
from creditd.domain.grants import Source
from creditd.domain.wallet import MAX_BALANCE
from tests.domain.books import WalletBooks
from tests.domain.wallets import (
    DAY,
    HOUR,
    MINUTE,
    admin,
    after,
    by_source,
    free,
    left,
    parts,
    promo,
    purchased,
    wallet,
    with_plan,
)


def test_what_is_left_of_the_purchase_s_own_grants_goes_first_then_other_purchased_credits_in_spend_order() -> None:
    soon = purchased(2, "soon", expires=after(DAY))
    books = WalletBooks(wallet(purchased(3, "first"), purchased(4, "own"), soon, purchased(1, "own-too"), free(9)))
    movement = books.claw_back(9, "own", "own-too")
    assert parts(movement.entry.slices) == [("own", 4), ("own-too", 1), ("soon", 2), ("first", 2)]
    assert left(books.wallet) == {"free": 9, "first": 1}
    assert books.wallet.debt == 0


def test_no_more_of_a_grant_is_taken_than_was_asked_for() -> None:
    books = WalletBooks(wallet(purchased(3, "first"), purchased(4, "own")))
    movement = books.claw_back(3, "own")
    assert left(books.wallet) == {"first": 3, "own": 1}
    assert movement.changed == (purchased(1, "own"),)


def test_free_promo_and_admin_credits_are_never_taken_not_even_where_they_are_named() -> None:
    books = WalletBooks(wallet(free(5), promo(5), admin(5), purchased(2)))
    movement = books.claw_back(10, "free", "promo", "admin", "purchased")
    assert parts(movement.entry.slices) == [("purchased", 2)]
    assert left(books.wallet) == {"free": 5, "promo": 5, "admin": 5}
    assert books.wallet.debt == 8


def test_the_entry_tells_what_was_to_be_taken_what_was_and_what_is_owed() -> None:
    entry = WalletBooks(wallet(purchased(3))).claw_back(10).entry
    assert (entry.kind, entry.amount) == (EntryKind.CLAWBACK, 10)
    assert (entry.available_delta, entry.reserved_delta, entry.debt_delta) == (-3, 0, 7)
    assert (entry.available_after, entry.reserved_after, entry.debt_after) == (0, 0, 7)


def test_where_all_was_spent_all_is_owed() -> None:
    books = WalletBooks(wallet(purchased(5)))
    books.deduct(5)
    assert books.claw_back(5, "purchased").entry.slices == ()
    assert (books.wallet.available, books.wallet.debt) == (0, 5)


def test_what_is_owed_adds_up() -> None:
    books = WalletBooks(wallet(debt=3))
    books.claw_back(4)
    assert books.wallet.debt == 7


def test_what_a_hold_holds_is_not_taken_and_can_still_be_spent() -> None:
    books = WalletBooks(wallet(purchased(10)))
    held = books.reserve(6)
    books.claw_back(10, "purchased")
    assert (books.wallet.available, books.wallet.reserved, books.wallet.debt) == (0, 6, 6)
    books.confirm(held)
    assert (books.wallet.available, books.wallet.reserved, books.wallet.debt) == (0, 0, 6)


@pytest.mark.parametrize("end", ["refund", "confirm less", "expire"])
def test_what_a_hold_gives_back_pays_the_debt_from_its_purchased_part_alone(end: str) -> None:
    books = WalletBooks(wallet(free(3), purchased(10)))
    held = books.reserve(8, ttl=MINUTE)
    books.claw_back(10, "purchased")
    assert (left(books.wallet), books.wallet.debt) == ({}, 5)
    if end == "refund":
        books.refund(held)
    elif end == "confirm less":
        books.confirm(held, 1)
    else:
        books.wait(MINUTE)
        books.settle()
    assert left(books.wallet) == {"free": 2 if end == "confirm less" else 3}
    assert (books.wallet.reserved, books.wallet.debt) == (0, 0)


def test_spent_credits_that_come_back_after_the_clawback_pay_what_is_owed_for_them() -> None:
    books = WalletBooks(wallet(free(2), purchased(5)))
    spent = books.deduct(6)
    books.claw_back(5, "purchased")
    assert books.wallet.debt == 4
    books.refund(spent)
    assert (left(books.wallet), books.wallet.debt) == ({"free": 2}, 0)


def test_credits_set_aside_under_an_unlimited_plan_are_there_to_take() -> None:
    books = WalletBooks(with_plan(wallet(free(1), purchased(10))))
    held = books.reserve(50)
    books.claw_back(4, "purchased")
    assert left(books.wallet) == {"free": 1, "purchased": 6}
    books.refund(held)
    assert (left(books.wallet), books.wallet.debt) == ({"free": 1, "purchased": 6}, 0)


def test_a_purchased_grant_that_has_expired_is_not_there_to_take() -> None:
    books = WalletBooks(wallet(purchased(4, "old", expires=after(HOUR)), purchased(3, "new")))
    books.wait(HOUR)
    movement = books.claw_back(5, "old")
    assert parts(movement.entry.slices) == [("new", 3)]
    assert books.wallet.debt == 2
    assert [entry.kind for entry in books.entries] == [EntryKind.EXPIRE, EntryKind.CLAWBACK]


def test_more_debt_than_an_int64_holds_is_refused_with_the_figures() -> None:
    books = WalletBooks(wallet(debt=MAX_BALANCE - 3))
    with pytest.raises(BalanceTooLarge) as refusal:
        books.claw_back(4)
    assert refusal.value.facts == {"credit_type": "spec", "amount": 4, "total": MAX_BALANCE - 3, "maximum": MAX_BALANCE}
    books.claw_back(3)
    assert books.wallet.debt == MAX_BALANCE


def test_what_can_be_taken_does_not_count_for_the_limit_of_the_debt() -> None:
    books = WalletBooks(wallet(purchased(MAX_BALANCE)))
    books.claw_back(MAX_BALANCE)
    assert (books.wallet.available, books.wallet.debt) == (0, 0)


def test_the_next_top_up_pays_what_is_owed_first() -> None:
    books = WalletBooks(wallet(purchased(3)))
    books.claw_back(10)
    books.add(10, Source.PURCHASED, "next")
    assert (left(books.wallet), books.wallet.debt) == ({"next": 3}, 0)


def test_what_is_restored_is_a_new_purchased_grant_that_never_expires() -> None:
    books = WalletBooks(wallet(purchased(10, expires=after(DAY))))
    books.claw_back(6, "purchased")
    movement = books.restore(6, "restored")
    assert movement.granted == ("restored", Source.PURCHASED, 6, None)
    assert (movement.entry.kind, movement.entry.amount) == (EntryKind.RESTORE, 6)
    assert parts(movement.entry.slices) == [("restored", 6)]
    assert left(books.wallet) == {"purchased": 4, "restored": 6}


def test_what_is_restored_pays_what_is_owed_first() -> None:
    books = WalletBooks(wallet(purchased(3)))
    books.claw_back(10, "purchased")
    entry = books.restore(10, "restored").entry
    assert (entry.available_delta, entry.debt_delta) == (3, -7)
    assert (left(books.wallet), books.wallet.debt) == ({"restored": 3}, 0)


def test_a_clawback_takes_from_a_restored_grant_that_it_names() -> None:
    books = WalletBooks(wallet(purchased(4, "other")))
    books.restore(5, "restored")
    books.claw_back(5, "purchased", "restored")
    assert left(books.wallet) == {"other": 4}


def test_a_restoration_without_room_is_refused() -> None:
    books = WalletBooks(wallet(free(MAX_BALANCE)))
    with pytest.raises(BalanceTooLarge):
        books.restore(1)


def test_trap_a_refund_after_clawback_and_restoration_makes_no_grant_larger_than_it_came_in() -> None:
    books = WalletBooks(wallet())
    books.add(10, Source.PURCHASED, "bought")
    spent = books.deduct(6)
    books.claw_back(10, "bought")
    books.restore(10, "restored")
    books.refund(spent)
    assert left(books.wallet) == {"bought": 6, "restored": 4}
    came_in = {movement.granted.grant_id: movement.granted.amount for movement in books.movements if movement.granted}
    assert all(grant.remaining <= came_in[grant.grant_id] for grant in books.grants.values())
    assert by_source(books.wallet) == {Source.PURCHASED: 10}
