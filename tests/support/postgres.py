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

from creditd.development.postgres import embedded_postgres
from creditd.development.postgres.logins import server_url

# Set by a person to use a server of theirs, or else by us: workers inherit it from the controlling process.
VARIABLE: Final = "CREDITD_TEST_DATABASE_URL"

# The login that owns the databases that tests make; the administrator unless it is set.
OWNER_VARIABLE: Final = "CREDITD_TEST_OWNER"

# How a service under test reaches its database, whose name is put in: another login, or a pooler. Unless it is set, by
# the login that development has for it.
SERVICE_VARIABLE: Final = "CREDITD_TEST_SERVICE_URL"

# Of a server on which nobody else uses the application's role, for the tests that make and drop it.
ROLES_VARIABLE: Final = "CREDITD_TEST_ROLES_URL"

_DROP: Final = sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)")

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
        # Before several workers ask for it at once.
        server_url(url)
        os.environ[VARIABLE] = url
        try:
            yield url
        finally:
            del os.environ[VARIABLE]


def admin_url() -> str:
    """The URL of an administrator of the session's cluster."""
    return os.environ[VARIABLE]


def create_database(admin_url: str, name: str, template: str = "template1") -> str:
    """Makes a database, in place of one that an earlier run may have left, and gives its owner's URL.

    It is empty, unless ``template`` is a database to be copied that nobody is connected to.
    """
    owner = os.environ.get(OWNER_VARIABLE)
    making = sql.SQL("CREATE DATABASE {} TEMPLATE {}").format(sql.Identifier(name), sql.Identifier(template))
    with psycopg.connect(admin_url, autocommit=True) as connection:
        connection.execute(_DROP.format(sql.Identifier(name)))
        connection.execute(making)
        if owner:
            connection.execute(
                sql.SQL("ALTER DATABASE {} OWNER TO {}").format(sql.Identifier(name), sql.Identifier(owner))
            )
    url = urlunsplit(urlsplit(admin_url)._replace(path=f"/{quote(name)}"))
    return as_login(url, owner) if owner else url


def as_login(url: str, login: str) -> str:
    """The URL of the same database for another login, without a password."""
    parts = urlsplit(url)
    host = parts.netloc.rpartition("@")[2]
    return urlunsplit(parts._replace(netloc=f"{quote(login)}@{host}"))


def as_administrator(url: str) -> str:
    """The URL of the same database for the administrator of the session's cluster, if it is there."""
    if _server_of(url) != _server_of(admin_url()):
        return url
    return urlunsplit(urlsplit(admin_url())._replace(path=urlsplit(url).path))


def service_url(url: str) -> str:
    """How a service under test reaches a database, given the URL of an owner who may make roles."""
    given = os.environ.get(SERVICE_VARIABLE)
    if not given or _server_of(url) != _server_of(admin_url()):
        return server_url(url)
    return urlunsplit(urlsplit(given)._replace(path=urlsplit(url).path))


def _server_of(url: str) -> tuple[str, str]:
    parts = urlsplit(url)
    return parts.netloc.rpartition("@")[2], parts.query


def drop_database(admin_url: str, name: str) -> None:
    """Removes the database if there is one, and ends the connections to it."""
    with psycopg.connect(admin_url, autocommit=True) as connection:
        connection.execute(_DROP.format(sql.Identifier(name)))
