"""A PostgreSQL of any version for as long as a block lasts; what it has is lost with it."""

import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg

from creditd.backup.keeper import end_keeper, start_keeper
from creditd.development.postgres.account import owner_of
from creditd.development.postgres.programs import as_owner, environment, give

START_SECONDS = 60.0
"""Far more than a start takes, so that a loaded machine fails no test."""

ADMINISTRATOR = "postgres"

_SETTINGS = ("fsync=off", "full_page_writes=off", "max_connections=200", "listen_addresses=", "timezone=UTC")


@contextmanager
def running_postgres(programs: Path, *initdb_options: str) -> Iterator[str]:
    """Run the PostgreSQL of a folder of programs on a cluster of its own, and give the administrator's URL.

    Any login of it is let in without a password, by a socket in a folder of the cluster's own.
    """
    with tempfile.TemporaryDirectory(prefix="creditd-pg-") as name:
        folder = Path(name)
        owner = owner_of(folder)
        give(folder, owner)
        account = as_owner(owner, folder)
        cluster = folder / "cluster"
        _make(account, programs, cluster, initdb_options)
        options = [part for setting in (*_SETTINGS, f"unix_socket_directories={folder}") for part in ("-c", setting)]
        keeper = start_keeper(account, [str(programs / "postgres"), "-D", str(cluster), *options], folder / "log")
        try:
            url = f"postgresql://{ADMINISTRATOR}@/postgres?host={folder}"
            _await(url, keeper, folder / "log")
            yield url
        finally:
            end_keeper(keeper)


def _make(account: list[str], programs: Path, cluster: Path, options: tuple[str, ...]) -> None:
    initdb = [str(programs / "initdb"), f"--pgdata={cluster}", f"--username={ADMINISTRATOR}", "--auth=trust"]
    subprocess.run(
        [*account, *initdb, "--encoding=UTF8", "--no-sync", *options],
        cwd="/",
        env=environment(),
        check=True,
        stdout=subprocess.DEVNULL,
    )


def _await(url: str, keeper: "subprocess.Popen[bytes]", log: Path) -> None:
    end = time.monotonic() + START_SECONDS
    while True:
        try:
            psycopg.connect(url).close()
        except psycopg.OperationalError:
            assert keeper.poll() is None, log.read_text()
            assert time.monotonic() < end, log.read_text()
            time.sleep(0.05)
        else:
            return
