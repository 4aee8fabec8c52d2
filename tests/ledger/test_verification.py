"""A verification goes in steps of bounded size, holds nothing in between, and finds what is wrong all the same."""

from collections.abc import Iterator

import psycopg
import pytest

from creditd.ledger.verification import ENTRIES_AT_A_TIME, Checked, Found, Verification
from creditd.storage.verification import entries_of
from tests.ledger.statements import statements_of
from tests.support.desk import Desk
from tests.support.works import add, deduct

LONG = 2 * ENTRIES_AT_A_TIME + 150


@pytest.fixture
def tampering(url: str) -> Iterator["psycopg.Connection[object]"]:
    """Provide a connection that may do what the service may not."""
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("SET session_replication_role = replica")
        yield connection


def finished(verification: Verification) -> list[Found | Checked]:
    """Take all steps that are left, and return what they found."""
    found: list[Found | Checked] = []
    while not verification.is_done:
        found += verification.step()
    return found


def fill(desk: Desk, account: str, count: int) -> None:
    """Make a wallet's ledger as long as this."""
    desk.do(add(account, 10_000))
    desk.write(*(deduct(account, 1) for _ in range(count - 1)))


def test_a_long_ledger_is_folded_across_steps(desk: Desk, account: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """None of which reads more than a few hundred entries."""
    fill(desk, account, LONG)
    read: list[int] = []

    def counted(*arguments: object) -> object:
        entries = entries_of(*arguments)  # type: ignore[arg-type]
        read.append(len(entries))
        return entries

    monkeypatch.setattr("creditd.ledger.verification.entries_of", counted)
    assert finished(Verification(desk.database, account)) == [Checked(1, LONG, 0)]
    assert sum(read) == LONG
    assert max(read) <= ENTRIES_AT_A_TIME


def test_a_step_is_one_statement_or_two(desk: Desk, account: str) -> None:
    for number in range(30):
        desk.write(*(add(f"{account}-{number}", 1) for _ in range(5)))
    verification = Verification(desk.database)
    while not verification.is_done:
        with statements_of(desk.database) as seen:
            verification.step()
        assert len(seen) <= 2


def test_wallets_that_move_between_two_steps_show_no_difference(desk: Desk, account: str) -> None:
    fill(desk, account, LONG)
    verification, found = Verification(desk.database, account), list[Found | Checked]()
    while not verification.is_done:
        found += verification.step()
        desk.write(deduct(account, 1), deduct(account, 2))
    assert found == [Checked(1, LONG, 0)]


def test_an_entry_beyond_the_wallets_version_shows(
    desk: Desk, account: str, tampering: "psycopg.Connection[object]"
) -> None:
    fill(desk, account, 3)
    tampering.execute("UPDATE wallets SET version = 2 WHERE account_id = %s", [account])
    found = finished(Verification(desk.database, account))
    assert [tuple(f.difference) for f in found if isinstance(f, Found)] == [(0, "version", 3, 2)]


def test_entries_without_a_wallet_show(desk: Desk, account: str, tampering: "psycopg.Connection[object]") -> None:
    fill(desk, account, 3)
    tampering.execute("DELETE FROM wallets WHERE account_id = %s", [account])
    found = finished(Verification(desk.database, account))
    assert ("available", 9_998, 0) in [f.difference[1:] for f in found if isinstance(f, Found)]


def test_a_gap_between_the_versions_shows_and_ends(
    desk: Desk, account: str, tampering: "psycopg.Connection[object]"
) -> None:
    fill(desk, account, LONG)
    tampering.execute("DELETE FROM entries WHERE account_id = %s AND version BETWEEN 300 AND %s", [account, LONG - 10])
    found = finished(Verification(desk.database, account))
    assert (LONG - 9, "version", 300, LONG - 9) in [tuple(f.difference) for f in found if isinstance(f, Found)]
    assert found[-1] == Checked(1, 299 + 10, len(found) - 1)
