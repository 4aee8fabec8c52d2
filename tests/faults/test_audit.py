"""The audit finds what it looks for: the ledger is falsified by hand, and each falsehood shows."""

from collections.abc import Iterator
from contextlib import contextmanager
from copy import copy
from typing import NamedTuple

import psycopg
import pytest

from creditd.development.postgres import EmbeddedPostgres
from creditd.domain.entry import EntryKind
from tests.faults.arena import arena
from tests.faults.audit import Findings, audit
from tests.faults.client import Client
from tests.faults.load import Load
from tests.faults.mix import Mix
from tests.faults.operations import Fate, Operation

OF_ONE = "WHERE account_id = %(account)s AND request_id = %(request)s"

TWICE = f"""
INSERT INTO entries SELECT (jsonb_populate_record(e, jsonb_build_object('version', top + 1, 'ordinal', 1))).*
FROM entries AS e, (SELECT max(version) AS top FROM entries WHERE account_id = %(account)s) AS w {OF_ONE}
"""  # noqa: S608 - all of it is written here.


class Played(NamedTuple):
    """A load that is over, and the ledger that it left."""

    database_url: str
    operations: list[Operation]


@pytest.fixture(scope="module")
def played(postgres: EmbeddedPostgres, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Played]:
    with arena(postgres, tmp_path_factory.mktemp("audit")) as place, place.client(Client) as client:
        load = Load(client, Mix())
        with load.run():
            load.await_more(100)
        yield Played(place.database_url, load.operations)


@contextmanager
def falsified(played: Played, statement: str) -> Iterator[Findings]:
    """Falsify the entry of one operation, audit, and undo it."""
    one = next(o for o in played.operations if o.is_done and o.kind is EntryKind.DEDUCT)
    with psycopg.connect(played.database_url) as connection:
        connection.execute("ALTER TABLE entries DISABLE TRIGGER USER")
        assert connection.execute(statement.encode(), {"account": one.account_id, "request": one.request_id}).rowcount
        yield audit(connection, played.operations)
        connection.rollback()


def test_it_finds_nothing_where_nothing_is_wrong(played: Played) -> None:
    with psycopg.connect(played.database_url) as connection:
        found = audit(connection, played.operations)
    assert (found.lost, found.doubled, found.unresolved, found.broken) == (0, 0, 0, [])


def test_an_acknowledged_operation_that_is_gone_is_lost_and_leaves_a_gap(played: Played) -> None:
    with falsified(played, f"DELETE FROM entries {OF_ONE}") as found:  # noqa: S608 - all of it is written here.
        assert (found.lost, found.doubled) == (1, 0)
        assert any("gap" in line for line in found.broken)


def test_an_acknowledged_operation_of_another_amount_is_lost(played: Played) -> None:
    with falsified(played, f"UPDATE entries SET amount = amount + 1 {OF_ONE}") as found:  # noqa: S608 - as above.
        assert found.lost == 1


def test_an_operation_with_two_entries_is_doubled_and_spent_twice(played: Played) -> None:
    with falsified(played, TWICE) as found:
        assert (found.lost, found.doubled) == (0, 1)
        assert any("ended twice" in line for line in found.broken)
        assert any("do not follow" in line for line in found.broken)


def test_an_entry_that_nobody_asked_for_is_a_stranger(played: Played) -> None:
    with falsified(played, f"UPDATE entries SET request_id = 'x' {OF_ONE}") as found:  # noqa: S608 - as above.
        assert any("nobody sent" in line for line in found.broken)


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE wallets SET available = available + 1 WHERE account_id = %(account)s AND %(request)s <> ''",
        "UPDATE grants SET remaining = remaining - 1 WHERE account_id = %(account)s AND live AND %(request)s <> ''",
        "UPDATE reservations SET state = 2, captured = amount + 1 WHERE account_id = %(account)s AND %(request)s <> ''",
    ],
)
def test_a_row_that_does_not_fit_the_ledger_shows(played: Played, change: str) -> None:
    with falsified(played, change) as found:
        assert found.broken


def test_what_was_refused_and_is_yet_there_shows_and_so_does_what_nobody_answered(played: Played) -> None:
    operations = [copy(operation) for operation in played.operations]
    done = [operation for operation in operations if operation.is_done]
    done[0].fate, done[1].fate = Fate.REFUSED, Fate.UNKNOWN
    with psycopg.connect(played.database_url) as connection:
        found = audit(connection, operations)
    assert found.unresolved == 1
    assert any("refused and yet in the ledger" in line for line in found.broken)
