"""Expiry is decided by the clock, never by whether a sweep has run."""

import pytest

from creditd.domain.entry import EntryKind
from creditd.domain.errors import InsufficientCredit
from creditd.domain.grants import Source
from creditd.domain.reservation import ReservationState
from tests.domain.books import WalletBooks
from tests.domain.wallets import DAY, HOUR, MINUTE, after, free, left, parts, promo, purchased, wallet, with_plan


def test_an_expired_hold_goes_back_by_itself() -> None:
    books = WalletBooks(wallet(free(2), purchased(2)))
    held = books.reserve(3, ttl=MINUTE)
    books.wait(MINUTE)
    books.settle()
    assert books.state_of(held) == ReservationState.EXPIRED
    assert (books.wallet.available, books.wallet.reserved) == (4, 0)
    assert left(books.wallet) == {"free": 2, "purchased": 2}


def test_the_release_is_a_movement_with_its_entry() -> None:
    books = WalletBooks(wallet(free(2), purchased(2)))
    books.reserve(3, ttl=MINUTE)
    books.wait(MINUTE)
    (release,) = books.settle()
    entry = release.entry
    assert (entry.kind, entry.amount, entry.actor, entry.request_id) == (EntryKind.RELEASE, 3, "system", None)
    assert (entry.available_delta, entry.reserved_delta, entry.debt_delta) == (3, -3, 0)
    assert parts(entry.slices) == [("purchased", 1), ("free", 2)]


def test_a_grant_is_spendable_up_to_the_last_instant_before_its_expire_time() -> None:
    books = WalletBooks(wallet(free(5, expires=after(DAY))))
    books.wait(DAY - 1)
    books.reserve(5)
    assert books.wallet.reserved == 5


def test_an_expired_grant_is_not_spendable_from_its_expire_time_on() -> None:
    books = WalletBooks(wallet(free(5, expires=after(DAY)), purchased(1)))
    books.wait(DAY)
    with pytest.raises(InsufficientCredit) as refusal:
        books.reserve(2)
    assert refusal.value.facts == {"credit_type": "spec", "required": 2, "available": 1}


def test_the_lapse_is_a_movement_with_its_entry() -> None:
    books = WalletBooks(wallet(free(5, expires=after(DAY))))
    books.wait(DAY)
    (lapse,) = books.settle()
    entry = lapse.entry
    assert (entry.kind, entry.amount, entry.actor, entry.request_id) == (EntryKind.EXPIRE, 5, "system", None)
    assert (entry.available_delta, entry.reserved_delta, entry.debt_delta) == (-5, 0, 0)
    assert parts(entry.slices) == [("free", 5)]
    assert [grant.remaining for grant in lapse.changed] == [0]


def test_trap_grant_100_that_expires_after_60_were_spent_leaves_0_not_minus_60() -> None:
    books = WalletBooks(wallet(free(100, expires=after(DAY))))
    books.deduct(60)
    books.wait(DAY)
    books.settle()
    assert books.wallet.available == 0
    assert books.entries[-1].amount == 40


def test_a_grant_that_was_used_up_leaves_no_entry_when_it_expires() -> None:
    books = WalletBooks(wallet(free(100, expires=after(DAY))))
    books.deduct(100)
    books.wait(DAY)
    assert books.settle() == ()


def test_trap_the_balance_is_known_to_be_stale_from_the_very_instant_on_though_no_sweep_has_run() -> None:
    stale = wallet(free(5, expires=after(DAY)))
    assert stale.is_settled(after(DAY - 1))
    assert not stale.is_settled(after(DAY))


def test_a_live_hold_shields_what_it_holds_from_expiry() -> None:
    books = WalletBooks(wallet(free(5, expires=after(HOUR))))
    held = books.reserve(3, ttl=2 * HOUR)
    books.wait(HOUR)
    books.settle()
    assert (books.wallet.available, books.wallet.reserved) == (0, 3)
    assert books.entries[-1].amount == 2
    assert books.confirm(held).confirmed == 3


def test_what_a_hold_gives_back_before_the_grant_expires_lapses_with_the_grant() -> None:
    books = WalletBooks(wallet(free(5, expires=after(HOUR))))
    books.reserve(3, ttl=HOUR - 1)
    books.wait(HOUR)
    books.settle()
    assert books.wallet.available == 0
    assert [entry.kind for entry in books.entries] == [EntryKind.RESERVE, EntryKind.RELEASE, EntryKind.EXPIRE]


def test_trap_hold_over_free_and_purchased_whose_free_part_expires_meanwhile() -> None:
    """What is spent is spent in the order taken; what comes back of the free part keeps the grace, and stays free."""
    books = WalletBooks(wallet(free(10, expires=after(HOUR)), purchased(10)))
    held = books.reserve(15, ttl=2 * HOUR)
    books.wait(HOUR + 1)
    spent = books.confirm(held, 8)
    assert parts(spent.slices) == [("free", 8)]
    assert left(books.wallet) == {"free": 2, "purchased": 10}
    assert books.grants["free"].expire_time == after(HOUR + 1 + DAY)
    books.wait(DAY)
    books.settle()
    assert left(books.wallet) == {"purchased": 10}


def test_trap_hold_over_free_and_purchased_whose_free_part_expires_meanwhile_and_which_expires_itself() -> None:
    books = WalletBooks(wallet(free(10, expires=after(HOUR)), purchased(10)))
    books.reserve(15, ttl=2 * HOUR)
    books.wait(2 * HOUR)
    books.settle()
    assert left(books.wallet) == {"free": 10, "purchased": 10}
    books.wait(DAY)
    books.settle()
    assert left(books.wallet) == {"purchased": 10}
    assert (books.wallet.available, books.wallet.reserved) == (10, 0)


def test_several_things_due_happen_in_the_order_of_their_times() -> None:
    books = WalletBooks(wallet(free(1, expires=after(3)), promo(2, expires=after(1)), purchased(4)))
    books.reserve(1, ttl=2)
    books.wait(10)
    books.settle()
    assert [entry.kind for entry in books.entries[1:]] == [EntryKind.EXPIRE, EntryKind.RELEASE, EntryKind.EXPIRE]
    assert [entry.amount for entry in books.entries[1:]] == [2, 1, 1]


def test_it_makes_no_difference_how_many_holds_are_settled_in_one_go() -> None:
    """The grant lapses once, after the last hold that ends before it, also where that hold is left for the next go."""
    in_one_go = WalletBooks(wallet(free(9, expires=after(3))))
    for ttl in (1, 2):
        in_one_go.reserve(1, ttl=ttl)
    in_one_go.wait(10)
    in_pieces = in_one_go.copy()
    in_one_go.settle()
    in_pieces.settle(most=1)
    assert not in_pieces.wallet.is_settled(in_pieces.now)
    in_pieces.settle(most=1)
    assert in_pieces.wallet == in_one_go.wallet
    assert in_pieces.entries == in_one_go.entries


def test_grants_that_expire_together_lapse_each_with_an_entry_of_its_own() -> None:
    books = WalletBooks(wallet(*(free(1, name, expires=after(1)) for name in "cab")))
    books.wait(1)
    assert [parts(movement.entry.slices) for movement in books.settle()] == [[("a", 1)], [("b", 1)], [("c", 1)]]


def test_grants_lapse_in_the_order_of_their_times() -> None:
    books = WalletBooks(wallet(free(1, "a", expires=after(2)), promo(1, "b", expires=after(1))))
    books.wait(2)
    assert [parts(movement.entry.slices) for movement in books.settle()] == [[("b", 1)], [("a", 1)]]


def test_a_grant_and_a_hold_on_it_that_end_at_the_same_instant_leave_the_held_part_the_grace() -> None:
    books = WalletBooks(wallet(free(5, expires=after(HOUR))))
    books.reserve(3, ttl=HOUR)
    books.wait(HOUR)
    books.settle()
    assert left(books.wallet) == {"free": 3}


def test_what_is_due_is_due_though_the_sweep_comes_a_year_late() -> None:
    """The grace counts from when the hold ended, not from when somebody looked."""
    books = WalletBooks(wallet(free(5, expires=after(HOUR))))
    books.reserve(5, ttl=2 * HOUR)
    books.wait(365 * DAY)
    books.settle()
    assert books.wallet.available == 0
    assert [entry.kind for entry in books.entries] == [EntryKind.RESERVE, EntryKind.RELEASE, EntryKind.EXPIRE]


def test_settling_twice_is_settling_once() -> None:
    books = WalletBooks(wallet(free(5, expires=after(HOUR))))
    books.reserve(3, ttl=MINUTE)
    books.wait(2 * HOUR)
    assert books.settle()
    settled = books.wallet
    assert books.settle() == ()
    assert books.wallet == settled


def test_what_a_movement_makes_expire_sooner_is_looked_at_sooner() -> None:
    books = WalletBooks(wallet(purchased(5)))
    books.remove(1)
    books.add(5, Source.PROMO, expires=after(DAY))
    books.add(5, Source.FREE, expires=after(HOUR))
    held = books.reserve(1, ttl=MINUTE)
    books.extend(held, ttl=DAY)
    looks = [movement.wallet.next_expire_time for movement in books.movements]
    assert looks == [None, after(DAY), after(HOUR), after(MINUTE), after(MINUTE)]


def test_a_look_that_finds_nothing_due_tells_when_to_look_next() -> None:
    """A hold that ended before another leaves its expire time behind; settling corrects it without a movement."""
    books = WalletBooks(wallet(free(5, expires=after(DAY))))
    first = books.reserve(2, ttl=MINUTE)
    books.reserve(1, ttl=HOUR)
    books.confirm(first)
    assert books.wallet.next_expire_time == after(MINUTE)
    books.wait(MINUTE)
    assert books.settle() == ()
    assert books.wallet.next_expire_time == after(HOUR)


def test_the_end_of_the_last_hold_leaves_nothing_to_look_at_but_the_grants() -> None:
    books = WalletBooks(wallet(free(5, expires=after(DAY)), purchased(5)))
    for _ in range(2):
        books.confirm(books.reserve(2, ttl=MINUTE), 1)
        books.refund(books.reserve(2, ttl=MINUTE))
        assert books.wallet.next_expire_time == after(DAY)
    books.confirm(books.reserve(8, ttl=MINUTE))
    assert books.wallet.next_expire_time is None


def test_a_hold_under_a_plan_is_looked_at_though_no_figure_shows_it() -> None:
    books = WalletBooks(with_plan(wallet(free(5))))
    held = books.reserve(2, ttl=HOUR)
    books.wallet = with_plan(books.wallet, unlimited=False)
    books.confirm(books.reserve(2, ttl=MINUTE))
    books.wait(HOUR)
    assert not books.wallet.is_settled(after(HOUR))
    books.settle()
    assert books.state_of(held) == ReservationState.EXPIRED


def test_entries_never_go_back_in_time_though_two_servers_clocks_differ() -> None:
    books = WalletBooks(wallet(free(5)))
    books.wait(1_000)
    books.reserve(1)
    books.wait(-500)
    books.reserve(1)
    assert [entry.create_time for entry in books.entries] == [after(1_000), after(1_000)]
