"""What is due is settled where it is met: over several rounds if it is much, and once however many look."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from functools import partial
from threading import Barrier

import pytest

from creditd.domain.errors import ReservationExpired
from creditd.ledger.batch import Terms
from creditd.ledger.ids import uuid7
from creditd.ledger.ledger import Ledger
from creditd.ledger.sweep import Sweep
from creditd.ledger.work import Outcome
from creditd.storage import loading
from creditd.storage.database import Database, DatabaseSettings
from creditd.storage.loading import MAX_DUE
from tests.ledger.books import Books
from tests.ledger.databases import clock_of
from tests.ledger.desk import RULES, Desk
from tests.ledger.works import MINUTE, add, confirm, deduct, refund, reservation_of, reserve

NEVER_SECONDS = 3_600.0
"""Longer than any test: these sweeps run when they are told to."""


@pytest.fixture
def sweeps(url: str) -> Iterator[list[Sweep]]:
    """Provide the sweeps of two servers."""
    terms = Terms(RULES, {}, uuid7)
    with ExitStack() as stack:
        found = []
        for _ in range(2):
            database = Database(DatabaseSettings(url, pool_size=3))
            ledger = Ledger(database, lambda: terms, clock_of(database))
            sweep = Sweep(database, ledger, NEVER_SECONDS)
            for close in (database.close, partial(ledger.close, 5), partial(sweep.close, 5)):
                stack.callback(close)
            found.append(sweep)
        yield found


def pass_time(seconds: float, *sweeps: Sweep) -> None:
    """Let time pass for the servers of sweeps."""
    for sweep in sweeps:
        sweep._ledger.clock.advance(seconds)


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
    monkeypatch.setattr(loading, "MAX_DUE", 3)
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
    monkeypatch.setattr(loading, "MAX_DUE", 2)
    desk.do(add(account, 28))
    for amount in (7, 1, 6, 2, 5, 3, 4):
        desk.do(reserve(account, amount, ttl=amount * MINUTE))
    desk.clock.advance(5 * 60 + 1)
    desk.do(deduct(account, 1))
    released = [entry.amount for entry in books.entries(account) if entry.kind.name == "RELEASE"]
    assert released == [1, 2, 3, 4, 5]
    assert books.figures(account).reserved == 13


def test_a_look_that_finds_nothing_due_writes_nothing_in_the_ledger(desk: Desk, books: Books, account: str) -> None:
    """A hold that ended before another leaves its time behind."""
    desk.do(add(account, 10))
    first = reservation_of(desk.do(reserve(account, 4)))
    desk.do(reserve(account, 1, ttl=2 * MINUTE))
    desk.do(refund(first))
    desk.clock.advance(61)
    desk.do(deduct(account, 1))
    assert books.kinds(account) == ["TOP_UP", "RESERVE", "RESERVE", "REFUND", "DEDUCT"]


def test_two_sweeps_at_once_release_each_hold_once(desk: Desk, books: Books, account: str, sweeps: list[Sweep]) -> None:
    accounts = [f"{account}-{number}" for number in range(50)]
    desk.write(*(add(name, 10) for name in accounts))
    desk.write(*(reserve(name, 3) for name in accounts for _ in range(3)))
    pass_time(61, *sweeps)
    together = Barrier(2)

    def sweep(one: Sweep) -> int:
        together.wait()
        return one.sweep_once()

    with ThreadPoolExecutor(2) as pool:
        assert max(pool.map(sweep, sweeps)) >= 50
    for name in accounts:
        assert books.kinds(name) == ["TOP_UP", *["RESERVE"] * 3, *["RELEASE"] * 3]
        assert books.are_whole(name)
    assert [one.sweep_once() for one in sweeps] == [0, 0]


def test_a_sweep_comes_back_to_what_it_could_not_settle_in_one_round(
    desk: Desk, books: Books, account: str, sweeps: list[Sweep], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(loading, "MAX_DUE", 2)
    desk.do(add(account, 10))
    desk.write(*(reserve(account, 1) for _ in range(9)))
    pass_time(61, *sweeps)
    sweeps[0].sweep_once()
    assert books.figures(account) == (19, 10, 0)


def test_a_sweep_puts_off_a_wallet_in_which_nothing_is_due(
    desk: Desk, books: Books, account: str, sweeps: list[Sweep]
) -> None:
    desk.do(add(account, 10))
    first = reservation_of(desk.do(reserve(account, 4)))
    desk.do(reserve(account, 1, ttl=2 * MINUTE))
    desk.do(refund(first))
    pass_time(61, *sweeps)
    assert [sweeps[0].sweep_once(), sweeps[1].sweep_once()] == [1, 0]
    assert books.figures(account) == (4, 9, 1)
