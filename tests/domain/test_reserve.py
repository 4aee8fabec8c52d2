"""Reserve holds an amount, if the available balance covers it, for a bounded time."""

import pytest

from creditd.domain.entry import EntryKind
from creditd.domain.errors import ExpiryInPast, ExpiryOutOfRange, InsufficientCredit
from creditd.domain.instant import SECOND, instant_text
from creditd.domain.reservation import ReservationState, parse_reservation_name
from creditd.domain.wallet import Rules
from tests.domain.books import WalletBooks
from tests.domain.wallets import DAY, MINUTE, RULES, START, after, free, left, parts, purchased, wallet


def test_reserve_moves_the_amount_from_available_to_reserved() -> None:
    books = WalletBooks(wallet(free(10)))
    books.reserve(4)
    assert (books.wallet.available, books.wallet.reserved) == (6, 4)


def test_a_reservation_remembers_what_it_holds_and_where_it_was_taken_from() -> None:
    books = WalletBooks(wallet(free(3), purchased(10)))
    held = books.reserve(5)
    assert held.state == ReservationState.PENDING
    assert (held.amount, held.confirmed, held.refunded, held.held) == (5, 0, 0, 5)
    assert parts(held.slices) == [("free", 3), ("purchased", 2)]
    assert not held.unlimited


def test_all_that_is_available_can_be_held() -> None:
    books = WalletBooks(wallet(free(1)))
    books.reserve(1)
    assert books.wallet.available == 0
    assert left(books.wallet) == {}


def test_more_than_is_available_is_refused_with_both_figures() -> None:
    books = WalletBooks(wallet(free(10)))
    with pytest.raises(InsufficientCredit) as refusal:
        books.reserve(11)
    assert refusal.value.facts == {"credit_type": "spec", "required": 11, "available": 10}


def test_what_is_held_is_no_longer_available() -> None:
    books = WalletBooks(wallet(free(10)))
    books.reserve(8)
    with pytest.raises(InsufficientCredit) as refusal:
        books.reserve(3)
    assert refusal.value.facts == {"credit_type": "spec", "required": 3, "available": 2}


def test_an_empty_wallet_holds_nothing() -> None:
    with pytest.raises(InsufficientCredit):
        WalletBooks(wallet()).reserve(1)


def test_trap_20_reserves_of_75_on_500_give_exactly_6() -> None:
    books = WalletBooks(wallet(purchased(500)))
    refused = 0
    for _ in range(20):
        try:
            books.reserve(75)
        except InsufficientCredit:
            refused += 1
    assert refused == 14
    assert len(books.reservations) == 6
    assert (books.wallet.available, books.wallet.reserved) == (50, 450)


def test_trap_two_quick_clicks_with_one_credit_give_exactly_one_success() -> None:
    books = WalletBooks(wallet(free(1)))
    books.reserve(1)
    with pytest.raises(InsufficientCredit):
        books.reserve(1)
    assert (books.wallet.available, books.wallet.reserved) == (0, 1)


def test_a_hold_lasts_5_minutes_unless_something_else_is_said() -> None:
    assert WalletBooks(wallet(free(1))).reserve(1).expire_time == after(5 * MINUTE)


def test_the_default_lifetime_is_configured() -> None:
    assert WalletBooks(wallet(free(1)), Rules(default_ttl=SECOND)).reserve(1).expire_time == after(SECOND)


def test_a_hold_lasts_as_long_as_the_request_says() -> None:
    assert WalletBooks(wallet(free(1))).reserve(1, ttl=MINUTE).expire_time == after(MINUTE)


def test_a_hold_lasts_until_the_instant_that_the_request_says() -> None:
    assert WalletBooks(wallet(free(1))).reserve(1, until=after(MINUTE)).expire_time == after(MINUTE)


def test_the_configured_maximum_itself_is_allowed() -> None:
    assert WalletBooks(wallet(free(1))).reserve(1, ttl=RULES.max_ttl).expire_time == after(DAY)
    assert WalletBooks(wallet(free(1))).reserve(1, until=after(DAY)).expire_time == after(DAY)


@pytest.mark.parametrize("ttl", [0, -1, RULES.max_ttl + 1])
def test_a_lifetime_that_is_no_time_or_too_long_is_refused(ttl: int) -> None:
    with pytest.raises(ExpiryOutOfRange) as refusal:
        WalletBooks(wallet(free(1))).reserve(1, ttl=ttl)
    assert refusal.value.facts == {"field": "ttl", "maximum_seconds": 86_400}


@pytest.mark.parametrize("offset", [0, -1, -DAY])
def test_an_expire_time_that_has_come_is_refused_and_told_the_time(offset: int) -> None:
    with pytest.raises(ExpiryInPast) as refusal:
        WalletBooks(wallet(free(1))).reserve(1, until=after(offset))
    assert refusal.value.facts == {"field": "expire_time", "server_time": instant_text(START)}


def test_an_expire_time_that_is_too_far_away_is_refused() -> None:
    with pytest.raises(ExpiryOutOfRange) as refusal:
        WalletBooks(wallet(free(1))).reserve(1, until=after(RULES.max_ttl + 1))
    assert refusal.value.facts == {"field": "expire_time", "maximum_seconds": 86_400}


def test_the_entry_tells_of_the_hold() -> None:
    books = WalletBooks(wallet(free(10)))
    held = books.reserve(4)
    entry = books.entries[-1]
    assert (entry.kind, entry.amount) == (EntryKind.RESERVE, 4)
    assert (entry.available_delta, entry.reserved_delta, entry.debt_delta) == (-4, 4, 0)
    assert entry.slices == held.slices


def test_a_reservation_s_name_says_whose_it_is_and_is_read_back() -> None:
    held = WalletBooks(wallet(free(1))).reserve(1)
    assert held.name == f"accounts/alice/wallets/spec/reservations/{held.reservation_id}"
    assert parse_reservation_name(held.name) == ("alice", "spec", held.reservation_id)
