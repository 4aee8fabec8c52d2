"""A primary with a synchronous standby: what is acknowledged is on both, and the standby can take over."""

import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit, urlunsplit

import psycopg

from creditd.development.postgres import EmbeddedPostgres, program
from tests.support.patience import eventually, patience
from tests.support.ports import free_port
from tests.support.postgres_faults import kill_all

SETTINGS: Final = {"max_connections": "200", "shared_buffers": "64MB"}

COPY_SECONDS: Final = patience(120.0)
ATTACH_SECONDS: Final = patience(60.0)
PROMOTE_SECONDS: Final = 60

_MAY_REPLICATE: Final = "host replication all 127.0.0.1/32 scram-sha-256\n"

_IS_SYNCHRONOUS: Final = "SELECT count(*) FROM pg_stat_replication WHERE sync_state IN ('sync', 'quorum')"


@dataclass
class Pair:
    """Two PostgreSQL of one cluster."""

    primary: EmbeddedPostgres
    standby: EmbeddedPostgres

    def both(self, database_url: str) -> str:
        """Return the URL of a database of the primary's that names both, the primary first, as an operator does."""
        parts = urlsplit(database_url)
        user, _, place = parts.netloc.rpartition("@")
        other = urlsplit(self.standby.tcp_url).netloc.rpartition("@")[2]
        return urlunsplit(parts._replace(netloc=f"{user}@{place},{other}"))

    def at_standby(self, database_url: str) -> str:
        """Return the URL of the same database on the standby, for its superuser."""
        parts = urlsplit(self.standby.tcp_url)
        return urlunsplit(parts._replace(path=urlsplit(database_url).path))

    def promote(self) -> None:
        """Make the standby the primary, and wait until it takes writes."""
        with psycopg.connect(self.standby.tcp_url, autocommit=True) as connection:
            assert connection.execute("SELECT pg_promote(true, %s)", [PROMOTE_SECONDS]).fetchone() == (True,)


@contextmanager
def attached(primary: EmbeddedPostgres, folder: Path) -> Iterator[Pair]:
    """Give a primary that runs a synchronous standby until the block ends; whichever was killed stays so."""
    (primary.data_dir / "cluster" / "pg_hba.conf").open("a").write(_MAY_REPLICATE)
    _set(primary, "SELECT pg_reload_conf()")
    standby = EmbeddedPostgres(folder, tcp_port=free_port(), settings=SETTINGS)
    _copy(primary, folder)
    standby.start()
    try:
        _set(primary, "ALTER SYSTEM SET synchronous_standby_names = '*'", "SELECT pg_reload_conf()")
        eventually(lambda: _count(primary) == 1, ATTACH_SECONDS)
        yield Pair(primary, standby)
    finally:
        standby.stop()


def _set(postgres: EmbeddedPostgres, *statements: str) -> None:
    with psycopg.connect(postgres.tcp_url, autocommit=True) as connection:
        # What is said to the whole cluster waits for no standby.
        connection.execute("SET synchronous_commit = local")
        for statement in statements:
            connection.execute(statement.encode())


def _count(postgres: EmbeddedPostgres) -> int:
    with psycopg.connect(postgres.tcp_url, autocommit=True) as connection:
        row = connection.execute(_IS_SYNCHRONOUS).fetchone()
    return int(row[0]) if row else 0


def _copy(primary: EmbeddedPostgres, folder: Path) -> None:
    folder.mkdir(parents=True)
    shutil.copy2(primary.data_dir / "password", folder / "password")
    command = [
        str(program("pg_basebackup")),
        f"--dbname={primary.tcp_url}",
        f"--pgdata={folder / 'cluster'}",
        "--write-recovery-conf",
        "--checkpoint=fast",
        "--no-sync",
    ]
    done = subprocess.run(
        command,
        env={name: value for name, value in os.environ.items() if not name.startswith("PG")},
        capture_output=True,
        text=True,
        check=False,
        timeout=COPY_SECONDS,
    )
    assert done.returncode == 0, done.stderr


@contextmanager
def primary_of_its_own(folder: Path) -> Iterator[EmbeddedPostgres]:
    """Run a primary, as durable as in production, until the block ends; it may have been killed by then."""
    primary = EmbeddedPostgres(folder, tcp_port=free_port(), settings=SETTINGS)
    primary.start()
    try:
        yield primary
    finally:
        if not primary.is_dead:
            kill_all(primary)
        primary.stop()
