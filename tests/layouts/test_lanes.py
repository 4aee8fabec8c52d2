"""Many lanes write at a time: an account always in one of them, and what fails there fails alone."""

from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from creditd.domain.account import AccountStatus
from creditd.domain.errors import AccountSuspended, InsufficientCredit, RequestIdReused
from creditd.ledger.account_lanes import AccountLanes, lane_of
from creditd.ledger.work import ShuttingDown
from creditd.storage.database import Database, DatabaseSettings
from tests.layouts.lanes import LANES, lanes_at
from tests.support.databases import migrated_database
from tests.support.desk import desk_at
from tests.support.ledger_books import Books
from tests.support.row_locks import WALLET, held
from tests.support.service import running_service
from tests.support.tickets import ask, run
from tests.support.works import act, add, confirm, deduct, refund, reservation_of, reserve


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    """Provide a database with the schema."""
    with migrated_database() as url:
        yield url


@pytest.fixture
def lanes(url: str) -> Iterator[AccountLanes]:
    """Provide the lanes of a server."""
    lanes, database = lanes_at(url)
    yield lanes
    lanes.close(5)
    database.close()


@pytest.fixture
def others(url: str) -> Iterator[AccountLanes]:
    """Provide the lanes of another server."""
    lanes, database = lanes_at(url)
    yield lanes
    lanes.close(5)
    database.close()


@pytest.fixture
def books(url: str) -> Iterator[Books]:
    """Provide a look into what was committed."""
    database = Database(DatabaseSettings(url, pool_size=1))
    yield Books(database)
    database.close()


@pytest.mark.requirement("I6")
def test_an_account_is_always_in_the_same_lane_in_each_process_and_release() -> None:
    assert [lane_of(name, 8) for name in ("ann", "ben", "zoë", "")] == [3, 1, 4, 0]
    assert {lane_of(f"account-{number}", 8) for number in range(100)} == set(range(8))


def test_a_service_has_as_many_lanes_as_it_is_told(tmp_path: Path) -> None:
    with running_service(tmp_path, database_layout="citus", database_lanes=3) as service:
        assert isinstance(service.core.ledger, AccountLanes)
        assert len(service.core.ledger.counted) == 3 + 1
        app = service.as_caller("app", "SERVICE", scope="credits.spend credits.read credits.admin")
        assert app.credit is not None


def test_a_hold_is_made_confirmed_and_given_back(lanes: AccountLanes, books: Books, account: str) -> None:
    run(lanes, add(account, 100))
    first = reservation_of(run(lanes, reserve(account, 30)))
    second = reservation_of(run(lanes, reserve(account, 20)))
    run(lanes, confirm(first))
    run(lanes, refund(second))
    assert books.figures(account) == (5, 70, 0)
    assert books.are_whole(account)


def test_works_of_one_account_are_done_in_their_order_and_saved_together(
    lanes: AccountLanes, books: Books, account: str
) -> None:
    run(lanes, add(account, 100))
    asked = [ask(lanes.submit, deduct(account, 1)) for _ in range(150)]
    results = [future.exception(30) for future in asked]
    assert [type(result) for result in results] == [type(None)] * 100 + [InsufficientCredit] * 50
    assert books.figures(account) == (101, 0, 0)
    assert books.are_whole(account)
    assert lanes.statistics.batches < 151


def test_who_fails_fails_alone_and_leaves_nothing(lanes: AccountLanes, books: Books, account: str) -> None:
    names = [f"{account}-{number}" for number in range(6)]
    for name in names:
        run(lanes, add(name, 10))
    asked = [ask(lanes.submit, deduct(name, 10 + number % 2)) for number, name in enumerate(names)]
    assert [type(future.exception(30)) for future in asked] == [type(None), InsufficientCredit] * 3
    assert [books.figures(name) for name in names] == [(2, 0, 0), (1, 10, 0)] * 3


def test_two_servers_on_one_account_lose_and_double_nothing(
    lanes: AccountLanes, others: AccountLanes, books: Books, account: str
) -> None:
    run(lanes, add(account, 100))
    run(others, deduct(account, 1))
    asked = [ask(server.submit, deduct(account, 1)) for _ in range(60) for server in (lanes, others)]
    done = sum(future.exception(30) is None for future in asked)
    assert done == 99
    assert books.figures(account) == (101, 0, 0)
    assert books.are_whole(account)


def test_a_request_id_is_used_once_whichever_server_is_asked(
    lanes: AccountLanes, others: AccountLanes, books: Books, account: str
) -> None:
    run(lanes, add(account, 10))
    asked = [ask(server.submit, deduct(account, 3, "once")) for _ in range(20) for server in (lanes, others)]
    versions = {future.result(30).entries[0].version for future in asked}
    assert versions == {2}
    with pytest.raises(RequestIdReused):
        run(others, deduct(account, 4, "once"))
    assert books.figures(account) == (2, 7, 0)


def test_a_claimed_request_id_writes_nothing(url: str, lanes: AccountLanes, books: Books, account: str) -> None:
    run(lanes, add(account, 10))
    with psycopg.connect(url) as connection:
        connection.execute(
            "INSERT INTO request_claims (account_id, request_id, kind, create_time) VALUES (%s, 'taken', 3, now())",
            [account],
        )
    with pytest.raises(RequestIdReused):
        run(lanes, deduct(account, 1, "taken"))
    assert books.figures(account) == (1, 10, 0)


def test_what_another_server_has_changed_of_the_account_is_decided_on(
    url: str, lanes: AccountLanes, books: Books, account: str
) -> None:
    """No movement tells of it, and so no key: the account's version in the wallet's row does."""
    run(lanes, add(account, 10))
    with desk_at(url) as other:
        other.accounts.set_status(account, AccountStatus.SUSPENDED, act(None), allow_balance=True)
    with pytest.raises(AccountSuspended):
        run(lanes, deduct(account, 1))
    assert books.figures(account) == (1, 10, 0)


def test_two_servers_open_an_account_once(
    lanes: AccountLanes, others: AccountLanes, books: Books, account: str
) -> None:
    asked = [
        ask(server.submit, add(f"{account}-{number}", 5, "first")) for number in range(20) for server in (lanes, others)
    ]
    for future in asked:
        future.exception(30)
    assert [books.figures(f"{account}-{number}") for number in range(20)] == [(1, 5, 0)] * 20


def test_others_are_answered_while_an_account_is_held(
    url: str, lanes: AccountLanes, books: Books, account: str
) -> None:
    """Also one of the same lane: what others hold is left to be done apart."""
    lane = lane_of(account, LANES)
    beside = next(name for number in range(99) if lane_of(name := f"{account}-{number}", LANES) == lane)
    run(lanes, add(account, 10))
    run(lanes, add(beside, 10))
    with held(url, WALLET, account):
        waiting = ask(lanes.submit, deduct(account, 1))
        run(lanes, deduct(beside, 1))
        assert not waiting.done()
    assert waiting.result(30).entries[0].version == 2
    assert books.figures(account) == (2, 9, 0)


def test_after_the_end_nothing_is_taken(url: str, account: str) -> None:
    lanes, database = lanes_at(url)
    lanes.close(5)
    with pytest.raises(ShuttingDown):
        ask(lanes.submit, reserve(account, 1))
    database.close()
