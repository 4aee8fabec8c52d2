"""What each role may do with each table, as the table of privileges has it: what only grows is changed by nobody."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.resources import files
from importlib.resources.abc import Traversable
from typing import Final

import psycopg
import pytest
from psycopg import sql

from creditd.identity.storage.schema import IDENTITY
from creditd.storage.migrations.privileges import (
    APPLICATION_ROLE,
    AUDITOR_ROLE,
    ONLY_GROW,
    PRIVILEGES,
    SECRET_COLUMNS,
)
from creditd.storage.migrations.schema_rules import LEDGER, SchemaRules
from tests.support.databases import migrated_database
from tests.support.postgres import service_url

TABLES: Final = [table for tables in PRIVILEGES.values() for table in tables]

PRUNED: Final = {"account_labels", "request_claims"}
"""Of the tables that only grow, those that an owner may one day cut short: no trigger keeps him from it."""

LIKE_A_SECRET: Final = re.compile(r"secret|token|passw|pin\b|(key|code)_hash|api_key|private|credential|body")

CHANGES: Final = {
    "UPDATE": "UPDATE {table} SET {column} = {column}",
    "UPDATE of no row": "UPDATE {table} SET {column} = {column} WHERE false",
    "DELETE": "DELETE FROM {table}",
    "TRUNCATE": "TRUNCATE {table}",
    "TRUNCATE with all that depends on it": "TRUNCATE {table} CASCADE",
    "MERGE": "MERGE INTO {table} AS t USING (SELECT 1) AS s ON true WHEN MATCHED THEN DELETE",
    "INSERT over": "INSERT INTO {table} SELECT * FROM {table} ON CONFLICT ({key}) DO UPDATE SET {column} = NULL",
}

DEFINITIONS: Final = {
    "DROP": "DROP TABLE {table}",
    "a column more": "ALTER TABLE {table} ADD COLUMN more text",
    "a column less": "ALTER TABLE {table} DROP COLUMN {column}",
    "no triggers": "ALTER TABLE {table} DISABLE TRIGGER ALL",
    "a trigger": "CREATE TRIGGER mine BEFORE INSERT ON {table} EXECUTE FUNCTION suppress_redundant_updates_trigger()",
    "a rule": "CREATE RULE mine AS ON INSERT TO {table} DO INSTEAD NOTHING",
    "an index": "CREATE INDEX ON {table} ({column})",
    "another owner": "ALTER TABLE {table} OWNER TO CURRENT_USER",
}

ROLES: Final = ("application", "login that serves", "auditor")


@dataclass
class Books:
    """A database with the schema: connections of each role, in autocommit, and what its tables are made of."""

    owner: psycopg.Connection
    by_role: dict[str, psycopg.Connection]

    def statement(self, template: str, table: str) -> sql.Composed:
        """Put a table, the first column of its primary key, and that key into a statement."""
        key = self.owner.execute(
            "SELECT attname FROM pg_index JOIN pg_attribute ON attrelid = indrelid AND attnum = ANY (indkey) "
            "WHERE indrelid = %s::regclass AND indisprimary",
            [table],
        ).fetchall()
        names = [sql.Identifier(name) for (name,) in key]
        return sql.SQL(template).format(table=sql.Identifier(table), column=names[0], key=sql.SQL(", ").join(names))

    def columns(self, table: str) -> list[str]:
        """Return the names of a table's columns."""
        found = self.owner.execute(
            "SELECT attname FROM pg_attribute WHERE attrelid = %s::regclass AND attnum > 0 AND NOT attisdropped",
            [table],
        )
        return [name for (name,) in found]


@pytest.fixture(scope="module")
def books() -> Iterator[Books]:
    """Make a database, and connect as everybody who has to do with it."""
    with (
        migrated_database() as url,
        psycopg.connect(url, autocommit=True) as owner,
        psycopg.connect(url, autocommit=True) as application,
        psycopg.connect(url, autocommit=True) as auditor,
        psycopg.connect(service_url(url), autocommit=True) as login,
    ):
        application.execute(f"SET ROLE {APPLICATION_ROLE}")
        auditor.execute(f"SET ROLE {AUDITOR_ROLE}")
        yield Books(owner, dict(zip(ROLES, (application, login, auditor), strict=True)))


def test_each_table_is_in_one_class_and_so_is_a_new_one(books: Books) -> None:
    """Whoever makes a table says in PRIVILEGES whether its rows may change, and then what follows holds for it."""
    found = books.owner.execute(
        "SELECT relname FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'p') "
        "AND NOT relispartition"
    )
    assert sorted(TABLES) == sorted(name for (name,) in found)


@pytest.mark.requirement("A6", "D2", "I7")
@pytest.mark.parametrize("role", ROLES)
@pytest.mark.parametrize("table", ONLY_GROW)
def test_what_only_grows_is_neither_changed_nor_redefined(books: Books, table: str, role: str) -> None:
    connection = books.by_role[role]
    for name, template in {**CHANGES, **DEFINITIONS}.items():
        statement = books.statement(template, table)
        with pytest.raises(psycopg.errors.InsufficientPrivilege) as refused:
            connection.execute(statement)
        assert table in str(refused.value), name


@pytest.mark.requirement("A6", "D2")
@pytest.mark.parametrize("table", sorted(set(ONLY_GROW) - PRUNED))
def test_of_histories_even_the_owner_changes_nothing_by_mistake(books: Books, table: str) -> None:
    """Though he could take the trigger away."""
    for template in CHANGES.values():
        with pytest.raises(psycopg.errors.InsufficientPrivilege, match="append-only"):
            books.owner.execute(books.statement(template, table))


@pytest.mark.requirement("I7")
@pytest.mark.parametrize("role", ROLES)
def test_nobody_but_the_owner_makes_or_redefines_anything(books: Books, role: str) -> None:
    connection = books.by_role[role]
    for table in TABLES:
        for template in DEFINITIONS.values():
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                connection.execute(books.statement(template, table))
    for statement in (
        "CREATE TABLE mine (n integer)",
        "CREATE VIEW mine AS SELECT 1",
        "CREATE FUNCTION mine() RETURNS integer LANGUAGE sql AS 'SELECT 1'",
        "CREATE SCHEMA mine",
        "CREATE ROLE mine",
        "DROP FUNCTION refuse_change()",
        "SET session_replication_role = replica",
        f"ALTER ROLE {AUDITOR_ROLE} SUPERUSER",
    ):
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            connection.execute(statement.encode())


@pytest.mark.requirement("I7")
@pytest.mark.parametrize("table", TABLES)
def test_an_auditor_reads_all_but_secrets_and_writes_nothing(books: Books, table: str) -> None:
    auditor, secret = books.by_role["auditor"], SECRET_COLUMNS.get(table, ())
    assert set(secret) <= set(books.columns(table))
    for column in books.columns(table):
        query = sql.SQL("SELECT {} FROM {} LIMIT 1").format(sql.Identifier(column), sql.Identifier(table))
        if column in secret:
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                auditor.execute(query)
        else:
            auditor.execute(query)
    for template in ("INSERT INTO {table} DEFAULT VALUES", "DELETE FROM {table}", "SELECT 1 FROM {table} FOR UPDATE"):
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            auditor.execute(books.statement(template, table))


@pytest.mark.requirement("I7")
def test_what_is_called_like_a_secret_is_one(books: Books) -> None:
    """A new column with such a name is kept from auditors, or has another name."""
    called = {(table, column) for table in TABLES for column in books.columns(table) if LIKE_A_SECRET.search(column)}
    assert called <= {(table, column) for table, columns in SECRET_COLUMNS.items() for column in columns}


@pytest.mark.requirement("I7")
def test_nobody_logs_in_as_a_role_or_becomes_more_by_it(books: Books) -> None:
    found = books.owner.execute(
        "SELECT rolname, rolcanlogin OR rolsuper OR rolcreaterole OR rolcreatedb OR rolreplication OR rolbypassrls "
        "FROM pg_roles WHERE rolname IN (%s, %s)",
        [APPLICATION_ROLE, AUDITOR_ROLE],
    )
    assert sorted(found) == [(APPLICATION_ROLE, False), (AUDITOR_ROLE, False)]
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        books.by_role["login that serves"].execute(f"SET ROLE {AUDITOR_ROLE}")


@pytest.mark.requirement("I7")
@pytest.mark.parametrize(
    ("privilege", "form"),
    [("INSERT", r"\b(?:(?:insert|upsert)\(|INSERT INTO )(\w+)"), ("DELETE", r"\b(?:delete\(|DELETE FROM )(\w+)")],
)
@pytest.mark.parametrize("schema", [LEDGER, IDENTITY], ids=lambda schema: schema.package)
def test_nobody_may_add_or_delete_what_no_statement_adds_or_deletes(
    schema: SchemaRules, privilege: str, form: str
) -> None:
    """A privilege that nothing uses is of use to whoever gets a statement of their own in, and to nobody else."""
    source = _source(files(schema.package))
    # What triggers do is done by whoever pulls them.
    source += "".join(re.findall(r"\$\$.*?\$\$", _source(files(schema.package) / "migrations" / "versions"), re.DOTALL))
    granted = {table for privileges, tables in schema.privileges.items() if privilege in privileges for table in tables}
    assert granted - set(re.findall(form, source)) == set()


def _modules(folder: Traversable) -> Iterator[Traversable]:
    for found in sorted(folder.iterdir(), key=lambda found: found.name):
        if found.is_dir() and found.name != "migrations":
            yield from _modules(found)
        elif found.name.endswith(".py"):
            yield found


def _source(folder: Traversable) -> str:
    return "\n".join(file.read_text() for file in _modules(folder))
