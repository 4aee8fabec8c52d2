"""The queue before the writer: bounded, finished when it closes, and no place to wait beyond one's deadline."""

import time
from collections.abc import Iterator
from concurrent.futures import Future
from types import SimpleNamespace

import pytest

from creditd.domain.errors import InsufficientCredit
from creditd.ledger import ledger as ledgers
from creditd.ledger import writer
from creditd.ledger.batch import Terms
from creditd.ledger.ids import uuid7
from creditd.ledger.ledger import Ledger
from creditd.ledger.work import DeadlinePassed, Outcome, Overloaded, ShuttingDown
from creditd.storage.database import Database, DatabaseSettings
from tests.ledger.driving import Gate, driven
from tests.support.databases import clock_of
from tests.support.desk import RULES, Desk, before_saving
from tests.support.ledger_books import Books
from tests.support.tickets import ask, run
from tests.support.works import add, deduct, reserve

WAITING = 40
"""How many may wait for the ledger of these tests."""


@pytest.fixture
def ledger(url: str, monkeypatch: pytest.MonkeyPatch, *, is_polled: bool) -> Iterator[Ledger]:
    """Provide a ledger with a short queue."""
    monkeypatch.setattr(ledgers, "MAX_WAITING", WAITING)
    monkeypatch.setattr(ledgers, "MAX_BATCH", 16)
    terms, database = Terms(RULES, {}, uuid7), Database(DatabaseSettings(url, pool_size=2))
    with driven(Ledger(database, terms, clock_of(database)), is_polled=is_polled) as ledger:
        yield ledger
    database.close()


@pytest.fixture
def gate(ledger: Ledger, monkeypatch: pytest.MonkeyPatch) -> Gate:
    """Provide a gate before the ledger's writer."""
    return Gate(ledger, monkeypatch)


def fill(ledger: Ledger, gate: Gate, account: str) -> list["Future[Outcome]"]:
    """Hold the writer up with one work, and fill the queue behind it."""
    futures = [ask(ledger.submit, add(account, 1_000))]
    assert gate.reached.wait(5)
    return futures + [ask(ledger.submit, deduct(account, 1)) for _ in range(WAITING)]


def test_what_exceeds_the_queue_is_refused_and_leaves_no_trace(
    ledger: Ledger, gate: Gate, books: Books, account: str
) -> None:
    futures = fill(ledger, gate, account)
    assert ledger.waiting == WAITING
    with pytest.raises(Overloaded):
        ask(ledger.submit, deduct(account, 500))
    gate.opened.set()
    assert all(future.result(10) for future in futures)
    assert books.figures(account) == (1 + WAITING, 1_000 - WAITING, 0)


def test_what_waits_goes_as_batches_no_larger_than_allowed(ledger: Ledger, gate: Gate, account: str) -> None:
    futures = fill(ledger, gate, account)
    gate.opened.set()
    assert all(future.result(10) for future in futures)
    assert ledger.statistics.batch_sizes == {1: 1, 16: 2, 8: 1}


def test_closing_finishes_what_waits_and_takes_no_more(ledger: Ledger, gate: Gate, books: Books, account: str) -> None:
    futures = fill(ledger, gate, account)
    gate.opened.set()
    ledger.close(10)
    assert all(future.done() for future in futures)
    assert books.figures(account) == (1 + WAITING, 1_000 - WAITING, 0)
    with pytest.raises(ShuttingDown):
        ask(ledger.submit, deduct(account, 1))


def test_a_work_that_nobody_waits_for_any_more_is_done_all_the_same(
    ledger: Ledger, gate: Gate, books: Books, account: str
) -> None:
    future, *others = fill(ledger, gate, account)
    assert others[0].cancel()
    gate.opened.set()
    assert all(other.result(10) for other in others[1:])
    assert future.result()
    assert books.figures(account).available == 1_000 - WAITING


def test_a_refusal_is_raised_where_the_outcome_is_awaited(ledger: Ledger, account: str) -> None:
    with pytest.raises(InsufficientCredit):
        run(ledger, reserve(account, 1))


def test_a_work_whose_deadline_has_passed_is_dropped_without_effect(desk: Desk, books: Books, account: str) -> None:
    desk.do(add(account, 10))
    late, in_time = desk.write(
        deduct(account, 4, deadline=time.monotonic() - 0.001), deduct(account, 3, deadline=time.monotonic() + 60)
    )
    assert isinstance(late, DeadlinePassed)
    assert isinstance(in_time, Outcome)
    assert books.figures(account) == (2, 7, 0)
    assert desk.statistics.dropped == 1


def test_a_work_that_has_begun_is_finished_though_its_deadline_passes(
    desk: Desk, books: Books, account: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    later = SimpleNamespace(monotonic=lambda: time.monotonic() + 61, perf_counter=time.perf_counter)
    desk.do(add(account, 10))
    before_saving(monkeypatch, desk, lambda: monkeypatch.setattr(writer, "time", later))
    desk.do(deduct(account, 4, deadline=time.monotonic() + 60))
    assert books.figures(account) == (2, 6, 0)
