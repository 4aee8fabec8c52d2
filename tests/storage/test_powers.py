"""A login that could rewrite the ledger is found out, whatever its power; the documented ones have none."""

import logging
import os
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final
from urllib.request import urlopen

import psycopg
import pytest

from creditd.bootstrap import Core
from creditd.config import Config
from creditd.development.postgres import embedded_postgres, program
from creditd.storage.connections.fitness import wanting
from creditd.storage.database import Database, DatabaseSettings
from creditd.storage.migrations.powers import login_of
from creditd.storage.migrations.privileges import ONLY_GROW
from creditd.storage.schema import migrate, schema_head
from tests.support.document_blocks import ROOT, blocks_of
from tests.support.ports import free_address
from tests.support.postgres import ROLES_VARIABLE
from tests.support.programs import Creditd
from tests.support.service import running_service
from tests.support.tokens import write_public_key

LOGIN: Final = "creditd_server"

OWNER: Final = "creditd_owner"


@dataclass
class DocumentedDatabase:
    """A database as documented, by the URLs of an administrator, of the owner, and of the login that serves."""

    administrator: str
    owner: str
    server: str

    @property
    def version(self) -> int:
        """PostgreSQL's."""
        with psycopg.connect(self.administrator) as connection:
            return connection.info.server_version // 10_000

    def execute(self, script: str) -> None:
        """Run statements as administrator, each in a transaction of its own."""
        with psycopg.connect(self.administrator, autocommit=True) as connection:
            for statement in filter(None, script.split("; ")):
                connection.execute(statement.encode())


@pytest.fixture(scope="module")
def books(tmp_path_factory: pytest.TempPathFactory) -> Iterator[DocumentedDatabase]:
    """Make logins and database as documented, in a cluster of these tests' own: roles belong to the cluster."""
    given = os.environ.get(ROLES_VARIABLE)
    if given:
        yield made_as_documented(given)
        return
    with embedded_postgres(tmp_path_factory.mktemp("powers") / "postgres", settings={"fsync": "off"}) as url:
        yield made_as_documented(url)


def made_as_documented(administrator: str) -> DocumentedDatabase:
    scripts = [block.text for block in blocks_of(ROOT / "docs" / "operations.md") if block.language == "sql"]
    psql = [str(program("psql")), "--no-psqlrc", "--quiet", "-v", "ON_ERROR_STOP=1", administrator]
    subprocess.run(psql, input="".join(scripts).encode(), check=True)
    with psycopg.connect(administrator) as connection:
        there = psycopg.conninfo.make_conninfo(
            user=connection.info.user, dbname="credit", host=connection.info.host, port=str(connection.info.port)
        )
    owner, server = (psycopg.conninfo.make_conninfo(there, user=login) for login in (OWNER, LOGIN))
    migrate(owner)
    return DocumentedDatabase(there, owner, server)


def powers(url: str) -> tuple[str, ...]:
    """Return the powers of a login, asked as the application's role."""
    database = Database(DatabaseSettings(url, pool_size=1))
    try:
        with database.transaction() as connection:
            return login_of(connection).powers
    finally:
        database.close()


def test_the_documented_login_that_serves_has_no_powers(books: DocumentedDatabase) -> None:
    assert powers(books.server) == ()
    database = Database(DatabaseSettings(books.server, pool_size=2))
    assert wanting(database, schema_head(), least_privilege=True) is None
    database.close()


def test_the_documented_owner_has_the_powers_of_one_and_is_no_superuser(books: DocumentedDatabase) -> None:
    owned = [f"owner of {table}" for table in sorted([*ONLY_GROW, "entry_archives"])]
    owned += ["owner of the database credit"]
    owned += [f"owner of the trigger function refuse_{what}" for what in ("change", "unarchived", "unrestored")]
    assert powers(books.owner) == tuple(f"{power} as {OWNER}" for power in owned)


ROLE: Final = f"CREATE ROLE bookkeeper; GRANT bookkeeper TO {LOGIN}"

POWERS: Final = {
    "superuser": (f"ALTER ROLE {LOGIN} SUPERUSER", f"ALTER ROLE {LOGIN} NOSUPERUSER", f"superuser as {LOGIN}"),
    "a superuser's role": (f"{ROLE}; ALTER ROLE bookkeeper SUPERUSER", "", "superuser as bookkeeper"),
    "write all": (f"GRANT pg_write_all_data TO {LOGIN}", "", "member of pg_write_all_data"),
    "programs": (f"GRANT pg_execute_server_program TO {LOGIN}", "", "member of pg_execute_server_program"),
    "files, by two steps": (
        f"{ROLE}; GRANT pg_write_server_files TO bookkeeper",
        "",
        "member of pg_write_server_files",
    ),
    "database": (
        f"{ROLE}; ALTER DATABASE credit OWNER TO bookkeeper",
        f"ALTER DATABASE credit OWNER TO {OWNER}",
        "owner of the database credit as bookkeeper",
    ),
    "schema": (
        f"{ROLE}; ALTER SCHEMA public OWNER TO bookkeeper",
        "ALTER SCHEMA public OWNER TO pg_database_owner",
        "owner of the schema public as bookkeeper",
    ),
    "objects of its own": (
        "GRANT CREATE ON SCHEMA public TO PUBLIC",
        "REVOKE CREATE ON SCHEMA public FROM PUBLIC",
        "CREATE in the schema public as PUBLIC",
    ),
    "a table without a trigger": (
        f"GRANT DELETE ON request_claims TO {LOGIN}",
        f"REVOKE DELETE ON request_claims FROM {LOGIN}",
        f"DELETE on request_claims as {LOGIN}",
    ),
    "table": (
        f"{ROLE}; ALTER TABLE purchase_changes OWNER TO bookkeeper",
        f"ALTER TABLE purchase_changes OWNER TO {OWNER}",
        "owner of purchase_changes as bookkeeper",
    ),
    "function": (
        f"{ROLE}; ALTER FUNCTION refuse_change() OWNER TO bookkeeper",
        f"ALTER FUNCTION refuse_change() OWNER TO {OWNER}",
        "owner of the trigger function refuse_change as bookkeeper",
    ),
    "a column": (
        f"GRANT UPDATE (amount) ON entries TO {LOGIN}",
        f"REVOKE UPDATE (amount) ON entries FROM {LOGIN}",
        f"UPDATE on entries as {LOGIN}",
    ),
    "everybody's": (
        "GRANT UPDATE ON entries TO PUBLIC",
        "REVOKE UPDATE ON entries FROM PUBLIC",
        "UPDATE on entries as PUBLIC",
    ),
    "the application's": (
        "GRANT DELETE ON account_changes TO creditd_app",
        "REVOKE DELETE ON account_changes FROM creditd_app",
        "DELETE on account_changes as creditd_app",
    ),
    **{
        privilege: (
            f"GRANT {privilege} ON payment_event_acts TO {LOGIN}",
            f"REVOKE {privilege} ON payment_event_acts FROM {LOGIN}",
            f"{privilege} on payment_event_acts as {LOGIN}",
        )
        for privilege in ("UPDATE", "DELETE", "TRUNCATE", "TRIGGER")
    },
    "triggers off": (
        f"GRANT SET ON PARAMETER session_replication_role TO {LOGIN}",
        f"REVOKE SET ON PARAMETER session_replication_role FROM {LOGIN}",
        f"SET on session_replication_role as {LOGIN}",
    ),
}
"""By a name: what an administrator says to give a power, and to take it back, and what is found."""


def taken_back(books: DocumentedDatabase, script: str) -> None:
    books.execute(script)
    books.execute(f"REVOKE pg_write_all_data, pg_execute_server_program FROM {LOGIN}")
    books.execute("DROP ROLE IF EXISTS bookkeeper")


@pytest.mark.parametrize("name", POWERS)
def test_each_power_alone_is_found(books: DocumentedDatabase, name: str) -> None:
    given, back, found = POWERS[name]
    books.execute(given)
    try:
        assert powers(books.server) == (found,)
    finally:
        taken_back(books, back)
    assert powers(books.server) == ()


def test_who_makes_roles_has_power_before_16(books: DocumentedDatabase) -> None:
    books.execute(f"ALTER ROLE {LOGIN} CREATEROLE")
    found = powers(books.server)
    books.execute(f"ALTER ROLE {LOGIN} NOCREATEROLE")
    assert found == ((f"CREATEROLE as {LOGIN}",) if books.version < 16 else ())


MEMBERSHIPS: Final = {
    "WITH SET FALSE, INHERIT FALSE, ADMIN FALSE": False,
    "WITH SET TRUE, INHERIT FALSE, ADMIN FALSE": True,
    "WITH SET FALSE, INHERIT TRUE, ADMIN FALSE": True,
    "WITH SET FALSE, INHERIT FALSE, ADMIN TRUE": True,
}

MEMBERSHIPS_BEFORE_16: Final = {"": True, "WITH ADMIN OPTION": True}


def test_a_membership_counts_by_any_option_that_is_of_use(books: DocumentedDatabase) -> None:
    """PostgreSQL 16 and newer have the options; before, a member is one in every way."""
    books.execute("CREATE ROLE bookkeeper; GRANT UPDATE ON entries TO bookkeeper")
    seen = {}
    for options, is_found in (MEMBERSHIPS if books.version >= 16 else MEMBERSHIPS_BEFORE_16).items():
        books.execute(f"GRANT bookkeeper TO {LOGIN} {options}")
        seen[options] = powers(books.server) == ("UPDATE on entries as bookkeeper",)
        assert is_found or powers(books.server) == ()
        books.execute(f"REVOKE bookkeeper FROM {LOGIN}")
    books.execute("DROP OWNED BY bookkeeper; DROP ROLE bookkeeper")
    assert seen == (MEMBERSHIPS if books.version >= 16 else MEMBERSHIPS_BEFORE_16)


def test_a_session_authorization_that_was_set_hides_nothing(books: DocumentedDatabase) -> None:
    database = Database(DatabaseSettings(books.administrator, role="", pool_size=1))
    with database.connection() as connection:
        connection.exec_driver_sql(f"SET SESSION AUTHORIZATION {LOGIN}")
        found = login_of(connection)
    database.close()
    assert any(power.startswith("superuser as") for power in found.powers)


def settings(folder: Path, url: str, **more: str) -> dict[str, str]:
    return {
        "CREDITD_DATABASE_URL": url,
        "CREDITD_JWT_PUBLIC_KEY_FILES": str(write_public_key(folder)),
        "CREDITD_PAGE_TOKEN_SECRET": "sixteen characters",
        "CREDITD_LISTEN": free_address(),
        "CREDITD_METRICS_LISTEN": "",
        **more,
    }


@pytest.mark.requirement("I7")
def test_told_so_serve_warns_once_and_counts_and_goes_on(books: DocumentedDatabase, tmp_path: Path) -> None:
    metrics = free_address()
    told = {"CREDITD_REQUIRE_LEAST_PRIVILEGE": "false"}
    given = settings(tmp_path, books.owner, CREDITD_METRICS_LISTEN=metrics, **told)
    with Creditd(tmp_path, given).started("serve") as started:
        started.says('"message":"listening')
        with urlopen(f"http://{metrics}/metrics") as answer:
            counted = answer.read().decode()
        assert started.stop() == 0
    (warning,) = [line for line in started.said.splitlines() if '"WARNING"' in line]
    assert "owner of entries as creditd_owner" in warning
    assert "docs/operations.md" in warning
    assert f"creditd_database_login_powers {len(powers(books.owner)):.1f}" in counted


@pytest.mark.requirement("I7")
@pytest.mark.parametrize("login", [OWNER, "postgres"])
def test_unless_told_so_an_owner_or_a_superuser_does_not_serve(
    books: DocumentedDatabase, tmp_path: Path, login: str
) -> None:
    url = books.owner if login == OWNER else books.administrator
    done = Creditd(tmp_path, settings(tmp_path, url))("serve")
    assert done.returncode == 2
    (line,) = done.stderr.splitlines()
    assert line.startswith(f"creditd serve: the database cannot be used: its login {login} could rewrite the ledger")
    assert "serve by a login that is a member of creditd_app and nothing more" in line
    assert line.endswith("or set CREDITD_REQUIRE_LEAST_PRIVILEGE to false")


def test_a_database_that_comes_late_is_asked_too(books: DocumentedDatabase, tmp_path: Path) -> None:
    """A service that has not looked at its start stays NOT_SERVING."""
    given = {"database_url": books.owner, "as_given": True}
    with running_service(tmp_path, **given) as service:
        assert not service.server.health.serving
    with running_service(tmp_path, **given, require_least_privilege=False) as service:
        assert service.server.health.serving


def test_workers_but_the_first_say_nothing_of_it(books: DocumentedDatabase, caplog: pytest.LogCaptureFixture) -> None:
    core = Core(Config(database_url=books.owner, require_least_privilege=False), warns_of_powers=False)
    with caplog.at_level(logging.WARNING):
        assert core.may_serve_by_its_login()
    assert caplog.records == []
    core.close()
