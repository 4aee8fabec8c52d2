"""Reads of several accounts: where each is on a server of its own, one that cannot be read fails alone."""

from collections.abc import Iterator

import psycopg
import pytest

from creditd.ledger.account_lanes import AccountLanes
from creditd.ledger.balances import AccountState, BalanceReader
from creditd.storage.database import Database, DatabaseSettings
from creditd.storage.layout import Layout
from tests.layouts.lanes import lanes_at
from tests.support.databases import clock_of, migrated_database
from tests.support.desk import RULES
from tests.support.tickets import FutureTicket, run
from tests.support.works import add

UNREADABLE = """
INSERT INTO reservations (account_id, credit_type, reservation_id, state, amount, captured, refunded, unlimited, slices,
                          expire_time, create_time, update_time, description)
VALUES (%s, 'chat', gen_random_uuid(), 1, 1, 0, 0, false, '{}', now() - interval '1 hour', now(), now(), '')
"""


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
def reader(url: str) -> Iterator[BalanceReader]:
    """Provide what reads balances."""
    database = Database(DatabaseSettings(url, layout=Layout.CITUS))
    reader = BalanceReader(database, clock_of(database), RULES)
    yield reader
    reader.close(5)
    database.close()


def test_accounts_are_read_each_by_itself(lanes: AccountLanes, reader: BalanceReader, account: str) -> None:
    names = [f"{account}-{number}" for number in range(5)]
    for number, name in enumerate(names):
        run(lanes, add(name, number + 1))
    states = reader.read([*names, "never-seen"])
    assert {name: state.wallets["chat"].available for name, state in states.items()} == {
        name: number + 1 for number, name in enumerate(names)
    }


@pytest.mark.requirement("I6")
def test_one_that_cannot_be_read_fails_alone(
    url: str, lanes: AccountLanes, reader: BalanceReader, account: str
) -> None:
    names = [f"{account}-{number}" for number in range(3)]
    for name in names:
        run(lanes, add(name, 10))
    with psycopg.connect(url) as connection:
        connection.execute(UNREADABLE, [names[1]])
        connection.execute("UPDATE wallets SET next_expire_time = now() WHERE account_id = %s", [names[1]])
    tickets: list[FutureTicket[str, AccountState | None]] = [FutureTicket(name) for name in names]
    reader._answer(tickets)
    results = [ticket.future.exception(30) for ticket in tickets]
    assert [type(result).__name__ for result in results] == ["NoneType", "InvalidParameterValue", "NoneType"]
