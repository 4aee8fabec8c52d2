"""An embedded PostgreSQL whose log is archived as `creditd run` does it, and the commands that are run beside it."""

import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any, Final

import psycopg

from creditd.backup import log_archive
from creditd.backup.backup_folder import BackupFolder
from creditd.development.log_spool import LogSpool
from creditd.development.postgres import EmbeddedPostgres
from tests.support.patience import eventually
from tests.support.programs import COMMAND, PATIENCE_SECONDS, Creditd

KEY: Final = bytes(range(32))

ENTRIES_PER_ACCOUNT: Final = 100

DRILL_SECONDS: Final = 900.0
"""Of a million entries, on a machine that is busy."""


def accounts_seeded() -> int:
    """Return how many accounts there are; CREDITD_TEST_ACCOUNTS=10000 makes a million entries."""
    return int(os.environ.get("CREDITD_TEST_ACCOUNTS", "200"))


class ArchivedServer:
    """A server, its folder of backups, and `creditd` with the settings of both; all is encrypted."""

    def __init__(self, place: Path) -> None:
        """Keep everything in ``place``."""
        self.place = place
        self.folder = BackupFolder(place / "backups")
        self.folder.path.mkdir()
        key_file = place / "backup.key"
        key_file.write_text(KEY.hex(), encoding="ascii")
        postgres = place / "postgres"
        self._spool = LogSpool(postgres / "log-spool", postgres / "cluster" / "pg_wal", self.folder.path, KEY)
        self._postgres = EmbeddedPostgres(postgres, log_spool=self._spool)
        settings = {"CREDITD_BACKUP_FOLDER": str(self.folder.path), "CREDITD_BACKUP_KEY_FILE": str(key_file)}
        self.creditd = Creditd(place, settings)

    @contextmanager
    def running(self) -> Iterator["ArchivedServer"]:
        """Run it until the block ends."""
        self._spool.start()
        self._postgres.start()
        self.creditd.settings["CREDITD_BACKUP_DATABASE_URL"] = self.url
        try:
            yield self
        finally:
            self._postgres.stop()
            self._spool.close()

    @property
    def url(self) -> str:
        """Where the superuser connects."""
        return self._postgres.url

    def run(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run a command."""
        return subprocess.run(
            [*COMMAND, *arguments],
            cwd=self.place,
            env=self.creditd.environment(),
            capture_output=True,
            text=True,
            check=False,
            timeout=DRILL_SECONDS,
        )

    def backup(self) -> str:
        """Make a backup, and return its name."""
        done = self.run("backup")
        assert done.returncode == 0, done.stderr
        return self.folder.names()[-1]

    def now(self) -> datetime:
        """Return the time of the server."""
        return self._row("SELECT clock_timestamp()")[0]  # type: ignore[no-any-return]

    def archive_all(self) -> None:
        """Have all that is committed be archived."""
        # Without anything new there is nothing to be switched.
        self._row("SELECT pg_logical_emit_message(true, 'tests', 'something new')")
        name, system = self._row(
            "SELECT pg_walfile_name(pg_switch_wal()), (SELECT system_identifier::text FROM pg_control_system())"
        )
        folder = log_archive.folder_of(self.folder.path, system)
        eventually(lambda: name in {file.name for file in log_archive.files(folder)}, PATIENCE_SECONDS)

    def restored(self, name: str, *arguments: str) -> Path:
        """Restore to a folder of that name for an embedded PostgreSQL; return the folder."""
        done = self.run("restore", "--target", str(self.place / name / "cluster"), *arguments)
        assert done.returncode == 0, done.stdout + done.stderr
        return self.place / name

    def _row(self, query: str) -> Any:
        with psycopg.connect(self.url, autocommit=True) as connection:
            return connection.execute(query.encode()).fetchone()


@contextmanager
def started(folder: Path) -> Iterator[str]:
    """Run what was restored until the block ends; give its URL."""
    postgres = EmbeddedPostgres(folder)
    postgres.start()
    try:
        yield postgres.url
    finally:
        postgres.stop()
