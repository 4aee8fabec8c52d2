"""PostgreSQL on restored data: for us alone, whatever it was before; and what the embedded one archives."""

import tempfile
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import psycopg
import pytest

from creditd.backup import log_archive, private_server, server_facts
from creditd.backup.backup_folder import BackupFolder
from creditd.backup.log_positions import is_log_file
from creditd.backup.postgres_account import Owner
from creditd.backup.private_server import ALONE, DidNotStart
from creditd.backup.restoration import Choice, Restoration
from creditd.development.log_spool import LogSpool
from creditd.development.postgres import EmbeddedPostgres, program
from tests.support.patience import eventually

pytestmark = pytest.mark.requirement("I3")

CAME_WITH = """
archive_mode = on
archive_command = 'false'
restore_command = 'false'
primary_conninfo = 'host=192.0.2.1'
primary_slot_name = 'elsewhere'
synchronous_standby_names = 'elsewhere'
shared_preload_libraries = 'not_here'
session_preload_libraries = 'not_here'
listen_addresses = '*'
unix_socket_permissions = '0777'
logging_collector = on
log_destination = 'syslog'
hot_standby = on
ssl = on
port = 5433
"""


@pytest.fixture(scope="module")
def place() -> Iterator[Path]:
    # PostgreSQL's account has to pass it.
    with tempfile.TemporaryDirectory(prefix="creditd-private-") as folder:
        Path(folder).chmod(0o755)
        (Path(folder) / "backups").mkdir()
        yield Path(folder)


@pytest.fixture(scope="module")
def spool(place: Path) -> LogSpool:
    return LogSpool(place / "log-spool", place / "postgres" / "cluster" / "pg_wal", place / "backups", None)


@pytest.fixture(scope="module")
def cluster(place: Path, spool: LogSpool) -> Path:
    """Run an embedded server that archives, and look at it; give its data."""
    settings = {"fsync": "off", "shared_buffers": "16MB"}
    server = EmbeddedPostgres(place / "postgres", settings=settings, log_spool=spool)
    server.start()
    try:
        with psycopg.connect(server.url, autocommit=True) as connection:
            shown = [connection.execute(f"SHOW {name}".encode()).fetchone() for name in spool.settings]
            assert shown == [("on",), (spool.settings["archive_command"],), ("1min",)]
            connection.execute("SELECT pg_logical_emit_message(true, 'tests', 'something new')")
            connection.execute("SELECT pg_switch_wal()")
            eventually(lambda: [file for file in spool.folder.iterdir() if is_log_file(file.name)])
        with server_facts.connected(server.url) as backing_up:
            assert backing_up.execute("SHOW idle_session_timeout").fetchone() == ("0",)
    finally:
        server.stop()
    data = place / "postgres" / "cluster"
    with (data / "postgresql.auto.conf").open("a", encoding="ascii") as file:
        file.write(CAME_WITH)
    return data


def owner_of(data: Path) -> Owner | None:
    found = data.stat()
    return Owner(found.st_uid, found.st_gid) if found.st_uid else None


def test_the_log_of_the_embedded_server_is_archived(cluster: Path, spool: LogSpool, place: Path) -> None:
    """It lies in the spool until it is taken, and then nowhere else."""
    assert cluster.is_dir()
    spool.take()
    (system,) = (place / "backups" / "wal").iterdir()
    assert log_archive.files(system)
    assert not [file for file in spool.folder.iterdir() if is_log_file(file.name)]


def test_it_has_none_of_the_settings_that_its_data_came_with(cluster: Path) -> None:
    """And gives them back: whoever runs the data afterwards has them."""
    owner = owner_of(cluster)
    with private_server.running(program("postgres"), cluster, "postgres", owner, {"fsync": "off"}) as server:
        assert server.socket.stat().st_mode & 0o777 == 0o700
        with psycopg.connect(server.url("creditd")) as connection:
            shown = {name: connection.execute(f"SHOW {name}".encode()).fetchone() for name in ALONE}
            expected = {**ALONE, "archive_command": "(disabled)"}
            assert shown == {name: (value,) for name, value in expected.items()}
            assert connection.execute("SHOW config_file").fetchone() == (f"{server.socket}/postgresql.conf",)
    assert not server.socket.exists()
    assert CAME_WITH in (cluster / "postgresql.auto.conf").read_text(encoding="ascii")


def test_one_that_does_not_start_says_why(cluster: Path) -> None:
    settings = {"wal_level": "no such level"}
    with (
        pytest.raises(DidNotStart, match="no such level"),
        private_server.running(program("postgres"), cluster, "postgres", owner_of(cluster), settings),
    ):
        pytest.fail("it started")


def test_it_goes_to_an_instant(tmp_path: Path) -> None:
    """On the newest timeline, and from there on for all."""
    restoration = Restoration(BackupFolder(tmp_path), None, Choice(instant=datetime(2026, 1, 1, tzinfo=UTC)), print)
    assert restoration.target == {
        "restore_command": "exit 1",
        "recovery_target_timeline": "latest",
        "recovery_target_time": "2026-01-01T00:00:00+00:00",
        "recovery_target_action": "promote",
    }
    everything = Restoration(BackupFolder(tmp_path), None, Choice(), print)
    assert everything.target == {"restore_command": "exit 1", "recovery_target_timeline": "latest"}
