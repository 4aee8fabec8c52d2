"""What was archived comes back as it was, or stays away: entries, request ids and what may be done with them."""

from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

import psycopg
import pytest

from creditd.domain import errors
from creditd.ledger.archive.archive_proof import Unproved
from creditd.ledger.archive.archive_verification import ArchiveVerification
from creditd.storage.controls.seals import ENTRY_DOCUMENT
from creditd.storage.locks import wait_briefly
from creditd.storage.requests import ClaimKind, RequestKey, claim
from tests.support.archiving import (
    Killed,
    age,
    broken_files,
    differences,
    filed,
    killed_at,
    move_all,
    restore_all,
    stored,
)
from tests.support.desk import Desk
from tests.support.patience import eventually
from tests.support.sealing import ledgers, tampered
from tests.support.works import add, confirm, deduct, reservation_of, reserve

pytestmark = pytest.mark.requirement("D7", "A6")


def rows(desk: Desk, account: str) -> list[str]:
    """Return the canonical bytes of each entry."""
    query = f"SELECT {ENTRY_DOCUMENT} FROM entries e WHERE account_id = %s ORDER BY version"  # noqa: S608 - ours.
    with psycopg.connect(desk.url) as connection:
        return [row for (row,) in connection.execute(query.encode(), (account,)).fetchall()]


@pytest.fixture
def before(desk: Desk, account: str, tmp_path: Path) -> list[str]:
    """Archive an account with fourteen entries, in three files; return them as they were."""
    desk.do(add(account, 1_000, "brought"))
    desk.do(deduct(account, 1, "spent", spender_id="ann"))
    for _ in range(6):
        desk.do(confirm(reservation_of(desk.do(reserve(account, 5)))))
    age(desk)
    documents = rows(desk, account)
    assert len(move_all(desk, tmp_path, account)) == 3
    assert len(rows(desk, account)) < len(documents)
    return documents


def holds(desk: Desk, account: str, folder: Path) -> bool:
    """Tell whether nothing is wrong with a ledger, its seals and its files."""
    return not (differences(desk, account) or ledgers(desk, account) or broken_files(desk, folder, account))


def test_what_comes_back_is_what_went(desk: Desk, account: str, tmp_path: Path, before: list[str]) -> None:
    """To the last byte; it may go once more, to the files that are there."""
    assert restore_all(desk, tmp_path, account) == 3
    assert rows(desk, account) == before
    assert holds(desk, account, tmp_path)
    assert restore_all(desk, tmp_path, account) == 0
    assert len(move_all(desk, tmp_path, account)) == 3
    assert sorted(filed(tmp_path, account)) == list(range(1, 15))
    assert holds(desk, account, tmp_path)


def test_a_request_id_is_its_entry_s_again(desk: Desk, account: str, tmp_path: Path, before: list[str]) -> None:
    """A repeat gets the first answer."""
    desk.forget()
    with pytest.raises(errors.RequestIdReused):
        desk.do(deduct(account, 1, "spent", spender_id="ann"))
    restore_all(desk, tmp_path, account)
    desk.forget()
    assert desk.do(deduct(account, 1, "spent", spender_id="ann")).entries[0].version == 2
    assert rows(desk, account) == before


_WAITING = "SELECT pid FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"


def test_a_request_id_that_comes_back_is_not_taken_meanwhile(
    desk: Desk, account: str, tmp_path: Path, before: list[str]
) -> None:
    """Whoever claims it waits, and finds the entry then: the claim that was in its place is gone by that time."""
    assert before

    def taken() -> None:
        with desk.database.transaction() as connection:
            wait_briefly(connection, 60_000)
            claim(connection, RequestKey(account, "spent"), ClaimKind.PLAN, desk.clock.now())

    left, taking = [3], list[Future[None]]()
    with ThreadPoolExecutor(1) as pool, psycopg.connect(desk.url, autocommit=True) as connection:

        def meanwhile(step: str) -> None:
            left[0] -= step == "commit"
            if not left[0]:
                taking.append(pool.submit(taken))
                eventually(lambda: taking[0].done() or connection.execute(_WAITING).fetchall())

        restore_all(desk, tmp_path, account, meanwhile)
        with pytest.raises(errors.RequestIdReused) as refused:
            taking[0].result()
    assert refused.value.facts["used_by"] == "DEDUCT"
    assert rows(desk, account) == before


def test_what_comes_back_while_files_are_verified_is_no_damage(
    desk: Desk, account: str, tmp_path: Path, before: list[str]
) -> None:
    """Its file is not looked for in vain: it is no longer a part of the archive."""
    assert before
    first = next(tmp_path.rglob("chat.1-6.jsonl.gz"))
    content = first.read_bytes()
    first.write_bytes(content[:-9])
    found = (one for one in ArchiveVerification(desk.database, tmp_path).steps() if f"/{account}/" in one.file)
    assert next(found).file.endswith("chat.1-6.jsonl.gz")
    first.write_bytes(content)
    assert restore_all(desk, tmp_path, account) == 3
    assert list(found) == []


@pytest.mark.parametrize("times", [1, 2])
def test_a_process_that_ends_within_a_file_has_brought_back_nothing_of_it(
    desk: Desk, account: str, tmp_path: Path, before: list[str], times: int
) -> None:
    with pytest.raises(Killed):
        restore_all(desk, tmp_path, account, killed_at("commit", times))
    assert stored(desk, account) == ([1, 6, 12, 14] if times == 1 else [1, 6, 12, 13, 14])
    assert holds(desk, account, tmp_path)
    restore_all(desk, tmp_path, account)
    assert rows(desk, account) == before


@pytest.mark.parametrize(
    "spoil",
    [
        "UPDATE entries SET actor = 'nobody' WHERE account_id = %s AND version = 12",
        "UPDATE entry_archives SET last_version = 13 WHERE account_id = %s AND first_version = 13",
        "UPDATE entry_archives SET state = '[]' WHERE account_id = %s",
        "UPDATE entry_seals SET hash = sha256('') WHERE account_id = %s",
        "DELETE FROM request_claims WHERE account_id = %s",
    ],
    ids=["entry", "version", "checkpoint", "seal", "claim"],
)
def test_what_does_not_hold_stays_where_it_is(
    desk: Desk, account: str, tmp_path: Path, before: list[str], spoil: str
) -> None:
    """With the file before the last one at the latest, which all of these spoil."""
    tampered(desk, spoil, account)
    there = stored(desk, account)
    with pytest.raises(Unproved):
        restore_all(desk, tmp_path, account)
    assert set(there) <= set(stored(desk, account)) < set(range(1, len(before) + 1))


def test_a_file_that_was_changed_brings_back_nothing(
    desk: Desk, account: str, tmp_path: Path, before: list[str]
) -> None:
    assert before
    for file in tmp_path.rglob("*.gz"):
        file.write_bytes(file.read_bytes()[:-9])
    with pytest.raises(Unproved, match="not the file"):
        restore_all(desk, tmp_path, account)
    assert stored(desk, account) == [1, 6, 12, 14]


def test_it_is_told_in_the_audit_log(desk: Desk, account: str, tmp_path: Path, before: list[str]) -> None:
    """Each file that was written, and each that is no more."""
    assert before
    restore_all(desk, tmp_path, account)
    query = "SELECT kind, after -> 'last_version' FROM audit_events WHERE account = %s AND actor = 'creditd archive'"
    with psycopg.connect(desk.url) as connection:
        told = connection.execute(query, (account,)).fetchall()
    assert sorted(told) == [(kind, end) for kind in ("entries.archive", "entries.restore") for end in (6, 12, 14)]
