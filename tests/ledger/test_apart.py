"""What others hold is done apart: nobody else waits for it, and it waits for no more than its row."""

import time
from types import SimpleNamespace

import pytest
from sqlalchemy import text

from creditd.domain.errors import InsufficientCredit
from creditd.ledger import waiting_room
from creditd.ledger.batch import Terms
from creditd.ledger.ids import uuid7
from creditd.ledger.transaction import TransactionLedger
from creditd.ledger.work import DeadlinePassed, Outcome, Overloaded, RecordBusy, Result, Work
from tests.support.desk import RULES, Desk
from tests.support.ledger_books import Books
from tests.support.row_locks import ACCOUNT, ALL_ENTRIES, NEW_ACCOUNT, NEW_ENTRY, NEW_WALLET, WALLET, held
from tests.support.tickets import FutureTicket
from tests.support.works import add, add_of_each, deduct

IDLE = "idle_in_transaction_session_timeout"


@pytest.fixture
def neighbours(desk: Desk, account: str) -> list[str]:
    """Return accounts with credits, beside the one that the test is about, which has some too."""
    names = [f"{account}-{number}" for number in range(20)]
    desk.write(add(account, 10), *(add(name, 10) for name in names))
    return names


def spend(names: list[str]) -> list[Work]:
    """Return a work for each account."""
    return [deduct(name, 1) for name in names]


def all_done(results: dict[Work, Result], works: list[Work]) -> bool:
    """Tell whether works have their outcomes."""
    return all(isinstance(results.get(work), Outcome) for work in works)


def test_works_on_a_wallet_that_a_stranger_locks_leave_the_batch_and_all_others_are_done(
    url: str, desk: Desk, books: Books, account: str, neighbours: list[str]
) -> None:
    works = spend(neighbours)
    of_held = [deduct(account, 1), deduct(account, 2)]
    with held(url, WALLET, account):
        results = desk.begin(*works[:10], *of_held, *works[10:])
        assert all_done(results, works)
        assert results.keys().isdisjoint(of_held)
        assert desk.go_on() == {}
    assert all_done(desk.go_on(), of_held)
    assert books.figures(account) == (3, 7, 0)
    assert desk.room.waiting == 0


def test_a_wallet_known_to_be_held_costs_later_batches_nothing(
    url: str, desk: Desk, account: str, neighbours: list[str]
) -> None:
    with held(url, WALLET, account):
        desk.begin(deduct(account, 1))
        again = deduct(account, 1)
        works = spend(neighbours)
        assert desk.room.knows(again)
        assert all_done(desk.begin(again, *works), works)
        assert desk.statistics.retries == 0
        assert desk.room.waiting == 2
    assert len(desk.go_on()) == 2
    assert not desk.room.knows(deduct(account, 1))


def test_a_wallet_that_is_held_for_too_long_is_refused_alone_and_nothing_was_done(
    url: str, desk: Desk, books: Books, account: str, neighbours: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(waiting_room, "LONGEST_WAIT_SECONDS", 0.0)
    waiting = deduct(account, 1)
    with held(url, WALLET, account):
        assert all_done(desk.begin(waiting, *(works := spend(neighbours))), works)
        assert isinstance(desk.go_on()[waiting], RecordBusy)
        assert desk.room.knows(waiting)
    assert (desk.side_statistics.locked, desk.side_statistics.busy) == (1, 1)
    monkeypatch.undo()
    desk.do(deduct(account, 2))
    assert books.figures(account) == (2, 8, 0)


def test_a_work_whose_caller_gives_up_while_it_waits_has_no_effect(
    url: str, desk: Desk, books: Books, account: str, neighbours: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert neighbours
    monkeypatch.setattr(waiting_room, "LONGEST_WAIT_SECONDS", 1_000)
    late = deduct(account, 4, deadline=time.monotonic() + 60)
    in_time = deduct(account, 3, deadline=time.monotonic() + 1_000)
    with held(url, WALLET, account):
        assert desk.begin(late, in_time) == {}
        monkeypatch.setattr(waiting_room, "time", SimpleNamespace(monotonic=lambda: time.monotonic() + 61))
        results = desk.go_on()
        assert isinstance(results.pop(late), DeadlinePassed)
        assert results == {}
    assert all_done(desk.go_on(), [in_time])
    assert books.figures(account) == (2, 7, 0)


def test_one_wallet_that_stays_held_keeps_no_other_one_waiting_apart(
    url: str, desk: Desk, account: str, neighbours: list[str]
) -> None:
    first, second = deduct(account, 1), deduct(neighbours[0], 1)
    with held(url, WALLET, account):
        with held(url, WALLET, neighbours[0]):
            assert desk.begin(first, second) == {}
        assert all_done(desk.go_on(), [second])
    assert all_done(desk.go_on(), [first])


def test_a_request_that_waits_apart_and_its_repeat_have_one_effect(
    url: str, desk: Desk, books: Books, account: str, neighbours: list[str]
) -> None:
    assert neighbours
    with held(url, WALLET, account):
        first, again = deduct(account, 4, "click"), deduct(account, 4, "click")
        desk.begin(first)
        desk.begin(again)
    results = desk.go_on()
    outcomes = [result for result in (results[first], results[again]) if isinstance(result, Outcome)]
    assert [outcome.replayed for outcome in outcomes] == [False, True]
    assert books.figures(account) == (2, 6, 0)


def test_a_refusal_apart_rests_on_what_is_stored(url: str, desk: Desk, account: str, neighbours: list[str]) -> None:
    assert neighbours
    with held(url, WALLET, account) as stranger:
        too_much = deduct(account, 8)
        desk.begin(too_much)
        stranger.rollback()
        desk_of_another = deduct(account, 5)
        desk.writer.write([desk_of_another])
        assert isinstance(desk.go_on()[too_much], InsufficientCredit)


def test_an_account_whose_row_is_locked_leaves_the_batch(
    url: str, desk: Desk, books: Books, account: str, neighbours: list[str]
) -> None:
    """As by a change of its plan whose server has stopped; a wallet that is new needs the account's row."""
    new = add_of_each(account, {"quiz_gen": 5})
    with held(url, ACCOUNT, account):
        results = desk.begin(new, *(works := spend(neighbours)))
        assert all_done(results, works)
        assert new not in results
    assert all_done(desk.go_on(), [new])
    assert books.figures(account, "quiz_gen").available == 5


@pytest.mark.parametrize(
    ("statement", "credit_type"), [(NEW_ACCOUNT, "chat"), (NEW_WALLET, "quiz_gen")], ids=["account", "wallet"]
)
def test_a_row_that_others_insert_and_do_not_commit_holds_up_only_who_needs_it(
    url: str, desk: Desk, books: Books, account: str, neighbours: list[str], statement: str, credit_type: str
) -> None:
    """No lock shows on a row that is not committed: those that make rows leave, and are told apart where it is calm."""
    stuck_account = f"{account}-new" if statement is NEW_ACCOUNT else account
    stuck = add_of_each(stuck_account, {credit_type: 5})
    new = [add(f"{account}-new-{number}", 1) for number in range(6)]
    with held(url, statement, stuck_account):
        assert all_done(desk.begin(*new[:3], stuck, *new[3:], *(works := spend(neighbours))), works)
        results: dict[Work, Result] = {}
        while not all_done(results, new):
            results |= desk.go_on()
        assert stuck not in results
    assert all_done(desk.go_on(), [stuck])
    assert books.figures(stuck_account, credit_type).available == 5
    assert books.are_whole(stuck_account)


def test_a_request_id_that_others_store_and_do_not_commit_holds_up_only_its_account(
    url: str, desk: Desk, account: str, neighbours: list[str]
) -> None:
    stuck = deduct(account, 1, "click")
    with held(url, NEW_ENTRY, "click", account):
        works = spend(neighbours)
        results = desk.begin(*works[:7], stuck, *works[7:])
        while not all_done(results, works):
            # The search for what holds a batch up ends in time; the rest of it goes on apart.
            results |= desk.go_on()
        assert stuck not in results
    assert all_done(desk.go_on(), [stuck])


def test_while_a_whole_table_is_locked_the_works_wait_apart_and_are_done_when_it_is_free(
    url: str, desk: Desk, books: Books, neighbours: list[str]
) -> None:
    works = spend(neighbours)
    with held(url, ALL_ENTRIES):
        assert desk.begin(*works) == {}
        assert desk.go_on() == {}
    results: dict[Work, Result] = {}
    while len(results) < len(works):
        results |= desk.go_on()
    assert all_done(results, works)
    assert all(books.figures(name).available == 9 for name in neighbours)


def test_a_flood_on_a_wallet_that_is_held_leaves_room_for_others(
    url: str, desk: Desk, account: str, neighbours: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(waiting_room, "MAX_WAITING_FOR_ONE", 3)
    with held(url, WALLET, account), held(url, WALLET, neighbours[0]):
        desk.begin(*(deduct(account, 1) for _ in range(3)))
        with pytest.raises(Overloaded):
            desk.room.put(FutureTicket(deduct(account, 1)), None)
        desk.begin(deduct(neighbours[0], 1))
    assert len(desk.go_on()) == 4


def test_a_transaction_on_what_is_held_gives_its_thread_back(
    url: str, desk: Desk, books: Books, account: str, neighbours: list[str]
) -> None:
    assert neighbours
    terms = Terms(RULES, {}, uuid7)
    transactions = TransactionLedger(desk.database, terms, desk.clock)
    work = add(account, 5)

    def top_up(transaction: object) -> object:
        return transaction.perform(account, work.origin, work.steps)  # type: ignore[attr-defined]

    for statement in (WALLET, ACCOUNT):
        with held(url, statement, account), pytest.raises(RecordBusy):
            transactions.transact(top_up)
    transactions.transact(top_up)
    assert books.figures(account) == (2, 15, 0)


def test_a_server_that_stops_within_a_transaction_loses_it_before_those_who_wait_for_it_are_refused(desk: Desk) -> None:
    with desk.batches.autocommit() as connection:
        idle = connection.execute(text("SELECT extract(epoch FROM current_setting(:name)::interval)"), {"name": IDLE})
        assert 0 < idle.scalar_one() < waiting_room.LONGEST_WAIT_SECONDS
