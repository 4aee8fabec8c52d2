"""Wallets that several servers write: locked for as few round trips as can be, and never waited for without need."""

import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from threading import Event, Thread

import psycopg
import pytest

from creditd.ledger.loader import MAX_PASSES
from creditd.ledger.queue import Ticket, TicketQueue
from creditd.ledger.work import Apart, Outcome
from creditd.storage import database
from tests.support.desk import Desk
from tests.support.ledger_books import Books
from tests.support.patience import eventually
from tests.support.row_locks import WALLET, held
from tests.support.statements import statements_of
from tests.support.tickets import ask
from tests.support.works import add, deduct, reserve


@contextmanager
def round_trips_of(desk: Desk) -> Iterator[list[int]]:
    """Give a list to which the end of the block adds how often PostgreSQL said that it was ready for more."""
    counts: list[int] = []
    with tempfile.TemporaryFile("w+") as trace:
        with desk.batches.autocommit() as connection:
            driver = connection.connection.driver_connection
        assert driver is not None
        driver.pgconn.trace(trace.fileno())
        try:
            yield counts
        finally:
            driver.pgconn.untrace()
        trace.seek(0)
        counts.append(trace.read().count("\tReadyForQuery\t"))


@pytest.fixture
def shared(desk: Desk, other: Desk, account: str) -> list[str]:
    """Provide accounts that the desk knows another server to write too."""
    accounts = [f"{account}-{number}" for number in range(3)]
    desk.write(*(add(name, 1_000) for name in accounts))
    other.write(*(deduct(name, 1) for name in accounts))
    desk.write(*(deduct(name, 1) for name in accounts))
    assert desk.statistics.stale_copies == len(accounts)
    return accounts


@pytest.mark.parametrize("count", [1, 3])
def test_a_round_that_others_wait_for_has_two_round_trips_under_its_lock(
    desk: Desk, shared: list[str], books: Books, count: int
) -> None:
    with round_trips_of(desk) as round_trips:
        results = desk.write(*(deduct(name, 1) for name in shared[:count]))
    # One begins, one locks and loads, one saves and commits.
    assert round_trips == [3]
    assert all(isinstance(result, Outcome) for result in results)
    assert all(books.are_whole(name) for name in shared)


def test_a_lone_server_takes_one_round_trip(desk: Desk, account: str) -> None:
    desk.do(add(account, 1_000))
    with round_trips_of(desk) as round_trips:
        desk.do(deduct(account, 1))
    assert round_trips == [1]


@pytest.mark.parametrize("is_polled", [False], ids=["threaded"])
def test_what_another_server_holds_is_left_to_the_next_batch_and_nobody_waits_for_it(
    url: str, desk: Desk, shared: list[str]
) -> None:
    theirs, mine = deduct(shared[0], 1), deduct(shared[1], 1)
    with held(url, WALLET, shared[0]), round_trips_of(desk) as round_trips:
        written = desk.writer.write([theirs, mine])
    assert round_trips == [3]
    assert [work for work, _ in written.results] == [mine]
    assert (written.left, written.apart) == ([theirs], [])
    assert isinstance(desk.do(theirs), Outcome)
    # It is one work, however many batches it has been in.
    assert desk.statistics.works == 3 * len(shared) - 1


def test_what_others_hold_is_not_settled_by_what_was_seen_of_it(url: str, desk: Desk, shared: list[str]) -> None:
    desk.do(reserve(shared[0], 5))
    desk.clock.advance(61)
    theirs = deduct(shared[0], 1)
    with held(url, WALLET, shared[0]), statements_of(desk.batches) as statements:
        written = desk.writer.write([theirs, deduct(shared[1], 1)])
        assert (len(written.results), written.left) == (1, [theirs])
        # A save of what is due in it would wait in vain, and others with it.
        assert statements.count("save") == 1


def test_a_work_that_was_left_often_is_waited_for(url: str, desk: Desk, shared: list[str]) -> None:
    """It gets its turn while others are written all the time; and who holds its row for long is a stranger."""
    theirs = deduct(shared[0], 1)
    with held(url, WALLET, shared[0]):
        for _ in range(MAX_PASSES):
            assert desk.writer.write([theirs, deduct(shared[1], 1)]).left == [theirs]
        written = desk.writer.write([theirs, deduct(shared[1], 1)])
    assert (written.left, written.apart) == ([], [(theirs, Apart.LOCKED)])
    assert len(written.results) == 1


@pytest.fixture
def patient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have writers wait for a row as long as it takes to see that they do."""
    monkeypatch.setattr(database, "BATCH_LOCK_TIMEOUT_MILLISECONDS", 60_000)


@pytest.mark.usefixtures("patient")
def test_a_wallet_that_is_waited_for_is_decided_on_what_others_have_left(
    url: str, desk: Desk, shared: list[str], books: Books
) -> None:
    with psycopg.connect(url) as other:
        other.execute("UPDATE wallets SET update_time = now() WHERE account_id = %s", [shared[0]])
        waiting = Thread(target=desk.write, args=(deduct(shared[0], 1),))
        waiting.start()
        _await_lock_waiter(url)
        other.commit()
        waiting.join(60)
    assert books.figures(shared[0]).available == 1_000 - 3
    assert desk.statistics.conflicts == 1


def _await_lock_waiter(url: str) -> None:
    query = "SELECT FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"
    with psycopg.connect(url, autocommit=True) as looking:
        eventually(lambda: looking.execute(query).fetchall())


def test_what_a_batch_leaves_comes_first_in_the_next_one_and_before_the_end() -> None:
    batches: list[list[str]] = []
    filled, begun, closed = Event(), Event(), Event()

    def process(tickets: Sequence[Ticket[str, None]]) -> Sequence[Ticket[str, None]]:
        assert filled.wait(10)
        batches.append([ticket.item for ticket in tickets])
        if len(batches) == 2:
            begun.set()
            assert closed.wait(10)
        return [ticket for ticket in tickets if ticket.item == "slow" and len(batches) < 4]

    queue: TicketQueue[str, None] = TicketQueue("tests", process, max_batch=2, max_waiting=8)
    for item in ("slow", "first", "second"):
        ask(queue.submit, item)
    filled.set()
    assert begun.wait(10)
    queue.close(0.0)
    closed.set()
    queue._thread.join(10)
    assert [batch for batch in batches if batch != ["slow"]] == [["slow", "first"], ["slow", "second"]]
    assert len(batches) == 4
