"""A grant has one grace: its rows remember it, whatever becomes of a server's memory and of the grant meanwhile."""

from typing import NamedTuple

import pytest
from sqlalchemy import text

from creditd.domain.commands import Add
from creditd.domain.entry import EntryKind
from creditd.domain.errors import InsufficientCredit
from creditd.domain.grants import Grant, Source
from creditd.domain.instant import SECOND, Instant
from creditd.domain.reservation import Reservation
from creditd.ledger.balances import BalanceReader
from creditd.ledger.ids import uuid7
from creditd.ledger.verification import Found
from creditd.ledger.work import Outcome, Work
from creditd.storage.wallets import load_accounts
from tests.support.desk import RULES, Desk
from tests.support.ledger_books import Books
from tests.support.works import MINUTE, add, confirm, deduct, extend, origin, refund, reservation_of, reserve, work

DAY_SECONDS = 86_400
GRACE_SECONDS = RULES.grace / SECOND


def promo(desk: Desk, account: str, amount: int, life: int = MINUTE) -> Work:
    """Return the work that brings in promo credits which live so long."""
    expire_time = Instant(desk.clock.now() + life)
    return work(account, Add(origin(None), EntryKind.PROMO, uuid7(), Source.PROMO, amount, expire_time))


def available(desk: Desk, account: str) -> int:
    """Return what is stored as available."""
    with desk.database.autocommit() as connection:
        loaded = load_accounts(connection, [account], desk.clock.now(), RULES.order)
    return loaded[account].wallets["chat"].wallet.available


def spend_before_the_expiry_and_use_the_grace_up(desk: Desk, account: str) -> tuple[Reservation, Reservation]:
    """Spend 10 credits by two deductions, and by a third one what the first gave back late; return two to refund."""
    desk.do(promo(desk, account, 10))
    first, second = (reservation_of(desk.do(deduct(account, amount))) for amount in (4, 6))
    desk.clock.advance(61)
    desk.do(refund(first))
    third = reservation_of(desk.do(deduct(account, 4)))
    assert available(desk, account) == 0
    return second, third


@pytest.mark.parametrize("memory", ["kept", "lost", "another server's"])
def test_what_comes_back_after_the_grace_lapses_at_once_whatever_is_remembered(
    desk: Desk, other: Desk, books: Books, account: str, memory: str
) -> None:
    for late in spend_before_the_expiry_and_use_the_grace_up(desk, account):
        if memory == "lost":
            desk.forget()
        by = other if memory == "another server's" else desk
        by.clock.advance(GRACE_SECONDS + 61)
        outcome = by.do(refund(late))
        assert len(outcome.entries) == 1
        assert books.kinds(account)[-2:] == ["REFUND", "EXPIRE"]
        assert books.figures(account).available == 0
    assert sum(bool(entry.graces) for entry in books.entries(account)) == 1
    assert books.are_whole(account)


@pytest.mark.parametrize("memory", ["kept", "lost"])
def test_what_comes_back_in_the_grace_ends_with_it_though_nothing_was_left_meanwhile(
    desk: Desk, books: Books, account: str, memory: str
) -> None:
    second, third = spend_before_the_expiry_and_use_the_grace_up(desk, account)
    desk.clock.advance(GRACE_SECONDS - 5)
    if memory == "lost":
        desk.forget()
    assert desk.do(refund(second)).entries[0].available_after == 6
    assert desk.do(refund(third)).entries[0].available_after == 10
    desk.clock.advance(10)
    with pytest.raises(InsufficientCredit):
        desk.do(deduct(account, 1))
    assert books.kinds(account)[-1] == "EXPIRE"
    assert books.are_whole(account)


def test_nothing_can_be_spent_in_the_batch_in_which_it_came_back_after_its_grace(
    desk: Desk, books: Books, account: str
) -> None:
    """At one and the same instant, decided in one go."""
    second, _ = spend_before_the_expiry_and_use_the_grace_up(desk, account)
    desk.clock.advance(GRACE_SECONDS)
    came_back, spent = desk.write(refund(second), reserve(account, 1))
    assert isinstance(came_back, Outcome)
    assert isinstance(spent, InsufficientCredit)
    assert books.are_whole(account)


def test_a_grace_that_is_used_up_within_a_batch_is_known_in_it(desk: Desk, books: Books, account: str) -> None:
    """The first refund begins it, the next command spends it, the last refund comes back into it."""
    desk.do(promo(desk, account, 10))
    first, second = (reservation_of(desk.do(deduct(account, amount))) for amount in (4, 6))
    desk.clock.advance(61)
    results = desk.write(refund(first), deduct(account, 4), refund(second))
    assert all(isinstance(result, Outcome) for result in results)
    assert sum(bool(entry.graces) for entry in books.entries(account)) == 1
    assert books.are_whole(account)


@pytest.mark.parametrize("looks", [1, 3])
def test_holds_that_end_after_the_grace_lapse_as_they_come_back_however_late_they_are_settled(
    desk: Desk, other: Desk, books: Books, account: str, looks: int
) -> None:
    desk.do(promo(desk, account, 10))
    for minutes in (2, 4 + DAY_SECONDS // 60, 5 + DAY_SECONDS // 60):
        held = reservation_of(desk.do(reserve(account, 1)))
        _end(desk, held, desk.clock.now() + minutes * MINUTE)
    desk.do(deduct(account, 7))
    for _ in range(looks):
        for by in (desk, other):
            by.clock.advance((6 * 60 + DAY_SECONDS) / looks)
        with pytest.raises(InsufficientCredit):
            other.do(deduct(account, 5))
    expected = ["RELEASE", "EXPIRE"] * 3
    assert books.kinds(account)[-6:] == expected
    assert books.figures(account).available == 0
    assert books.are_whole(account)


def _end(desk: Desk, held: Reservation, end: int) -> None:
    """Have a hold end at an instant, further away than Reserve allows: extended again and again, as it were."""
    with desk.database.transaction() as connection:
        connection.execute(
            text(
                "UPDATE reservations SET expire_time = timestamptz 'epoch' + :end * interval '1 microsecond' "
                "WHERE account_id = :account AND reservation_id = :id"
            ),
            {"end": end, "account": held.account_id, "id": held.reservation_id},
        )
    desk.forget()


def test_a_confirm_of_less_begins_the_grace_and_says_so(desk: Desk, books: Books, account: str) -> None:
    desk.do(promo(desk, account, 10))
    held = reservation_of(desk.do(reserve(account, 10, ttl=3 * MINUTE)))
    desk.clock.advance(61)
    desk.do(confirm(held, 4))
    (grace,) = books.entries(account)[-1].graces
    assert 0 <= desk.clock.now() + RULES.grace - grace.end_time <= 60 * SECOND
    assert books.are_whole(account)


def test_rows_from_before_there_was_a_memory_get_one_grace_more(desk: Desk, books: Books, account: str) -> None:
    """Their grace was in the expire time alone."""
    desk.do(promo(desk, account, 10))
    first, second = (reservation_of(desk.do(deduct(account, amount))) for amount in (4, 6))
    desk.clock.advance(61)
    with desk.database.transaction() as connection:
        connection.execute(
            text("UPDATE grants SET expire_time = now() + interval '1 hour' WHERE account_id = :account"),
            {"account": account},
        )
    desk.forget()
    desk.do(refund(first))
    assert available(desk, account) == 4
    desk.clock.advance(GRACE_SECONDS + 1)
    desk.do(refund(second))
    assert books.figures(account).available == 0
    assert books.are_whole(account)


def test_a_grace_that_was_changed_behind_the_ledger_is_shown(desk: Desk, books: Books, account: str) -> None:
    spend_before_the_expiry_and_use_the_grace_up(desk, account)
    assert books.are_whole(account)
    for change in ("grace_end + interval '1 day'", "NULL"):
        with desk.database.transaction() as connection:
            update = f"UPDATE grants SET grace_end = {change} WHERE account_id = :account"  # noqa: S608 - of our own.
            connection.execute(text(update), {"account": account})
        differences = [found.difference for found in books.verified(account) if isinstance(found, Found)]
        assert [difference.field.split(".")[-1] for difference in differences] == ["grace_end"]


def test_memory_is_not_trusted_about_the_grace_of_a_grant_that_has_nothing_left(
    desk: Desk, books: Books, account: str
) -> None:
    """Wallet and hold are in memory, but not the grace that what came back earlier was given, and is held again."""
    desk.do(promo(desk, account, 10))
    desk.do(reserve(account, 4, ttl=2 * MINUTE))
    held = reservation_of(desk.do(reserve(account, 6, ttl=60 * MINUTE)))
    desk.clock.advance(121)
    desk.do(reserve(account, 4, ttl=60 * MINUTE))
    desk.do(extend(held, 30 * MINUTE))
    (grace,) = (grace for entry in books.entries(account) for grace in entry.graces)
    desk.clock.advance(480)
    desk.do(refund(held))
    (grant,) = (grant for grant in books.wallet(account).grants if grant.source == Source.PROMO)
    assert (grant.remaining, grant.expire_time, grant.graced) == (6, grace.end_time, True)
    assert books.are_whole(account)


def test_what_was_taken_in_the_grace_tells_of_it_by_itself(desk: Desk, books: Books, account: str) -> None:
    """It comes back first, to a grant with nothing left; the grant's row knows it."""
    second, third = spend_before_the_expiry_and_use_the_grace_up(desk, account)
    desk.do(refund(third))
    assert books.are_whole(account)
    desk.clock.advance(GRACE_SECONDS + 1)
    desk.do(refund(second))
    assert books.kinds(account)[-3:] == ["EXPIRE", "REFUND", "EXPIRE"]
    assert books.are_whole(account)


class Spent(NamedTuple):
    """A grant that has nothing left in its grace: when that ends, and a hold from before the grant's expiry."""

    grace_end: Instant
    held: Reservation


def hold_before_the_expiry_and_use_the_grace_up(desk: Desk, books: Books, account: str, minutes: int) -> Spent:
    """Hold 4 credits and 6, which end in so many minutes; the 4 come back by expiry, and are held for an hour."""
    desk.do(promo(desk, account, 10))
    desk.do(reserve(account, 4, ttl=2 * MINUTE))
    end = desk.clock.now() + minutes * MINUTE
    held = reservation_of(desk.do(reserve(account, 6, ttl=5 * MINUTE)))
    _end(desk, held, end)
    desk.clock.advance(121)
    desk.do(reserve(account, 4, ttl=60 * MINUTE))
    (grace,) = (grace for entry in books.entries(account) for grace in entry.graces)
    assert books.figures(account).available == 0
    return Spent(grace.end_time, held)


@pytest.mark.parametrize("memory", ["kept", "lost", "another server's"])
@pytest.mark.parametrize("way", ["refund", "expiry"])
def test_a_hold_that_comes_back_in_a_grace_that_is_used_up_ends_with_it(
    desk: Desk, other: Desk, books: Books, account: str, way: str, memory: str
) -> None:
    spent = hold_before_the_expiry_and_use_the_grace_up(desk, books, account, minutes=10)
    if memory == "lost":
        desk.forget()
    by = other if memory == "another server's" else desk
    by.clock.advance(121 + 480 if by is other else 480)
    if way == "refund":
        _end(desk, spent.held, by.clock.now() + MINUTE)
        by.do(refund(spent.held))
    else:
        (grant,) = _read(by, account)
        assert (grant.remaining, grant.expire_time) == (6, spent.grace_end)
        by.do(add(account, 1))
    (grant,) = (grant for grant in books.wallet(account).grants if grant.source == Source.PROMO)
    assert (grant.remaining, grant.expire_time, grant.graced) == (6, spent.grace_end, True)
    assert sum(len(entry.graces) for entry in books.entries(account)) == 1
    assert books.are_whole(account)


def test_a_hold_that_ends_after_a_grace_that_is_used_up_lapses_as_it_is_settled(
    desk: Desk, books: Books, account: str
) -> None:
    """Nothing of the grant is left when it is settled, so that only its row knows of the grace."""
    hold_before_the_expiry_and_use_the_grace_up(desk, books, account, minutes=DAY_SECONDS // 60 + 10)
    desk.clock.advance(DAY_SECONDS - 60)
    desk.do(deduct(account, 4))
    desk.clock.advance(10 * 60)
    assert _read(desk, account) == ()
    desk.do(add(account, 1))
    assert books.kinds(account)[-3:] == ["RELEASE", "EXPIRE", "TOP_UP"]
    assert sum(len(entry.graces) for entry in books.entries(account)) == 1
    assert books.are_whole(account)


def _read(desk: Desk, account: str) -> tuple[Grant, ...]:
    """Return the grants of a balance, with what is due and not yet written down."""
    reader = BalanceReader(desk.database, desk.clock, RULES)
    try:
        return reader.read([account])[account].wallets["chat"].grants
    finally:
        reader.close(1.0)
