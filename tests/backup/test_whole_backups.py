"""Backups of a server with a ledger in it: made, killed, damaged, restored to an instant, and drilled."""

import re
import signal
from contextlib import ExitStack
from pathlib import Path

import httpx
import psutil
import psycopg
import pytest

from creditd.backup import log_archive, server_facts
from creditd.backup.backup_folder import BUSY, BackupFolder
from tests.backup.archived_server import ENTRIES_PER_ACCOUNT, ArchivedServer, accounts_seeded, started
from tests.support.customer import Customer
from tests.support.patience import eventually
from tests.support.ports import free_address
from tests.support.programs import PATIENCE_SECONDS, Creditd
from tests.support.service import RunningService, running_service

ROOT = Path(__file__).parents[2]

pytestmark = [pytest.mark.backups, pytest.mark.requirement("I3"), pytest.mark.timeout(600)]


def customer_of(service: RunningService, account_id: str) -> Customer:
    app = service.as_caller("app", "SERVICE", scope="credits.spend credits.read")
    return Customer(service, app, service.as_caller("staff", "ADMIN"), account_id)


def left_in(folder: Path) -> list[str]:
    return [entry.name for entry in folder.iterdir() if entry.name.startswith(".")]


def test_a_drill_proves_every_entry_and_leaves_nothing(archived: ArchivedServer, tmp_path: Path) -> None:
    """What it printed stands in the output of `make backups`."""
    tmp_path.chmod(0o755)
    name = archived.backup()
    done = archived.run("drill", "--scratch", str(tmp_path))
    print(done.stdout)  # noqa: T201 - it is what is to be shown.
    assert done.returncode == 0, done.stdout + done.stderr
    entries = accounts_seeded() * ENTRIES_PER_ACCOUNT
    assert f"{entries} entries of {accounts_seeded()} wallets added up, 0 differences" in done.stdout
    assert "PASSED in" in done.stdout
    assert f"backup {name} can be restored" in done.stdout
    assert list(tmp_path.iterdir()) == []
    last = archived.folder.last_success()
    assert last.drill > last.backup > 0


def test_a_drill_fails_for_a_ledger_that_does_not_add_up(archived: ArchivedServer, tmp_path: Path) -> None:
    tmp_path.chmod(0o755)
    noted = archived.folder.last_success().drill
    change = "UPDATE wallets SET available = available + {} WHERE account_id = (SELECT min(account_id) FROM wallets)"
    with psycopg.connect(archived.url, autocommit=True) as connection:
        connection.execute("SET session_replication_role = replica")
        connection.execute(change.format(1).encode())
        try:
            archived.archive_all()
            done = archived.run("drill", "--scratch", str(tmp_path))
        finally:
            connection.execute(change.format(-1).encode())
    assert done.returncode == 1
    assert "NOT RIGHT" in done.stdout
    assert "FAILED: ledger: 1 differences" in done.stderr
    assert list(tmp_path.iterdir()) == []
    assert archived.folder.last_success().drill == noted
    archived.archive_all()


def test_a_restore_to_an_instant_between_two_movements_has_exactly_the_first(
    archived: ArchivedServer, tmp_path: Path
) -> None:
    """And what was acknowledged after it is done anew by its request id, once."""
    with running_service(tmp_path, database_url=archived.url) as service:
        ann = customer_of(service, "ann")
        ann.top_up(100)
        archived.backup()
        first = ann.reserving(10)
        ann.app.credit.Reserve(first)
        instant = archived.now()
        lost = ann.reserving(25)
        acknowledged = ann.app.credit.Reserve(lost)
        assert ann.figures() == (65, 35)
    archived.archive_all()
    folder = archived.restored("between", "--to", instant.isoformat())
    with started(folder) as url, running_service(tmp_path, database_url=url) as service:
        ann = customer_of(service, "ann")
        assert ann.figures() == (90, 10)
        # A caller that repeats all of which it is not sure: what is there is there once, and what was lost is done.
        first_again, again = (ann.app.credit.Reserve(request) for request in (first, lost))
        for request, answer in ((first, first_again), (lost, again)):
            assert ann.app.credit.Reserve(request).reservation.name == answer.reservation.name
        assert ann.figures() == (65, 35)
        assert again.reservation.name != acknowledged.reservation.name
        assert ann.kinds().count("RESERVE") == 2


def test_all_that_is_archived_comes_back_and_the_new_timeline_can_be_archived(
    archived: ArchivedServer, tmp_path: Path
) -> None:
    """A restore goes on from the end of the log, into a place that has to be free."""
    archived.backup()
    with psycopg.connect(archived.url, autocommit=True) as connection:
        connection.execute("CREATE TABLE IF NOT EXISTS marks (mark integer)")
        connection.execute("INSERT INTO marks VALUES (1)")
    archived.archive_all()
    folder = archived.restored("newest")
    with started(folder) as url, psycopg.connect(url) as connection:
        assert connection.execute("SELECT mark FROM marks").fetchall() == [(1,)]
    ready = {file.name for file in (folder / "cluster" / "pg_wal" / "archive_status").iterdir()}
    assert "00000002.history.ready" in ready
    again = archived.run("restore", "--target", str(folder / "cluster"))
    assert again.returncode == 1
    assert "is not empty" in again.stderr
    too_early = archived.run("restore", "--target", str(tmp_path / "none"), "--to", "2020-01-01")
    assert (too_early.returncode, (tmp_path / "none").exists()) == (1, False)
    assert "no backup had ended by" in too_early.stderr
    too_late = archived.run("restore", "--target", str(tmp_path / "none"), "--to", "2099-01-01")
    assert (too_late.returncode, list(tmp_path.iterdir())) == (1, [])
    assert "the log ends before" in too_late.stderr


def test_a_backup_with_a_flipped_byte_is_refused_by_the_name_of_the_file(
    archived: ArchivedServer, tmp_path: Path
) -> None:
    """Before anything is written; so is one with a flipped byte in its log, and one without its key."""
    name = archived.backup()
    archived.archive_all()
    (base,) = (archived.folder.of(name)).glob("base.tar*")
    system = archived.folder.manifest(name).system_identifier
    last = log_archive.files(log_archive.folder_of(archived.folder.path, system))[-1].path
    for file in (base, archived.folder.of(name) / "manifest.json", last):
        content = bytearray(whole := file.read_bytes())
        content[len(content) // 2] ^= 1
        file.write_bytes(content)
        done = archived.run("restore", "--target", str(tmp_path / "target"))
        file.write_bytes(whole)
        assert done.returncode == 1
        assert file.name in done.stderr
        assert list(tmp_path.iterdir()) == []
    key_file = archived.creditd.settings.pop("CREDITD_BACKUP_KEY_FILE")
    try:
        without = archived.run("restore", "--target", str(tmp_path / "target"))
    finally:
        archived.creditd.settings["CREDITD_BACKUP_KEY_FILE"] = key_file
    assert without.returncode == 1
    assert "name the file of the key" in without.stderr


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGINT])
def test_one_that_is_killed_in_the_middle_does_not_count_and_the_next_clears_it_up(
    archived: ArchivedServer, how: signal.Signals
) -> None:
    """And a second one at the same time is refused."""
    before = archived.folder.names()
    with archived.creditd.started("backup") as running:

        def is_under_way() -> bool:
            begun = any(archived.folder.path.glob(".*.unfinished/base.tar*"))
            return begun or running.process.poll() is not None

        eventually(is_under_way, PATIENCE_SECONDS)
        assert running.process.poll() is None, "it was faster than the test: seed more"
        running.process.send_signal(signal.SIGSTOP)
        at_once = archived.run("backup")
        children = running.descendants()
        running.process.send_signal(how)
        running.process.send_signal(signal.SIGCONT)
        running.process.wait(PATIENCE_SECONDS)
        psutil.wait_procs(children, PATIENCE_SECONDS)
    assert at_once.returncode == BUSY
    assert "another one makes a backup" in at_once.stderr
    assert archived.folder.names() == before
    name = archived.backup()
    assert archived.folder.names() == [*before, name]
    assert left_in(archived.folder.path) == []
    with psycopg.connect(archived.url) as connection:
        assert connection.execute("SELECT slot_name FROM pg_replication_slots").fetchall() == []


def test_who_may_not_replicate_is_told_so(archived: ArchivedServer) -> None:
    with psycopg.connect(archived.url, autocommit=True) as connection, ExitStack() as stack:
        connection.execute("CREATE ROLE plain")
        stack.callback(connection.execute, "DROP ROLE plain")
        stack.callback(connection.execute, "RESET ROLE")
        connection.execute("SET ROLE plain")
        with pytest.raises(server_facts.CannotBackUp, match="ALTER ROLE plain REPLICATION"):
            server_facts.facts_of(connection)


def test_without_its_program_the_package_is_named(archived: ArchivedServer, tmp_path: Path) -> None:
    for command, package in (("backup", "postgresql-client-18"), ("drill", "postgresql-18")):
        done = archived.run(command, "--postgres-bin", str(tmp_path))
        assert (done.returncode, package in done.stderr) == (2, True), done.stderr
    assert list(tmp_path.iterdir()) == []


def test_run_archives_the_log_and_makes_a_backup_by_itself(tmp_path: Path) -> None:
    """What the metrics tell is what the folder has."""
    (tmp_path / "backups").mkdir()
    creditd = Creditd(
        tmp_path,
        {
            "CREDITD_BACKUP_FOLDER": "backups",
            "CREDITD_LISTEN": "127.0.0.1:0",
            "CREDITD_METRICS_LISTEN": (metrics := free_address()),
            "CREDITD_WEBHOOKS_LISTEN": "",
            "CREDITD_CONSOLE_LISTEN": "",
            "CREDITD_FAKES_LISTEN": "127.0.0.1:0",
        },
    )
    folder = BackupFolder(tmp_path / "backups")
    with creditd.started("run") as running:
        running.says("Ctrl-C stops everything")
        eventually(folder.names, PATIENCE_SECONDS)

        def seen() -> bool:
            told = httpx.get(f"http://{metrics}/metrics", trust_env=False).text
            last = folder.last_success().backup
            found = re.search(r"^creditd_backup_last_success_timestamp_seconds (\S+)$", told, re.MULTILINE)
            return found is not None and abs(float(found[1]) - last) < 1 and "creditd_backup_failures_total 0.0" in told

        eventually(seen, PATIENCE_SECONDS)
        assert running.stop() == 0
    system = folder.manifest(folder.names()[0]).system_identifier
    # The last file is handed over as PostgreSQL shuts down.
    assert log_archive.files(log_archive.folder_of(folder.path, system))


def test_the_commands_of_the_page_work_as_pasted(archived: ArchivedServer, tmp_path: Path) -> None:
    """But for the drill, which is tried above."""
    archived.backup()
    instant = archived.now().isoformat()
    archived.archive_all()
    places = {
        "/backups": str(archived.folder.path),
        "/keys/backup.key": archived.creditd.settings["CREDITD_BACKUP_KEY_FILE"],
        "/var/lib/postgresql/18/main": str(tmp_path / "main"),
        "2026-11-29T09:30:00Z": instant,
    }
    text = (ROOT / "docs" / "backup.md").read_text(encoding="utf-8")
    commands = re.findall(r"^creditd ((?:backup|restore).*)$", text, re.MULTILINE)
    for command in commands:
        words = [places.get(word, word) for word in command.split()]
        done = archived.run(*words)
        assert done.returncode == 0, done.stderr
    assert len(commands) == 3
    assert (tmp_path / "main" / "PG_VERSION").exists()
