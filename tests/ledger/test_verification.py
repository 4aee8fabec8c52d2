"""A verification goes in steps of bounded size, holds nothing in between, and finds what is wrong all the same."""

from collections.abc import Iterator

import psycopg
import pytest

from creditd.domain.instant import Instant
from creditd.domain.limits import DAY, EACH, Limit
from creditd.ledger.verification import ENTRIES_AT_A_TIME, Checked, Found, Verification
from creditd.storage import verification as storage
from creditd.storage.verification import entries_of
from tests.support.desk import Desk
from tests.support.statements import statements_of
from tests.support.works import act, add, deduct

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
    assert finished(Verification(desk.database, desk.clock.now, account)) == [Checked(1, LONG, 0)]
    assert sum(read) == LONG
    assert max(read) <= ENTRIES_AT_A_TIME


def test_a_step_is_one_statement_or_two_in_order(desk: Desk, account: str) -> None:
    for number in range(30):
        desk.write(*(add(f"{account}-{number}", 1) for _ in range(5)))
    verification = Verification(desk.database, desk.clock.now)
    while not verification.is_done:
        with statements_of(desk.database) as seen:
            verification.step()
        assert len(seen) <= 3


def test_wallets_that_move_between_two_steps_show_no_difference(desk: Desk, account: str) -> None:
    fill(desk, account, LONG)
    verification, found = Verification(desk.database, desk.clock.now, account), list[Found | Checked]()
    while not verification.is_done:
        found += verification.step()
        desk.write(deduct(account, 1), deduct(account, 2))
    assert found == [Checked(1, LONG, 0)]


def test_an_entry_beyond_the_wallets_version_shows(
    desk: Desk, account: str, tampering: "psycopg.Connection[object]"
) -> None:
    fill(desk, account, 3)
    tampering.execute("UPDATE wallets SET version = 2 WHERE account_id = %s", [account])
    found = finished(Verification(desk.database, desk.clock.now, account))
    assert [tuple(f.difference) for f in found if isinstance(f, Found)] == [(0, "version", 3, 2)]


def test_entries_without_a_wallet_show(desk: Desk, account: str, tampering: "psycopg.Connection[object]") -> None:
    fill(desk, account, 3)
    tampering.execute("DELETE FROM wallets WHERE account_id = %s", [account])
    found = finished(Verification(desk.database, desk.clock.now, account))
    assert ("available", 9_998, 0) in [f.difference[1:] for f in found if isinstance(f, Found)]


def test_a_gap_between_the_versions_shows_and_ends(
    desk: Desk, account: str, tampering: "psycopg.Connection[object]"
) -> None:
    fill(desk, account, LONG)
    tampering.execute("DELETE FROM entries WHERE account_id = %s AND version BETWEEN 300 AND %s", [account, LONG - 10])
    found = finished(Verification(desk.database, desk.clock.now, account))
    assert (LONG - 9, "version", 300, LONG - 9) in [tuple(f.difference) for f in found if isinstance(f, Found)]
    assert found[-1] == Checked(1, 299 + 10, len(found) - 1)


def spend_by(desk: Desk, account: str, spenders: int) -> None:
    """Have so many spenders spend one credit each, under a limit."""
    desk.do(add(account, 10_000))
    desk.accounts.set_limits(account, act(None), (Limit("chat", EACH, daily=9),))
    desk.write(*(deduct(account, 1, spender_id=f"s{number:03}") for number in range(spenders)))


def fields(found: list[Found | Checked]) -> list[str]:
    return [one.difference.field for one in found if isinstance(one, Found)]


@pytest.mark.requirement("C7")
def test_counts_of_many_spenders_are_read_so_many_at_a_time(
    desk: Desk, account: str, tampering: "psycopg.Connection[object]", monkeypatch: pytest.MonkeyPatch
) -> None:
    """And each page is held against the ledger as long as it is by then."""
    monkeypatch.setattr("creditd.ledger.verification.COUNTS_AT_A_TIME", 10)
    spend_by(desk, account, 35)
    read: list[int] = []

    def counted(*arguments: object) -> object:
        found = storage.more_counts(*arguments)  # type: ignore[arg-type]
        read.extend(len(more.counts.usage) for more in found.values())
        return found

    monkeypatch.setattr("creditd.ledger.verification.more_counts", counted)
    verification, found = Verification(desk.database, desk.clock.now, account), list[Found | Checked]()
    while not verification.is_done:
        with statements_of(desk.database) as seen:
            found += verification.step()
        # The order, the checkpoints, the entries, and the counts.
        assert len(seen) <= 4
        desk.do(deduct(account, 1, spender_id=f"s{sum(read):03}"))
    assert fields(found) == []
    # The wallet's own and nine spenders', three times ten, and what is left.
    assert read == [10, 10, 6]
    for who, change in (("s003", "in_hour - 1"), ("s020", "in_hour"), ("s034", "in_hour")):
        query = f"UPDATE spending_counts SET in_hour = {change}, in_day = in_day + 2 WHERE account_id = %s"  # noqa: S608
        tampering.execute(f"{query} AND spender_id = %s".encode(), [account, who])
    tampering.execute("DELETE FROM spending_counts WHERE account_id = %s AND spender_id = 's025'", [account])
    again = fields(finished(Verification(desk.database, desk.clock.now, account)))
    assert again == [
        "counts.s003.day",
        "counts.s003.hour",
        "counts.s020.day",
        "counts.s025.day",
        "counts.s025.hour",
        "counts.s034.day",
    ]


@pytest.mark.requirement("C7")
def test_counts_that_are_being_deleted_show_no_difference(
    desk: Desk, account: str, tampering: "psycopg.Connection[object]"
) -> None:
    def tomorrow() -> Instant:
        return Instant(desk.clock.now() + DAY)

    spend_by(desk, account, 3)
    for spender_id in ("s001", "", "s000", "s002"):
        query = "DELETE FROM spending_counts WHERE account_id = %s AND spender_id = %s"
        tampering.execute(query, [account, spender_id])
        assert fields(finished(Verification(desk.database, desk.clock.now, account))) != []
        assert fields(finished(Verification(desk.database, tomorrow, account))) == []
