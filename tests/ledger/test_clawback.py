"""Clawback, restoring and writing debt off over the database: the figures, and books that are whole after each."""

from collections.abc import Iterator

import pytest

from creditd.domain.account import AccountStatus
from creditd.domain.commands import Add, Clawback, Restore, WriteOff
from creditd.domain.entry import Entry, EntryKind
from creditd.domain.errors import AccountClosed, AmountExceedsDebt
from creditd.domain.grants import Source
from creditd.ledger.ids import uuid7
from creditd.ledger.work import Outcome, Work
from tests.support.desk import Desk, before_saving, desk_at
from tests.support.ledger_books import Books
from tests.support.works import act, add, deduct, origin, refund, reservation_of, reserve, work


def claw_back(account: str, amount: int, *grant_ids: str) -> Work:
    """Return the work that takes purchased credits back."""
    return work(account, Clawback(origin(None, "claw back", amount), grant_ids, amount))


def restore(account: str, amount: int) -> Work:
    """Return the work that gives back what was clawed back."""
    return work(account, Restore(origin(None, "restore", amount), uuid7(), amount))


def write_off(account: str, amount: int | None = None, request_id: str | None = None) -> Work:
    """Return the work that writes debt off."""
    return work(account, WriteOff(origin(request_id, "write off", amount), amount))


def entry_of(outcome: Outcome) -> Entry:
    """Return the entry of a work's only step."""
    (entry,) = outcome.entries
    return entry


def after(outcome: Outcome) -> tuple[int, int, int]:
    """Return what is available, reserved and owed after a work."""
    entry = outcome.entries[-1]
    return (entry.available_after, entry.reserved_after, entry.debt_after)


@pytest.fixture
def generous(url: str) -> Iterator[Desk]:
    """Provide the writer of a server that gives 5 chat credits to a new account."""
    with desk_at(url, {"chat": 5}) as desk:
        yield desk


def test_the_figures_are_right_and_the_books_are_whole_after_each_step(
    generous: Desk, books: Books, account: str
) -> None:
    desk, steps = generous, list[tuple[int, int, int]]()

    def do(work: Work) -> Outcome:
        outcome = desk.do(work)
        steps.append(after(outcome))
        assert books.are_whole(account)
        return outcome

    bought = entry_of(do(add(account, 10))).slices[0].grant_id
    do(deduct(account, 7))
    held = reservation_of(do(reserve(account, 3)))
    do(claw_back(account, 10, bought))
    do(restore(account, 1))
    do(write_off(account, 1))
    do(refund(held))
    do(add(account, 5))
    assert steps == [(15, 0, 0), (8, 0, 0), (5, 3, 0), (0, 3, 5), (0, 3, 4), (0, 3, 3), (0, 0, 0), (5, 0, 0)]
    assert [entry.kind for entry in books.entries(account)][4:7] == [
        EntryKind.CLAWBACK,
        EntryKind.RESTORE,
        EntryKind.WRITE_OFF,
    ]


def test_free_credits_are_left_and_a_cold_server_sees_the_debt(
    generous: Desk, other: Desk, books: Books, account: str
) -> None:
    generous.do(add(account, 10))
    assert after(generous.do(claw_back(account, 25))) == (5, 0, 15)
    assert after(other.do(add(account, 20))) == (10, 0, 0)
    assert books.are_whole(account)


def test_the_purchase_s_own_grant_is_taken_first_though_it_is_the_younger_one(
    desk: Desk, books: Books, account: str
) -> None:
    desk.do(add(account, 10))
    own = entry_of(desk.do(add(account, 10))).slices[0]
    (part,) = entry_of(desk.do(claw_back(account, 4, own.grant_id))).slices
    assert (part.grant_id, part.amount) == (own.grant_id, 4)
    assert books.are_whole(account)


def test_a_grant_and_its_clawback_in_one_work_are_both_written(desk: Desk, books: Books, account: str) -> None:
    by, grant_id = origin(None), uuid7()
    bought = Add(by, EntryKind.TOP_UP, grant_id, Source.PURCHASED, 10)
    outcome = desk.do(work(account, bought, Clawback(by._replace(ordinal=1), (grant_id,), 6)))
    assert after(outcome) == (4, 0, 0)
    assert books.kinds(account) == ["TOP_UP", "CLAWBACK"]
    assert books.are_whole(account)


def test_what_expired_unswept_is_settled_before_the_clawback(desk: Desk, books: Books, account: str) -> None:
    desk.do(add(account, 10))
    desk.do(reserve(account, 6, ttl=1_000_000))
    desk.clock.advance(2)
    assert after(desk.do(claw_back(account, 10))) == (0, 0, 0)
    assert books.kinds(account) == ["TOP_UP", "RESERVE", "RELEASE", "CLAWBACK"]
    assert books.are_whole(account)


def test_credits_spent_meanwhile_at_another_server_are_owed(
    desk: Desk, other: Desk, books: Books, account: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    desk.do(add(account, 10))
    before_saving(monkeypatch, desk, lambda: other.do(deduct(account, 7)))
    assert after(desk.do(claw_back(account, 10))) == (0, 0, 7)
    assert books.are_whole(account)


def test_a_write_off_asked_for_twice_is_done_once(desk: Desk, other: Desk, books: Books, account: str) -> None:
    desk.do(claw_back(account, 10))
    first = desk.do(write_off(account, 4, "click"))
    assert other.do(write_off(account, 4, "click")) == first._replace(replayed=True)
    assert after(first) == (0, 0, 6)
    assert books.are_whole(account)


def test_more_than_is_owed_is_not_written_off(desk: Desk, books: Books, account: str) -> None:
    desk.do(claw_back(account, 10))
    with pytest.raises(AmountExceedsDebt):
        desk.do(write_off(account, 11))
    assert books.kinds(account) == ["CLAWBACK"]


def test_a_suspended_account_is_clawed_back_from_and_a_closed_one_is_not(
    desk: Desk, books: Books, account: str
) -> None:
    desk.do(add(account, 10))
    desk.accounts.set_status(account, AccountStatus.SUSPENDED, act(None), allow_balance=True)
    assert after(desk.do(claw_back(account, 4))) == (6, 0, 0)
    desk.accounts.set_status(account, AccountStatus.CLOSED, act(None), allow_balance=True)
    with pytest.raises(AccountClosed):
        desk.do(claw_back(account, 4))
    assert books.figures(account) == (2, 6, 0)
