"""One PostgreSQL for all tests of a session, whatever the number of workers, and a database for whoever needs one.

In conftest.py:

    def pytest_configure(config: pytest.Config) -> None:
        provide_cluster(config)

    @pytest.fixture(scope="session")
    def database_url(worker_id: str) -> Iterator[str]:
        name = f"creditd_{worker_id}"
        yield create_database(admin_url(), name)
        drop_database(admin_url(), name)
"""

import os
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Final
from urllib.parse import quote, urlsplit, urlunsplit

import psycopg
import pytest
from psycopg import sql

from creditd.storage.embedded import embedded_postgres

# Set by a person to use a server of theirs, or else by us: workers inherit it from the controlling process.
VARIABLE: Final = "CREDITD_TEST_DATABASE_URL"

# What tests commit need not outlive the machine. It outlives a killed PostgreSQL all the same: the system writes it.
_SETTINGS: Final[Mapping[str, str]] = {"fsync": "off", "full_page_writes": "off", "max_connections": "200"}


def provide_cluster(config: pytest.Config) -> None:
    """Keeps a cluster until pytest ends, also by Ctrl-C or a failure; for pytest_configure.

    The controlling process alone starts one; its workers are given the URL.
    """
    if hasattr(config, "workerinput") or config.option.collectonly:
        return
    held = ExitStack()
    config.add_cleanup(held.close)
    folder = held.enter_context(tempfile.TemporaryDirectory(prefix="creditd-tests-"))
    held.enter_context(session_cluster(Path(folder)))


@contextmanager
def session_cluster(tmp_root: Path) -> Iterator[str]:
    """Gives the URL of an administrator: of the server that VARIABLE names, or of a new one with its data in tmp_root.

    Within it, `admin_url` gives the same, in this process and those that it starts.
    """
    if VARIABLE in os.environ:
        yield os.environ[VARIABLE]
        return
    with embedded_postgres(tmp_root / "postgres", settings=_SETTINGS) as url:
        os.environ[VARIABLE] = url
        try:
            yield url
        finally:
            del os.environ[VARIABLE]


def admin_url() -> str:
    """The URL of an administrator of the session's cluster."""
    return os.environ[VARIABLE]


def create_database(admin_url: str, name: str) -> str:
    """Makes an empty database, in place of one that an earlier run may have left, and gives its URL."""
    drop_database(admin_url, name)
    with psycopg.connect(admin_url, autocommit=True) as connection:
        connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
    return urlunsplit(urlsplit(admin_url)._replace(path=f"/{quote(name)}"))


def drop_database(admin_url: str, name: str) -> None:
    """Removes the database if there is one, and ends the connections to it."""
    with psycopg.connect(admin_url, autocommit=True) as connection:
        connection.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name)))
