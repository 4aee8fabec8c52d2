"""One PostgreSQL on one data folder, from its start to its end."""

import logging
import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Final
from urllib.parse import quote, urlsplit, urlunsplit

import psycopg
from psycopg import sql

from creditd.backup.keeper import end_keeper, start_keeper
from creditd.development.log_spool import LogSpool
from creditd.development.postgres.access import write_access
from creditd.development.postgres.account import owner_of, take_over
from creditd.development.postgres.cluster import SUPERUSER, ensure_cluster
from creditd.development.postgres.folder import clear_leftovers, hold, mark, tail
from creditd.development.postgres.programs import EmbeddedPostgresError, Owner, as_owner, give, program
from creditd.development.postgres.revival import Revival
from creditd.development.postgres.room import room_to_make

log: Final = logging.getLogger(__name__)

DATABASE: Final = "creditd"
IDENTITY_DATABASE: Final = "creditd_identity"
_SOCKET_PORT: Final = 5432
# The address of a Unix socket has room for 104 bytes on macOS and 108 on Linux, the final zero included.
_SOCKET_PATH_BYTES: Final = 103
# Recovery after a crash reads up to all of the write-ahead log before the first connection is let in.
_START_SECONDS: Final = 120.0
_POLL_SECONDS: Final = 0.02
# Why PostgreSQL ended stands at the end of what it said.
_SAID_BYTES: Final = 8_192

_SETTINGS: Final[Mapping[str, str]] = {
    "fsync": "on",
    "full_page_writes": "on",
    "synchronous_commit": "on",
    "shared_buffers": "256MB",
    "timezone": "UTC",
    "log_timezone": "UTC",
}


@contextmanager
def embedded_postgres(
    data_dir: Path,
    *,
    settings: Mapping[str, str] | None = None,
    own_account: bool = False,
    revived: bool = False,
    log_spool: LogSpool | None = None,
) -> Iterator[str]:
    """Run PostgreSQL on the data folder, made if it is not there, and give the libpq URL of its database ``creditd``.

    It listens on a Unix socket that only we can open. Where we are root, it runs under an account of its own if
    ``own_account`` says so, otherwise as nobody. One that dies is started again if ``revived`` says so; its log goes to
    ``log_spool``, if there is one. Raises
    DataFolderInUse while another process has the folder, EmbeddedPostgresError if it does not start, in PostgreSQL's
    own words.
    """
    server = EmbeddedPostgres(data_dir, settings=settings, own_account=own_account, log_spool=log_spool)
    server.start()
    revival = Revival(server) if revived else None
    try:
        yield server.url
    finally:
        if revival:
            revival.close()
        server.stop()


class EmbeddedPostgres:
    """One PostgreSQL on one data folder; ``settings`` go over the durable ones that it has by itself.

    With ``tcp_port`` it listens on 127.0.0.1 too; for ``own_account`` see ``embedded_postgres``.
    """

    def __init__(
        self,
        data_dir: Path,
        *,
        settings: Mapping[str, str] | None = None,
        tcp_port: int | None = None,
        own_account: bool = False,
        log_spool: LogSpool | None = None,
    ) -> None:
        self.data_dir = data_dir.expanduser().resolve()
        self._log_spool = log_spool
        self._settings = {**_SETTINGS, **(log_spool.settings if log_spool else {}), **(settings or {})}
        self._tcp_port = tcp_port
        self._own_account = own_account
        self._owner: Owner | None = None
        self._cluster = self.data_dir / "cluster"
        self._socket_dir = self.data_dir / "socket"
        self.log_file = self.data_dir / "postgres.log"
        self._keeper: subprocess.Popen[bytes] | None = None
        self._said_before = 0
        self._started_by = os.getpid()
        self._held = ExitStack()

    @property
    def url(self) -> str:
        """Where the superuser connects, over the Unix socket."""
        return self._socket_url(DATABASE)

    @property
    def tcp_url(self) -> str:
        """Where the superuser connects over TCP; only for a server that was given a ``tcp_port``."""
        password = (self.data_dir / "password").read_text(encoding="ascii")
        return f"postgresql://{SUPERUSER}:{password}@127.0.0.1:{self._tcp_port}/{DATABASE}"

    @property
    def pid(self) -> int:
        """The process id of the postmaster while it runs; tests of faults send their signals there."""
        return int((self._cluster / "postmaster.pid").read_text(encoding="utf-8").split(maxsplit=1)[0])

    def start(self) -> None:
        """Start, and return when connections are let in. On an error, Ctrl-C included, nothing is left running."""
        self._started_by = os.getpid()
        try:
            self._held.enter_context(hold(self.data_dir))
            clear_leftovers(self.data_dir)
            self._prepare()
            self._spawn()
            self._await_database()
        except OSError as error:
            self.stop()
            raise self._unusable(error) from error
        except BaseException:
            self.stop()
            raise
        log.info("PostgreSQL (process %d) runs on %s", self.pid, self.data_dir)

    def stop(self) -> None:
        """Shut PostgreSQL down, rolling back what is open, and free the folder. Harmless when it does not run."""
        if os.getpid() != self._started_by:
            # A forked child unwinds our stack; the server is still its parent's.
            return
        with self._held:
            keeper, self._keeper = self._keeper, None
            if keeper is None:
                return
            end_keeper(keeper)
            # Finds something only if the keeper was killed, or if PostgreSQL does not heed it.
            clear_leftovers(self.data_dir)

    @property
    def said(self) -> str:
        """What PostgreSQL has said since it was last started, or the end of it."""
        with self.log_file.open("rb") as file:
            file.seek(max(self._said_before, self.log_file.stat().st_size - _SAID_BYTES))
            return file.read().decode(errors="replace")

    @property
    def is_dead(self) -> bool:
        """Whether it was started and has ended since, though nobody stopped it."""
        return self._keeper is not None and self._keeper.poll() is not None

    def revive(self) -> None:
        """Start one that is dead again, and return when connections are let in. Raises EmbeddedPostgresError."""
        clear_leftovers(self.data_dir)
        self._remove_stale_sockets()
        self._spawn()
        try:
            self._await_database()
        except BaseException:
            if self._keeper is not None:
                end_keeper(self._keeper)
            raise
        log.warning("PostgreSQL (process %d) runs again on %s", self.pid, self.data_dir)

    def _prepare(self) -> None:
        """Make or take over all that PostgreSQL needs, for the account that it runs under."""
        self._owner = owner_of(self._cluster, own_account=self._own_account)
        take_over(self._cluster, self._owner)
        take_over(self.data_dir / "password", self._owner)
        ensure_cluster(self.data_dir, self._owner, durable=self._settings["fsync"] != "off")
        write_access(self._cluster, self._owner)
        if self._log_spool:
            self._log_spool.prepare(self._owner)
        self._make_socket_dir()
        if self.log_file.exists():
            self.log_file.replace(self.log_file.with_suffix(".log.1"))

    def _make_socket_dir(self) -> None:
        """Make it beside the data, or where that path is too long, in the folder for temporary files."""
        folder = self.data_dir / "socket"
        if len(os.fsencode(folder / f".s.PGSQL.{self._port}")) > _SOCKET_PATH_BYTES:
            folder = Path(tempfile.mkdtemp(prefix="creditd-"))
            self._held.callback(shutil.rmtree, folder, ignore_errors=True)
        folder.mkdir(mode=0o700, exist_ok=True)
        folder.chmod(0o700)
        give(folder, self._owner)
        self._socket_dir = folder
        self._remove_stale_sockets()

    def _remove_stale_sockets(self) -> None:
        """Remove the sockets of a PostgreSQL that is gone: the folder is held, and what ran on it has been ended.

        After a power cut the process id in the socket's lock may be another program's by now, and PostgreSQL would not
        start.
        """
        for stale in self._socket_dir.glob(".s.PGSQL.*"):
            stale.unlink()

    def _spawn(self) -> None:
        account = as_owner(self._owner, self._cluster)
        self._said_before = self.log_file.stat().st_size if self.log_file.exists() else 0
        self._keeper = start_keeper(account, self._command(), self.log_file)

    def _command(self) -> list[str]:
        settings = [
            *(f"{name}={value}" for name, value in self._settings.items()),
            f"listen_addresses={'127.0.0.1' if self._tcp_port else ''}",
            f"port={self._port}",
            f'unix_socket_directories="{self._socket_dir}"',
            f"cluster_name={mark(self.data_dir)}",
        ]
        options = [part for setting in settings for part in ("-c", setting)]
        return [str(program("postgres")), "-D", str(self._cluster), *options]

    def _await_database(self) -> None:
        deadline = time.monotonic() + _START_SECONDS
        while True:
            try:
                with psycopg.connect(self._socket_url("postgres"), autocommit=True) as connection:
                    for database in (DATABASE, IDENTITY_DATABASE):
                        _ensure_database(connection, database)
                    return
            except psycopg.OperationalError as error:
                self._refuse_to_wait(error, deadline)
            time.sleep(_POLL_SECONDS)

    def _refuse_to_wait(self, error: psycopg.OperationalError, deadline: float) -> None:
        """Raise EmbeddedPostgresError if PostgreSQL is gone or has had its time."""
        if self._keeper is None or self._keeper.poll() is not None or time.monotonic() > deadline:
            if to_do := room_to_make(self.data_dir, self.said):
                raise EmbeddedPostgresError(f"PostgreSQL did not start: {to_do}, and start again") from error
            raise EmbeddedPostgresError(
                f"PostgreSQL did not start on {self.data_dir} ({error}); {self.log_file} ends:\n{tail(self.log_file)}"
            ) from error

    def _unusable(self, error: OSError) -> EmbeddedPostgresError:
        """Return what to say of a folder in which something cannot be written or read."""
        why = error.strerror or type(error).__name__
        to_do = room_to_make(self.data_dir, why)
        return EmbeddedPostgresError(f"{to_do}, and start again" if to_do else f"cannot use {self.data_dir}: {why}")

    @property
    def _port(self) -> int:
        return self._tcp_port or _SOCKET_PORT

    def _socket_url(self, database: str) -> str:
        return f"postgresql://{SUPERUSER}@/{database}?host={quote(str(self._socket_dir), safe='/')}&port={self._port}"


def identity_url(url: str) -> str:
    """Return where identity's own database is, beside the one of a URL that an embedded PostgreSQL has given."""
    return urlunsplit(urlsplit(url)._replace(path=f"/{IDENTITY_DATABASE}"))


def _ensure_database(connection: psycopg.Connection, database: str) -> None:
    if connection.execute("SELECT FROM pg_database WHERE datname = %s", [database]).rowcount == 0:
        connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(database)))
