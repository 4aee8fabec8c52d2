"""What comes back to a grant that has expired meanwhile stays usable for the configured grace, then lapses."""

from creditd.domain.entry import EntryKind
from creditd.domain.grants import Grace, Source
from creditd.domain.wallet import Rules
from tests.domain.books import WalletBooks
from tests.domain.wallets import DAY, HOUR, after, by_source, free, left, parts, promo, purchased, wallet


def test_a_refund_after_the_expiry_is_usable_for_24_hours() -> None:
    books = WalletBooks(wallet(free(5, expires=after(HOUR))))
    spent = books.deduct(5)
    books.wait(2 * HOUR)
    books.refund(spent)
    assert books.wallet.available == 5
    books.wait(DAY - 1)
    books.settle()
    assert books.wallet.available == 5
    books.wait(1)
    books.settle()
    assert books.wallet.available == 0
    assert (books.entries[-1].kind, books.entries[-1].amount) == (EntryKind.EXPIRE, 5)


def test_the_grace_is_configured() -> None:
    books = WalletBooks(wallet(free(5, expires=after(HOUR))), Rules(grace=HOUR))
    spent = books.deduct(5)
    books.wait(2 * HOUR)
    books.refund(spent)
    assert books.grants["free"].expire_time == after(3 * HOUR)


def test_without_any_grace_what_comes_back_lapses_at_once_by_an_entry_of_its_own() -> None:
    books = WalletBooks(wallet(free(5, expires=after(HOUR))), Rules(grace=0))
    spent = books.deduct(5)
    books.wait(2 * HOUR)
    books.refund(spent)
    assert [(entry.kind, entry.amount) for entry in books.entries[-2:]] == [
        (EntryKind.REFUND, 5),
        (EntryKind.EXPIRE, 5),
    ]
    assert books.wallet.available == 0
    assert books.wallet.is_settled(books.now)


def test_what_comes_back_before_the_expiry_expires_as_it_always_would_have() -> None:
    books = WalletBooks(wallet(free(5, expires=after(HOUR))))
    spent = books.deduct(5)
    books.wait(HOUR - 1)
    books.refund(spent)
    assert books.grants["free"].expire_time == after(HOUR)


def test_what_never_expires_needs_no_grace() -> None:
    books = WalletBooks(wallet(purchased(5)))
    spent = books.deduct(5)
    books.wait(365 * DAY)
    books.refund(spent)
    assert books.grants["purchased"].expire_time is None


def test_credits_in_their_grace_keep_their_source() -> None:
    books = WalletBooks(wallet(free(5, expires=after(HOUR))))
    spent = books.deduct(5)
    books.wait(2 * HOUR)
    books.refund(spent)
    assert by_source(books.wallet) == {Source.FREE: 5}


def test_what_confirm_leaves_over_of_an_expired_grant_keeps_the_grace() -> None:
    books = WalletBooks(wallet(free(5, expires=after(HOUR))))
    held = books.reserve(5, ttl=2 * HOUR)
    books.wait(HOUR)
    books.confirm(held, 2)
    assert left(books.wallet) == {"free": 3}
    assert books.grants["free"].expire_time == after(HOUR + DAY)


def test_a_hold_that_ends_after_its_grant_keeps_the_grace_from_its_end_however_late_the_sweep() -> None:
    books = WalletBooks(wallet(free(5, expires=after(HOUR))))
    books.reserve(5, ttl=2 * HOUR)
    books.wait(5 * HOUR)
    books.settle()
    assert books.wallet.available == 5
    assert books.grants["free"].expire_time == after(2 * HOUR + DAY)


def test_credits_spent_in_their_grace_and_given_back_within_it_keep_its_end() -> None:
    books = WalletBooks(wallet(free(5, expires=after(HOUR))))
    spent = books.deduct(5)
    books.wait(2 * HOUR)
    books.refund(spent)
    spent = books.deduct(5)
    books.wait(HOUR)
    books.refund(spent)
    assert books.grants["free"].expire_time == after(2 * HOUR + DAY)


def test_trap_a_second_late_refund_shares_the_grace_of_the_first_one() -> None:
    """It does not depend on whether anything of the first is still left."""
    expire_times = set()
    for spend_the_first in (False, True):
        books = WalletBooks(wallet(free(10, expires=after(HOUR))))
        first, second = books.deduct(4), books.deduct(6)
        books.wait(2 * HOUR)
        books.refund(first)
        if spend_the_first:
            books.deduct(4)
        books.wait(DAY - 1)
        books.refund(second)
        assert books.wallet.available == (6 if spend_the_first else 10)
        expire_times.add(books.grants["free"].expire_time)
    assert expire_times == {after(2 * HOUR + DAY)}


def test_trap_what_comes_back_after_the_grace_lapses_at_once_by_an_entry_of_its_own() -> None:
    """Whether it was taken before the expiry or in the grace, and by every way back."""
    for taken_in_grace in (False, True):
        for way in ("refund", "confirm less", "refund confirmed", "expiry"):
            books = WalletBooks(wallet(free(10, expires=after(HOUR))), Rules(max_ttl=30 * DAY))
            first = books.deduct(4)
            late = books.deduct(6) if way == "refund confirmed" else books.reserve(6, ttl=2 * DAY)
            books.wait(2 * HOUR)
            books.refund(first)
            if taken_in_grace:
                late = books.deduct(4) if way == "refund confirmed" else books.reserve(4, ttl=2 * DAY)
            else:
                books.deduct(4)
            books.wait(3 * DAY if way == "expiry" else DAY)
            if way == "confirm less":
                books.confirm(late, 1)
            elif way == "expiry":
                books.settle()
            else:
                books.refund(late)
            came_back, lapsed = books.entries[-2:]
            assert came_back.kind.name == {"confirm less": "CONFIRM", "expiry": "RELEASE"}.get(way, "REFUND")
            assert (lapsed.kind, lapsed.amount) == (EntryKind.EXPIRE, came_back.available_delta), way
            assert books.wallet.available == lapsed.available_after == 0
            assert books.wallet.is_settled(books.now)


def test_trap_credits_held_again_and_again_have_one_grace() -> None:
    """Each hold ends a little after the grace that the one before began."""
    books = WalletBooks(wallet(promo(5, expires=after(HOUR))))
    books.reserve(5, ttl=2 * HOUR)
    books.wait(2 * HOUR)
    books.reserve(5, ttl=DAY)
    books.wait(DAY)
    books.settle()
    assert [entry.kind.name for entry in books.entries] == ["RESERVE", "RELEASE", "RESERVE", "RELEASE", "EXPIRE"]
    assert books.wallet.available == 0


def test_trap_many_holds_taken_before_the_expiry_share_one_grace() -> None:
    """A hold for each day, kept alive, must not lend its end to the others."""
    books = WalletBooks(wallet(promo(10, expires=after(HOUR))))
    holds = [books.reserve(1) for _ in range(10)]
    for day in range(10):
        for held in holds[day:]:
            books.extend(held, ttl=DAY)
        books.wait(DAY - 1)
        books.refund(holds[day])
    assert [entry.kind.name for entry in books.entries if entry.kind != EntryKind.EXTEND][10:] == [
        "REFUND",
        *["REFUND"],
        "EXPIRE",
        *["REFUND", "EXPIRE"] * 8,
    ]
    assert books.wallet.available == 0


def test_the_entry_that_a_grace_begins_with_says_when_it_ends() -> None:
    books = WalletBooks(wallet(free(5, expires=after(HOUR))))
    held = books.reserve(5, ttl=DAY)
    books.wait(2 * HOUR)
    books.confirm(held, 2)
    assert books.entries[-1].graces == (Grace("free", after(2 * HOUR + DAY)),)
    books.refund(held)
    assert not books.entries[-1].graces


def test_only_the_part_of_a_refund_that_expired_is_in_its_grace() -> None:
    books = WalletBooks(wallet(free(5, "older", expires=after(HOUR)), free(5, "younger", expires=after(3 * HOUR))))
    spent = books.deduct(8)
    books.wait(2 * HOUR)
    books.refund(spent)
    assert parts(books.entries[-1].slices) == [("younger", 3), ("older", 5)]
    assert books.grants["older"].expire_time == after(2 * HOUR + DAY)
    assert books.grants["younger"].expire_time == after(3 * HOUR)
