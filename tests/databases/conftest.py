"""The databases that people have: Debian's PostgreSQL 15, and 18, each with logins that are no superusers."""

from collections.abc import Iterator
from contextlib import AbstractContextManager
from pathlib import Path

import psycopg
import pytest

from creditd.development.postgres.programs import program
from creditd.identity.storage.schema import IDENTITY
from creditd.storage.migrations.privileges import APPLICATION_ROLE
from tests.support.cluster import running_postgres

DEBIAN = Path("/usr/lib/postgresql/15/bin")

OWNER = "books"
"""Owns the databases and migrates them."""

SERVER = "counter"
"""Serves, and may become nothing but the application's role."""


def postgres_15() -> AbstractContextManager[str]:
    """Run Debian's, in the order of a language rather than of bytes, as most databases are."""
    if not (DEBIAN / "postgres").exists():
        pytest.fail(f"there is no PostgreSQL 15 in {DEBIAN}; root installs it: make databases-install", pytrace=False)
    return running_postgres(DEBIAN, "--locale=C.UTF-8", "--locale-provider=icu", "--icu-locale=en-US")


def postgres_18() -> AbstractContextManager[str]:
    """Run the one that development embeds."""
    return running_postgres(program("postgres").parent, "--locale=C.UTF-8")


@pytest.fixture(scope="session")
def old_postgres() -> Iterator[str]:
    """Return the administrator's URL of a PostgreSQL 15. Its owner of databases may make no roles."""
    with postgres_15() as url:
        execute(
            url,
            f"CREATE ROLE {APPLICATION_ROLE} NOLOGIN",
            f"CREATE ROLE {IDENTITY.role} NOLOGIN",
            f"CREATE ROLE {OWNER} LOGIN IN ROLE {APPLICATION_ROLE}, {IDENTITY.role}",
            f"CREATE ROLE {SERVER} LOGIN IN ROLE {APPLICATION_ROLE}",
            # A test has the owner cut the connections of the service.
            f"GRANT pg_signal_backend TO {OWNER}",
        )
        yield url


@pytest.fixture(scope="session")
def new_postgres() -> Iterator[str]:
    """Return the administrator's URL of a PostgreSQL 18. Its owner of databases may make roles."""
    with postgres_18() as url:
        execute(url, f"CREATE ROLE {OWNER} LOGIN CREATEROLE", f"GRANT pg_signal_backend TO {OWNER}")
        yield url


def execute(url: str, *statements: str) -> None:
    """Run statements, each in a transaction of its own."""
    with psycopg.connect(url, autocommit=True) as connection:
        for statement in statements:
            connection.execute(statement.encode())
