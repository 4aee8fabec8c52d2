"""Old entries are moved to files: nothing is lost, nothing is there twice, and nobody waits (requirement D7)."""

import gzip
from pathlib import Path

import orjson
import psycopg
import pytest

from creditd.domain import errors
from creditd.domain.wallet import WalletKey
from creditd.ledger.archive.archive_files import file_of
from creditd.ledger.archive.archive_proof import Unproved
from creditd.ledger.archive.archiver import UsageInTheWay
from creditd.service.usage.usage_rebuild import EntriesAreAway, UsageRebuild
from creditd.storage.controls.seals import ENTRY_DOCUMENT
from tests.support.archiving import (
    STEPS,
    Killed,
    age,
    broken_files,
    differences,
    filed,
    killed_at,
    move_all,
    stored,
)
from tests.support.desk import Desk
from tests.support.sealing import ledgers, seal_all, tampered
from tests.support.usage_rolling import LABEL
from tests.support.works import add, confirm, deduct, refund, reservation_of, reserve

pytestmark = pytest.mark.requirement("D7", "A6")


def spend(desk: Desk, account: str, times: int = 6) -> None:
    """Write an entry that brings credits, and twice so many that spend them."""
    desk.do(add(account, 1_000))
    for _ in range(times):
        desk.do(confirm(reservation_of(desk.do(reserve(account, 5)))))


def test_what_is_old_is_in_files_and_what_brought_credits_stays(desk: Desk, account: str, tmp_path: Path) -> None:
    """The entry that a file ends with stays too: nothing is missing from there on."""
    spend(desk, account)
    desk.do(add(account, 7))
    age(desk)
    desk.do(deduct(account, 1))
    moved = move_all(desk, tmp_path, account)
    assert [(one.part.first_version, one.part.last_version) for one in moved] == [(1, 6), (7, 12), (13, 14)]
    assert filed(tmp_path, account) == list(range(1, 15))
    assert stored(desk, account) == [1, 6, 12, 14, 15]
    assert (differences(desk, account), ledgers(desk, account), broken_files(desk, tmp_path, account)) == ([], [], [])


def test_a_line_is_what_the_seal_holds(desk: Desk, account: str, tmp_path: Path) -> None:
    """Byte by byte what PostgreSQL writes of the row."""
    spend(desk, account, 2)
    with psycopg.connect(desk.url) as connection:
        query = f"SELECT {ENTRY_DOCUMENT} FROM entries e WHERE account_id = %s ORDER BY version"  # noqa: S608 - ours.
        documents = [row for (row,) in connection.execute(query.encode(), (account,)).fetchall()]
    age(desk)
    (moved,) = move_all(desk, tmp_path, account)
    with gzip.open(tmp_path / moved.part.file) as file:
        assert file.read().decode() == "".join(f"{document}\n" for document in documents)


def test_what_is_young_or_not_sealed_is_left(desk: Desk, account: str, tmp_path: Path) -> None:
    spend(desk, account, 3)
    age(desk, 80)
    assert move_all(desk, tmp_path, account) == []
    spend(desk, account, 3)
    desk.clock.advance(20 * 86_400)
    assert [one.part.last_version for one in move_all(desk, tmp_path, account)] == [6]
    desk.clock.advance(100 * 86_400)
    assert [one.part.last_version for one in move_all(desk, tmp_path, account)] == []


def test_a_hold_that_is_not_ended_keeps_all_since_it_began(desk: Desk, account: str, tmp_path: Path) -> None:
    """Whatever its time says: until it is written that it ended."""
    spend(desk, account, 3)
    held = reservation_of(desk.do(reserve(account, 5)))
    spend(desk, account.replace("hold", "other"), 1)
    age(desk)
    assert [one.part.last_version for one in move_all(desk, tmp_path, account)] == [6]
    desk.do(deduct(account, 1))
    assert differences(desk, account) == []
    age(desk)
    assert move_all(desk, tmp_path, account)
    assert held.reservation_id
    assert (differences(desk, account), broken_files(desk, tmp_path, account)) == ([], [])


@pytest.mark.parametrize("step", STEPS)
@pytest.mark.parametrize("times", [1, 2])
def test_a_process_that_ends_at_any_step_has_lost_and_doubled_nothing(
    desk: Desk, account: str, tmp_path: Path, step: str, times: int
) -> None:
    """In its first file or in its second: another one does the rest."""
    spend(desk, account)
    age(desk)
    with pytest.raises(Killed):
        move_all(desk, tmp_path, account, killed_at(step, times))
    assert (differences(desk, account), ledgers(desk, account), broken_files(desk, tmp_path, account)) == ([], [], [])
    move_all(desk, tmp_path, account)
    assert filed(tmp_path, account) == list(range(1, 13))
    assert stored(desk, account) == [1, 6, 12, 13]
    assert (differences(desk, account), ledgers(desk, account), broken_files(desk, tmp_path, account)) == ([], [], [])
    assert move_all(desk, tmp_path, account) == []


def test_of_two_that_move_the_same_one_does(desk: Desk, account: str, tmp_path: Path) -> None:
    """To folders of their own, where no lock of a folder keeps them apart."""
    spend(desk, account)
    age(desk)
    first, second = tmp_path / "first", tmp_path / "second"
    first.mkdir()
    second.mkdir()

    def meanwhile(step: str) -> None:
        if step == "delete":
            assert move_all(desk, first, account)

    with pytest.raises(Unproved):
        move_all(desk, second, account, meanwhile)
    assert (differences(desk, account), ledgers(desk, account), broken_files(desk, first, account)) == ([], [], [])


def test_a_file_is_its_owner_s_alone_wherever_the_account_s_name_would_lead(
    desk: Desk, account: str, tmp_path: Path
) -> None:
    """Nobody else reads what somebody spent; and no name is that of another folder."""
    spend(desk, account)
    age(desk)
    files = [tmp_path / one.part.file for one in move_all(desk, tmp_path, account)]
    assert {file.stat().st_mode & 0o777 for file in files} == {0o600}
    for name in (".", "..", "..a", "." * 128, "a" * 128):
        path = tmp_path / file_of(WalletKey(name, "chat"), 1, 5)
        assert path.resolve().parent.parent.parent == tmp_path.resolve()
        assert len(path.parent.name) <= 255
    assert file_of(WalletKey(".a", "chat"), 1, 5) != file_of(WalletKey("a", "chat"), 1, 5)


def test_nobody_waits_while_entries_are_deleted(desk: Desk, account: str, tmp_path: Path) -> None:
    """All that an account does goes through while the transaction is open, and a repeat gets its first answer."""
    desk.do(add(account, 100))
    first = deduct(account, 1, "the-first")
    held = reservation_of(desk.do(reserve(account, 5)))
    before = desk.do(first)
    desk.do(confirm(held))
    spend(desk, account, 3)
    age(desk)
    done: list[str] = []

    def meanwhile(step: str) -> None:
        if step == "commit" and not done:
            desk.do(confirm(reservation_of(desk.do(reserve(account, 5)))))
            desk.do(refund(held, 2))
            again = desk.do(deduct(account, 1, "the-first"))
            assert again.entries[0].version == before.entries[0].version
            assert differences(desk, account) == []
            done.append(step)

    assert move_all(desk, tmp_path, account, meanwhile)
    assert done
    assert differences(desk, account) == []


def test_a_request_id_stays_used(desk: Desk, account: str, tmp_path: Path) -> None:
    """A repeat is refused, and does nothing; one whose entry stayed gets its answer."""
    brought, spent = add(account, 100, "brought"), deduct(account, 1, "spent")
    desk.do(brought)
    desk.do(spent)
    spend(desk, account, 3)
    age(desk)
    move_all(desk, tmp_path, account)
    desk.forget()
    there = stored(desk, account)
    assert desk.do(add(account, 100, "brought")).entries[0].version == 1
    with pytest.raises(errors.RequestIdReused) as refused:
        desk.do(deduct(account, 1, "spent"))
    assert refused.value.facts["used_by"] == "ARCHIVED_ENTRY"
    assert stored(desk, account) == there


def test_what_was_spent_long_ago_can_be_refunded(desk: Desk, account: str, tmp_path: Path) -> None:
    """The reservation remembers what paid for it."""
    desk.do(add(account, 100))
    held = reservation_of(desk.do(reserve(account, 50)))
    desk.do(confirm(held))
    spend(desk, account, 3)
    age(desk)
    move_all(desk, tmp_path, account)
    desk.do(refund(held, 20))
    assert differences(desk, account) == []
    age(desk)
    move_all(desk, tmp_path, account)
    assert (differences(desk, account), broken_files(desk, tmp_path, account)) == ([], [])


def test_only_what_is_archived_can_be_deleted(desk: Desk, account: str, tmp_path: Path) -> None:
    """Also by the owner of the tables, and by an administrator of the database."""
    spend(desk, account)
    age(desk)
    move_all(desk, tmp_path, account)
    desk.do(deduct(account, 1))
    for version in (1, 6, 13, 14):
        with psycopg.connect(desk.url) as connection, pytest.raises(psycopg.errors.InsufficientPrivilege):
            connection.execute("DELETE FROM entries WHERE account_id = %s AND version = %s", (account, version))
    for change in ("DELETE FROM entry_archives", "UPDATE entry_archives SET removed = 0", "TRUNCATE entries"):
        with psycopg.connect(desk.url) as connection, pytest.raises(psycopg.errors.InsufficientPrivilege):
            connection.execute(change.encode())


def test_usage_is_not_left_behind(desk: Desk, account: str, tmp_path: Path) -> None:
    """What is not added up stays; nothing is moved while usage is added up anew, nor added up anew afterwards."""
    spend(desk, account)
    seal_all(desk)
    desk.clock.advance(100 * 86_400)
    assert move_all(desk, tmp_path, account) == []
    age(desk)
    rebuild = UsageRebuild(desk.database, desk.clock, LABEL)
    with psycopg.connect(desk.url, autocommit=True) as connection:
        connection.execute("SET session_replication_role = replica")
        connection.execute("CREATE TABLE kept AS SELECT * FROM entry_archives")
        connection.execute("DELETE FROM entry_archives")
        rebuild.begin()
        connection.execute("INSERT INTO entry_archives SELECT * FROM kept")
        connection.execute("DROP TABLE kept")
    with pytest.raises(UsageInTheWay):
        move_all(desk, tmp_path, account)
    for _ in rebuild.steps():
        pass
    assert move_all(desk, tmp_path, account)
    with pytest.raises(EntriesAreAway):
        UsageRebuild(desk.database, desk.clock, LABEL).begin()


def rewritten(file: Path, old: bytes, new: bytes) -> None:
    """Change what is in a file."""
    with gzip.open(file) as lines:
        content = lines.read()
    assert old in content
    file.write_bytes(gzip.compress(content.replace(old, new, 1)))


@pytest.fixture
def archived(desk: Desk, account: str, tmp_path: Path) -> Path:
    """Archive an account; return its second file."""
    spend(desk, account)
    age(desk)
    return tmp_path / move_all(desk, tmp_path, account)[1].part.file


def test_a_file_that_was_changed_is_told(desk: Desk, account: str, tmp_path: Path, archived: Path) -> None:
    rewritten(archived, b'"amount": 5', b'"amount": 4')
    assert broken_files(desk, tmp_path, account) == ["it is not the file that was written"]
    archived.unlink()
    assert broken_files(desk, tmp_path, account) == ["it cannot be read: No such file or directory"]


def test_a_file_changed_with_its_hash_is_told_by_the_seals(
    desk: Desk, account: str, tmp_path: Path, archived: Path
) -> None:
    """Whoever can change both cannot change the chain, whose head somebody keeps."""
    rewritten(archived, b'"actor": "tests"', b'"actor": "nobody"')
    update = "UPDATE entry_archives SET file_hash = sha256(%s) WHERE account_id = %s AND first_version = 7"
    tampered(desk, update, archived.read_bytes(), account)
    (problem,) = broken_files(desk, tmp_path, account)
    assert "not those that were sealed" in problem


def test_a_checkpoint_that_was_changed_is_told(desk: Desk, account: str, tmp_path: Path, archived: Path) -> None:
    """By the files, and by the ledger, which does not go on from it."""
    assert archived.exists()
    update = "UPDATE entry_archives SET state = jsonb_set(state, '{available}', '1') WHERE account_id = %s"
    tampered(desk, update, account)
    assert ("available_after", 13) in differences(desk, account)
    assert any("checkpoint" in problem for problem in broken_files(desk, tmp_path, account))
    tampered(desk, "UPDATE entry_archives SET state = '[]' WHERE account_id = %s", account)
    assert differences(desk, account)
    assert any("cannot be read" in problem for problem in broken_files(desk, tmp_path, account))


def test_an_entry_that_stayed_and_was_changed_is_told(desk: Desk, account: str, tmp_path: Path, archived: Path) -> None:
    assert archived.exists()
    tampered(desk, "UPDATE entries SET actor = 'nobody' WHERE account_id = %s AND version = 1", account)
    (problem,) = broken_files(desk, tmp_path, account)
    assert "left in the ledger" in problem


def test_entries_that_are_not_those_that_were_sealed_are_left_alone(desk: Desk, account: str, tmp_path: Path) -> None:
    spend(desk, account)
    age(desk)
    tampered(desk, "UPDATE entries SET actor = 'nobody' WHERE account_id = %s AND version = 2", account)
    before = stored(desk, account)
    with pytest.raises(Unproved):
        move_all(desk, tmp_path, account)
    assert stored(desk, account) == before


def test_a_file_of_the_name_with_something_else_in_it_is_not_written_over(
    desk: Desk, account: str, tmp_path: Path
) -> None:
    spend(desk, account)
    age(desk)
    with pytest.raises(Killed):
        move_all(desk, tmp_path, account, killed_at("delete"))
    (file,) = tmp_path.rglob("*.gz")
    rewritten(file, b'"actor": "tests"', b'"actor": "nobody"')
    with pytest.raises(Unproved, match="other entries"):
        move_all(desk, tmp_path, account)
    with gzip.open(file) as lines:
        assert orjson.loads(lines.readline())["actor"] == "nobody"
    assert stored(desk, account) == list(range(1, 14))
