"""The ledger's threads: each keeps going whatever another one waits for, and all end in time."""

from collections.abc import Iterator
from concurrent.futures import wait

import pytest

from creditd.ledger import waiting_room
from creditd.ledger.batch import Terms
from creditd.ledger.ids import uuid7
from creditd.ledger.ledger import Ledger
from creditd.ledger.side_lane import SideThread
from creditd.ledger.work import RecordBusy, ShuttingDown
from creditd.storage.database import Database, DatabaseSettings
from tests.ledger.driving import Gate, driven
from tests.support.databases import clock_of
from tests.support.desk import RULES
from tests.support.ledger_books import Books
from tests.support.patience import eventually
from tests.support.polling import PollingThread
from tests.support.row_locks import WALLET, held
from tests.support.tickets import ask, run
from tests.support.works import add, deduct


@pytest.fixture
def ledger(url: str, *, is_polled: bool) -> Iterator[Ledger]:
    """Provide a ledger with both of its threads, or with one that polls in the place of the first."""
    terms, database = Terms(RULES, {}, uuid7), Database(DatabaseSettings(url)).for_batches()
    with driven(Ledger(database, terms, clock_of(database)), is_polled=is_polled) as ledger:
        yield ledger
    database.close()


def test_others_are_answered_while_a_wallet_is_held_and_it_is_once_it_is_free(
    url: str, ledger: Ledger, books: Books, account: str
) -> None:
    beside = f"{account}-beside"
    run(ledger, add(account, 10))
    run(ledger, add(beside, 10))
    with held(url, WALLET, account):
        waiting = [ask(ledger.submit, deduct(account, 1)) for _ in range(3)]
        for _ in range(3):
            run(ledger, deduct(beside, 1))
        assert not any(future.done() for future in waiting)
    assert all(future.result(10) for future in waiting)
    assert books.figures(account) == (4, 7, 0)
    assert ledger.waiting_apart == 0


def test_works_on_a_wallet_known_to_be_held_stand_in_no_batch(url: str, ledger: Ledger, account: str) -> None:
    run(ledger, add(account, 10))
    with held(url, WALLET, account):
        first = ask(ledger.submit, deduct(account, 1))
        eventually(lambda: ledger.waiting_apart == 1)
        batches = ledger.statistics.batches
        second = ask(ledger.submit, deduct(account, 1))
        eventually(lambda: ledger.waiting_apart == 2)
        assert ledger.statistics.batches == batches
    assert first.result(10)
    assert second.result(10)


def test_a_wallet_that_was_given_up_is_served_when_its_next_caller_comes(
    url: str, ledger: Ledger, account: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(waiting_room, "LONGEST_WAIT_SECONDS", 0.05)
    run(ledger, add(account, 10))
    with held(url, WALLET, account), pytest.raises(RecordBusy):
        ask(ledger.submit, deduct(account, 1)).result(10)
    assert ask(ledger.submit, deduct(account, 1)).result(10)


def test_closing_finishes_what_is_free_and_tells_the_rest(
    url: str, ledger: Ledger, books: Books, account: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    # What is free has all the time that it needs; what waits apart would take all that there is.
    close = SideThread.close
    monkeypatch.setattr(SideThread, "close", lambda side, _: close(side, 0.3))
    beside = f"{account}-beside"
    run(ledger, add(account, 10))
    run(ledger, add(beside, 10))
    with held(url, WALLET, account):
        futures = [ask(ledger.submit, deduct(account, 1)), ask(ledger.submit, deduct(beside, 1))]
        ledger.close(60)
        assert isinstance(futures[0].exception(10), ShuttingDown)
        assert futures[1].result(10)
    assert books.figures(account) == (1, 10, 0)


def test_what_a_stuck_batch_keeps_waiting_is_told_when_the_ledger_closes(
    ledger: Ledger, account: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nobody hangs: the batch that is under way ends by itself, those behind it are told."""
    gate = Gate(ledger, monkeypatch)
    first = ask(ledger.submit, add(account, 1))
    assert gate.reached.wait(10)
    behind = [ask(ledger.submit, add(account, 1)) for _ in range(3)]
    ledger.close(0.05)
    assert all(isinstance(future.exception(10), ShuttingDown) for future in behind)
    gate.opened.set()
    assert wait([first], 10).done
    assert first.result()


def test_what_waits_when_the_thread_that_polls_has_ended_is_finished(url: str, books: Books, account: str) -> None:
    terms, database = Terms(RULES, {}, uuid7), Database(DatabaseSettings(url)).for_batches()
    ledger = Ledger(database, terms, clock_of(database))
    polling = PollingThread(ledger.attach)
    run(ledger, add(account, 10))
    polling.stop()
    futures = [ask(ledger.submit, deduct(account, 1)) for _ in range(3)]
    ledger.close(10)
    assert all(future.result(0) for future in futures)
    assert books.figures(account).available == 7
    with pytest.raises(ShuttingDown):
        ask(ledger.submit, deduct(account, 1))
    database.close()


def test_what_a_held_save_leaves_is_told_by_the_database_thread_when_nobody_polls_any_more(
    url: str, account: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    terms, database = Terms(RULES, {}, uuid7), Database(DatabaseSettings(url)).for_batches()
    ledger = Ledger(database, terms, clock_of(database))
    polling = PollingThread(ledger.attach)
    run(ledger, add(account, 10))
    gate = Gate(ledger, monkeypatch)
    first = ask(ledger.submit, deduct(account, 1))
    assert gate.reached.wait(10)
    polling.stop()
    behind = ask(ledger.submit, deduct(account, 1))
    ledger.close(0.05)
    assert isinstance(behind.exception(0), ShuttingDown)
    gate.opened.set()
    assert first.result(10)
    database.close()
