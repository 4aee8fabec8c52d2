"""What is due is settled where it is met: over several rounds if it is much, and once however many look."""

import pytest

from creditd.domain.commands import Reserve
from creditd.domain.errors import ReservationExpired
from creditd.domain.instant import Instant
from creditd.ledger.ids import uuid7
from creditd.ledger.work import Outcome
from creditd.storage import wallets
from creditd.storage.wallets import MAX_DUE
from tests.support.desk import Desk
from tests.support.ledger_books import Books
from tests.support.works import MINUTE, add, confirm, deduct, origin, refund, reservation_of, reserve, work


def test_more_holds_than_one_round_settles_come_back_before_the_next_command_is_answered(
    desk: Desk, books: Books, account: str
) -> None:
    holds = 2 * MAX_DUE + 5
    desk.do(add(account, holds))
    desk.write(*(reserve(account, 1) for _ in range(holds)))
    assert books.figures(account) == (1 + holds, 0, holds)
    desk.clock.advance(61)
    assert desk.do(deduct(account, holds)).entries[0].available_after == 0
    assert books.kinds(account) == ["TOP_UP", *["RESERVE"] * holds, *["RELEASE"] * holds, "DEDUCT"]
    assert books.are_whole(account)


def test_no_command_is_refused_for_what_is_due_in_a_later_round(
    desk: Desk, books: Books, account: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Several commands in one batch, on that wallet and on another: each is decided on a settled wallet."""
    monkeypatch.setattr(wallets, "MAX_DUE", 3)
    rival = f"{account}-rival"
    desk.write(add(account, 10), add(rival, 10))
    held = reservation_of(desk.do(reserve(account, 1)))
    desk.write(*(reserve(account, 1) for _ in range(9)))
    desk.clock.advance(61)
    results = desk.write(deduct(account, 7), deduct(rival, 10), confirm(held), deduct(account, 3), refund(held))
    refused = [type(result) for result in results if not isinstance(result, Outcome)]
    assert refused == [ReservationExpired, ReservationExpired]
    assert books.figures(account).available == books.figures(rival).available == 0
    assert books.are_whole(account)


def test_holds_of_several_ends_go_back_in_the_order_of_time_over_several_rounds(
    desk: Desk, books: Books, account: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(wallets, "MAX_DUE", 2)
    desk.do(add(account, 28))
    for amount in (7, 1, 6, 2, 5, 3, 4):
        desk.do(reserve(account, amount, ttl=amount * MINUTE))
    desk.clock.advance(5 * 60 + 1)
    desk.do(deduct(account, 1))
    released = [entry.amount for entry in books.entries(account) if entry.kind.name == "RELEASE"]
    assert released == [1, 2, 3, 4, 5]
    assert books.figures(account).reserved == 13


def test_holds_that_end_together_go_back_in_the_order_of_their_names_over_several_rounds(
    desk: Desk, books: Books, account: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A read that settles all of them at once tells what will be written, to the last grant."""
    monkeypatch.setattr(wallets, "MAX_DUE", 2)
    desk.do(add(account, 28))
    end = Instant(desk.clock.now() + MINUTE)
    names = sorted(uuid7() for _ in range(7))
    for amount, name in reversed(list(enumerate(names, start=1))):
        desk.do(work(account, Reserve(origin(None, amount), name, amount, expire_time=end)))
    desk.clock.advance(61)
    desk.do(deduct(account, 1))
    assert [entry.amount for entry in books.entries(account) if entry.kind.name == "RELEASE"] == [1, 2, 3, 4, 5, 6, 7]


def test_a_look_that_finds_nothing_due_writes_nothing_in_the_ledger(desk: Desk, books: Books, account: str) -> None:
    """A hold that ended before another leaves its time behind."""
    desk.do(add(account, 10))
    first = reservation_of(desk.do(reserve(account, 4)))
    desk.do(reserve(account, 1, ttl=2 * MINUTE))
    desk.do(refund(first))
    desk.clock.advance(61)
    desk.do(deduct(account, 1))
    assert books.kinds(account) == ["TOP_UP", "RESERVE", "RESERVE", "REFUND", "DEDUCT"]
