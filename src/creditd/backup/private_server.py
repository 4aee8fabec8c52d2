"""PostgreSQL on data that were restored, for us alone: on a socket in a private folder, with no network.

It has none of the settings that the data came with: a copy of a server that ran in production must not archive its log
there, connect to its primary, or load what is not here. It ends with us, however we end.
"""

import shutil
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final, NamedTuple
from urllib.parse import quote

import psycopg

from creditd.backup.keeper import end_keeper, start_keeper
from creditd.backup.postgres_account import Owner, give, under_account

_PORT: Final = 5432
_POLL_SECONDS: Final = 0.05
_SAID_BYTES: Final = 4_000

ALONE: Final[Mapping[str, str]] = {
    "listen_addresses": "",
    "port": str(_PORT),
    "archive_mode": "off",
    "archive_command": "",
    "archive_library": "",
    "restore_command": "",
    "primary_conninfo": "",
    "primary_slot_name": "",
    "synchronous_standby_names": "",
    "shared_preload_libraries": "",
    "session_preload_libraries": "",
    "ssl": "off",
    "logging_collector": "off",
    "log_destination": "stderr",
    "hot_standby": "off",
    "max_prepared_transactions": "64",
    "shared_buffers": "128MB",
    "huge_pages": "off",
    "max_wal_size": "2GB",
    "unix_socket_permissions": "0700",
    "timezone": "UTC",
    "log_timezone": "UTC",
}
"""What it has in place of its own: on the command line, which goes over all files of settings."""


class DidNotStart(Exception):
    """PostgreSQL ended before it let anybody in; the message holds what it said last."""


class PrivateServer(NamedTuple):
    """A server that runs: where its socket is, and who may do everything."""

    socket: Path
    superuser: str

    def url(self, database: str) -> str:
        """Return how a database is reached."""
        place = f"host={quote(str(self.socket), safe='/')}&port={_PORT}"
        return f"postgresql://{quote(self.superuser)}@/{quote(database)}?{place}"

    def log_file(self) -> str:
        """Return the name of the file that the write-ahead log has come to. Raises psycopg.Error."""
        with psycopg.connect(self.url("postgres"), autocommit=True) as connection:
            row: Any = connection.execute("SELECT pg_walfile_name(pg_current_wal_lsn())").fetchone()
        return str(row[0])


@contextmanager
def running(
    program: Path, data: Path, superuser: str, owner: Owner | None, settings: Mapping[str, str]
) -> Iterator[PrivateServer]:
    """Run PostgreSQL on a folder of data until the block ends. It takes as long to start as recovery does.

    Raises DidNotStart, NoAccount, OSError.
    """
    # Short, since the path of a socket has little room.
    folder = Path(tempfile.mkdtemp(prefix="creditd-"))
    own, aside = data / "postgresql.auto.conf", data / "postgresql.auto.conf.aside"
    try:
        give(folder, owner)
        # It is read wherever the other settings are, and may hold what this machine's PostgreSQL does not even know.
        if own.exists():
            own.replace(aside)
        _write_settings(folder, owner)
        log = folder / "postgres.log"
        keeper = start_keeper(
            under_account(owner, data, program), _command(program, data, folder, {**ALONE, **settings}), log
        )
        try:
            server = PrivateServer(folder, superuser)
            while not _lets_in(server):
                if keeper.poll() is not None:
                    raise DidNotStart(_end_of(log))
                time.sleep(_POLL_SECONDS)
            yield server
        finally:
            end_keeper(keeper)
    finally:
        if aside.exists():
            aside.replace(own)
        shutil.rmtree(folder, ignore_errors=True)


def _write_settings(folder: Path, owner: Owner | None) -> None:
    contents = {
        "postgresql.conf": f"hba_file = '{folder}/pg_hba.conf'\nident_file = '{folder}/pg_ident.conf'\n",
        # Whoever reaches the socket may pass the folder, which is this user's alone.
        "pg_hba.conf": "local all all trust\n",
        "pg_ident.conf": "",
    }
    for name, text in contents.items():
        file = folder / name
        file.write_text(text, encoding="ascii")
        give(file, owner)


def _command(program: Path, data: Path, folder: Path, settings: Mapping[str, str]) -> list[str]:
    alone = {**settings, "config_file": str(folder / "postgresql.conf"), "unix_socket_directories": f'"{folder}"'}
    options = [part for name, value in alone.items() for part in ("-c", f"{name}={value}")]
    return [str(program), "-D", str(data), *options]


def _lets_in(server: PrivateServer) -> bool:
    try:
        with psycopg.connect(server.url("postgres"), autocommit=True) as connection:
            return connection.execute("SELECT pg_is_in_recovery()").fetchone() == (False,)
    except psycopg.OperationalError:
        return False


def _end_of(log: Path) -> str:
    return log.read_bytes()[-_SAID_BYTES:].decode(errors="replace").strip() if log.exists() else ""
