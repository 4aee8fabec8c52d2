"""A PgBouncer before a PostgreSQL for as long as a block lasts."""

import os
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from pathlib import Path

import psycopg
import pytest
from psycopg.conninfo import conninfo_to_dict

from creditd.development.postgres.account import owner_of
from creditd.development.postgres.programs import as_owner, give
from tests.support.cluster import ADMINISTRATOR, START_SECONDS

OWNER, SERVER = "books", "counter"

VARIABLE = "CREDITD_TEST_PGBOUNCERS"
"""Other versions than Debian's to try as well: their programs, with colons between."""

CONNECT_QUERY = (
    "SET role = creditd_app; SET statement_timeout = 30000; SET lock_timeout = 100; "
    "SET idle_in_transaction_session_timeout = 3000"
)
"""As docs/operations.md has it."""


DEBIAN = "/usr/sbin/pgbouncer"


def pgbouncers() -> list[str]:
    """Return the programs to try: Debian's, whether it is there or not, and those that are named."""
    return [DEBIAN, *filter(None, os.environ.get(VARIABLE, "").split(":"))]


def present(program: str) -> str:
    """Return a program. Fails the test that wants it if it is not there."""
    if not Path(program).exists():
        pytest.fail(f"there is no {program}; root installs Debian's: make databases-install", pytrace=False)
    return program


@contextmanager
def running_pgbouncer(
    program: str, url: str, *, connect_query: str = CONNECT_QUERY, pool_mode: str = "transaction", **settings: object
) -> Iterator[str]:
    """Run a PgBouncer before the server of a URL, and give the URL that leads through it, to the same database.

    It asks for no password. Logs in at the server as whoever logs in at it.
    """
    behind = conninfo_to_dict(url)
    with tempfile.TemporaryDirectory(prefix="creditd-pool-") as name:
        folder = Path(name)
        owner = owner_of(folder)
        give(folder, owner)
        port = _free_port()
        users = folder / "users"
        # Whoever is let in without a password has to be named all the same.
        users.write_text("".join(f'"{user}" ""\n' for user in (ADMINISTRATOR, OWNER, SERVER)), encoding="utf-8")
        ini = folder / "pgbouncer.ini"
        ini.write_text(
            _ini(behind, folder, port, connect_query, {"pool_mode": pool_mode, **settings}), encoding="utf-8"
        )
        for file in (users, ini):
            give(file, owner)
        log = folder / "log"
        with log.open("wb") as output:
            running = subprocess.Popen([*as_owner(owner, folder), program, str(ini)], stderr=output)
        try:
            _await(port, running, log)
            yield f"postgresql://{behind['user']}@127.0.0.1:{port}/{behind['dbname']}"
        finally:
            # Versions differ in which signal waits for their clients; this one waits for nobody.
            running.kill()
            running.wait(START_SECONDS)


def _ini(
    behind: Mapping[str, object], folder: Path, port: int, connect_query: str, settings: Mapping[str, object]
) -> str:
    quoted = connect_query.replace("'", "''")
    query = f" connect_query='{quoted}'" if connect_query else ""
    lines = {
        "listen_addr": "127.0.0.1",
        "listen_port": port,
        "unix_socket_dir": "",
        "auth_type": "trust",
        "auth_file": folder / "users",
        "max_client_conn": 500,
        "default_pool_size": 40,
        **settings,
    }
    return "\n".join(
        (
            "[databases]",
            f"* = host={behind['host']} port={behind.get('port', 5432)}{query}",
            "[pgbouncer]",
            *(f"{name} = {value}" for name, value in lines.items()),
            "",
        )
    )


def _free_port() -> int:
    with closing(socket.create_server(("127.0.0.1", 0))) as listener:
        port: int = listener.getsockname()[1]
    return port


def _await(port: int, running: "subprocess.Popen[bytes]", log: Path) -> None:
    end = time.monotonic() + START_SECONDS
    while True:
        try:
            socket.create_connection(("127.0.0.1", port)).close()
        except OSError:
            assert running.poll() is None, log.read_text()
            assert time.monotonic() < end, log.read_text()
            time.sleep(0.05)
        else:
            return


def version_of(program: str) -> tuple[int, int]:
    """Return a PgBouncer's version."""
    said = subprocess.run([program, "--version"], check=True, capture_output=True, text=True).stdout
    major, minor, *_ = said.split()[1].split(".")
    return int(major), int(minor)


def sessions(url: str) -> "psycopg.Connection[tuple[object, ...]]":
    """Connect in autocommit, so that each statement may be on another connection."""
    return psycopg.connect(url, autocommit=True, prepare_threshold=None)
