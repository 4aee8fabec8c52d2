"""Two servers on one wallet: a stale copy is harmless, since the version refuses what was decided on it."""

from typing import NoReturn

import psycopg
import pytest

from creditd.domain.errors import InsufficientCredit, ReservationConfirmed, ReservationRefunded, VersionMismatch
from creditd.ledger.work import VersionConflict
from tests.support.desk import Desk, before_saving
from tests.support.ledger_books import Books
from tests.support.works import add, confirm, deduct, refund, reservation_of, reserve


def test_a_writer_with_a_stale_copy_decides_again(desk: Desk, other: Desk, books: Books, account: str) -> None:
    desk.do(add(account, 10))
    other.do(deduct(account, 4))
    desk.do(deduct(account, 6))
    assert books.figures(account) == (3, 0, 0)
    assert (desk.statistics.conflicts, desk.statistics.retries) == (1, 1)
    assert books.are_whole(account)


def test_a_stale_copy_never_lets_more_be_spent_than_there_is(desk: Desk, other: Desk, account: str) -> None:
    desk.do(add(account, 10))
    other.do(deduct(account, 4))
    with pytest.raises(InsufficientCredit) as refusal:
        desk.do(deduct(account, 7))
    assert refusal.value.facts == {"credit_type": "chat", "required": 7, "available": 6}


def test_a_writer_overtaken_between_decision_and_save_decides_again(
    desk: Desk, other: Desk, books: Books, account: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    desk.do(add(account, 10))
    before_saving(monkeypatch, desk, lambda: other.do(deduct(account, 4)))
    desk.do(deduct(account, 6))
    assert books.figures(account) == (3, 0, 0)
    assert desk.statistics.conflicts == 1


def test_one_stale_wallet_has_its_own_works_done_again_and_no_others(
    desk: Desk, other: Desk, books: Books, account: str
) -> None:
    accounts = [f"{account}-{number}" for number in range(5)]
    desk.write(*(add(name, 10) for name in accounts))
    other.do(deduct(accounts[2], 4))
    works = [deduct(name, 5) for name in accounts]
    answered = [work for work, _ in desk.writer.write(works).results]
    assert [work.account_id for work in answered] == [*accounts[:2], *accounts[3:], accounts[2]]
    assert [books.figures(name).available for name in accounts] == [5, 5, 1, 5, 5]
    assert all(books.are_whole(name) for name in accounts)


def test_a_refusal_on_a_stale_copy_is_decided_again_on_fresh_state(desk: Desk, other: Desk, account: str) -> None:
    """Another server topped the account up: its customer must not be told that credit is missing."""
    desk.do(add(account, 10))
    other.do(add(account, 100))
    outcome = desk.do(reserve(account, 50))
    assert outcome.entries[0].available_after == 60
    assert (desk.statistics.doubted, desk.statistics.refusals) == (1, 0)


def test_a_version_stated_by_the_caller_is_held_against_the_fresh_one(desk: Desk, other: Desk, account: str) -> None:
    desk.do(add(account, 10))
    other.do(add(account, 100))
    assert desk.do(reserve(account, 5, version=2)).entries[0].version == 3
    with pytest.raises(VersionMismatch):
        desk.do(reserve(account, 5, version=2))


def test_a_stale_reservation_is_never_confirmed_twice(desk: Desk, other: Desk, books: Books, account: str) -> None:
    desk.do(add(account, 10))
    held = reservation_of(desk.do(reserve(account, 4)))
    other.do(confirm(held))
    with pytest.raises(ReservationConfirmed):
        desk.do(confirm(held))
    assert books.kinds(account) == ["TOP_UP", "RESERVE", "CONFIRM"]


def test_a_fresh_wallet_does_not_let_a_stale_reservation_pass(
    desk: Desk, other: Desk, books: Books, account: str
) -> None:
    """The copy of the reservation goes with the copy of the wallet that it was kept with."""
    desk.do(add(account, 10))
    held = reservation_of(desk.do(reserve(account, 4)))
    other.do(refund(held))
    desk.do(deduct(account, 1))
    with pytest.raises(ReservationRefunded):
        desk.do(confirm(held))
    assert books.figures(account) == (4, 9, 0)


def test_a_wallet_loaded_for_one_work_takes_the_other_works_stale_reservation_along(
    desk: Desk, other: Desk, books: Books, account: str
) -> None:
    """A confirm on a copy, in one batch with a work that loads the wallet anew, is decided on what is stored.

    Another hold keeps the figures from going below zero, which the database would refuse by itself.
    """
    desk.do(add(account, 10))
    held = reservation_of(desk.do(reserve(account, 4)))
    desk.do(reserve(account, 5))
    other.do(refund(held))
    confirmed, _ = desk.write(confirm(held), deduct(account, 1, dry_run=True))
    assert isinstance(confirmed, ReservationRefunded)
    assert books.figures(account) == (4, 5, 5)


def test_confirm_and_refund_from_two_servers_have_one_effect(
    desk: Desk, other: Desk, books: Books, account: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    desk.do(add(account, 10))
    held = reservation_of(desk.do(reserve(account, 4)))
    before_saving(monkeypatch, desk, lambda: other.do(refund(held)))
    with pytest.raises(ReservationRefunded):
        desk.do(confirm(held))
    assert books.figures(account) == (3, 10, 0)


def test_a_conflict_that_never_ends_is_not_retried_for_ever(
    desk: Desk, books: Books, account: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    desk.do(add(account, 10))

    def moved() -> NoReturn:
        raise psycopg.errors.SerializationFailure

    before_saving(monkeypatch, desk, moved, times=4)
    (first, second) = desk.write(deduct(account, 1), deduct(account, 2))
    assert isinstance(first, VersionConflict)
    assert isinstance(second, VersionConflict)
    assert books.figures(account) == (1, 10, 0)
    desk.do(deduct(account, 1))
