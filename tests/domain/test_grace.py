"""What comes back to a grant that has expired meanwhile stays usable for the configured grace, then lapses."""

from creditd.domain.entry import EntryKind
from creditd.domain.grants import Source
from creditd.domain.wallet import Rules
from tests.domain.books import Books
from tests.domain.wallets import DAY, HOUR, after, by_source, free, left, parts, purchased, wallet


def test_a_refund_after_the_expiry_is_usable_for_24_hours() -> None:
    books = Books(wallet(free(5, expires=after(HOUR))))
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
    books = Books(wallet(free(5, expires=after(HOUR))), Rules(grace=HOUR))
    spent = books.deduct(5)
    books.wait(2 * HOUR)
    books.refund(spent)
    assert books.grants["free"].expire_time == after(3 * HOUR)


def test_without_any_grace_what_comes_back_lapses_at_the_next_instant_so_that_a_settled_wallet_stays_settled() -> None:
    books = Books(wallet(free(5, expires=after(HOUR))), Rules(grace=0))
    spent = books.deduct(5)
    books.wait(2 * HOUR)
    books.refund(spent)
    assert books.wallet.is_settled(books.now)
    books.wait(1)
    books.settle()
    assert books.wallet.available == 0


def test_what_comes_back_before_the_expiry_expires_as_it_always_would_have() -> None:
    books = Books(wallet(free(5, expires=after(HOUR))))
    spent = books.deduct(5)
    books.wait(HOUR - 1)
    books.refund(spent)
    assert books.grants["free"].expire_time == after(HOUR)


def test_what_never_expires_needs_no_grace() -> None:
    books = Books(wallet(purchased(5)))
    spent = books.deduct(5)
    books.wait(365 * DAY)
    books.refund(spent)
    assert books.grants["purchased"].expire_time is None


def test_credits_in_their_grace_keep_their_source() -> None:
    books = Books(wallet(free(5, expires=after(HOUR))))
    spent = books.deduct(5)
    books.wait(2 * HOUR)
    books.refund(spent)
    assert by_source(books.wallet) == {Source.FREE: 5}


def test_what_confirm_leaves_over_of_an_expired_grant_keeps_the_grace() -> None:
    books = Books(wallet(free(5, expires=after(HOUR))))
    held = books.reserve(5, ttl=2 * HOUR)
    books.wait(HOUR)
    books.confirm(held, 2)
    assert left(books.wallet) == {"free": 3}
    assert books.grants["free"].expire_time == after(HOUR + DAY)


def test_a_hold_that_ends_after_its_grant_keeps_the_grace_from_its_end_however_late_the_sweep() -> None:
    books = Books(wallet(free(5, expires=after(HOUR))))
    books.reserve(5, ttl=2 * HOUR)
    books.wait(5 * HOUR)
    books.settle()
    assert books.wallet.available == 5
    assert books.grants["free"].expire_time == after(2 * HOUR + DAY)


def test_credits_spent_in_their_grace_and_given_back_within_it_keep_its_end() -> None:
    books = Books(wallet(free(5, expires=after(HOUR))))
    spent = books.deduct(5)
    books.wait(2 * HOUR)
    books.refund(spent)
    spent = books.deduct(5)
    books.wait(HOUR)
    books.refund(spent)
    assert books.grants["free"].expire_time == after(2 * HOUR + DAY)


def test_trap_a_second_late_refund_has_its_whole_grace_though_the_first_one_s_is_nearly_over() -> None:
    """It does not depend on whether anything of the first is still left."""
    expire_times = set()
    for spend_the_first in (False, True):
        books = Books(wallet(free(10, expires=after(HOUR))))
        first, second = books.deduct(4), books.deduct(6)
        books.wait(2 * HOUR)
        books.refund(first)
        if spend_the_first:
            books.deduct(4)
        books.wait(DAY - 1)
        books.refund(second)
        expire_times.add(books.grants["free"].expire_time)
    assert expire_times == {after(2 * HOUR + DAY - 1 + DAY)}


def test_a_grace_is_never_cut_short_by_credits_of_the_same_grant_that_were_due_sooner() -> None:
    """A slice taken in an earlier grace and given back within it must not end a later one."""
    books = Books(wallet(free(10, expires=after(HOUR))))
    first, second = books.deduct(4), books.deduct(6)
    books.wait(2 * HOUR)
    books.refund(first)
    taken_in_first_grace = books.deduct(4)
    books.wait(HOUR)
    books.refund(second)
    books.refund(taken_in_first_grace)
    assert left(books.wallet) == {"free": 10}
    assert books.grants["free"].expire_time == after(3 * HOUR + DAY)


def test_only_the_part_of_a_refund_that_expired_is_in_its_grace() -> None:
    books = Books(wallet(free(5, "older", expires=after(HOUR)), free(5, "younger", expires=after(3 * HOUR))))
    spent = books.deduct(8)
    books.wait(2 * HOUR)
    books.refund(spent)
    assert parts(books.entries[-1].slices) == [("younger", 3), ("older", 5)]
    assert books.grants["older"].expire_time == after(2 * HOUR + DAY)
    assert books.grants["younger"].expire_time == after(3 * HOUR)
