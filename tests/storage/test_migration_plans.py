"""What is told of a migration before it runs is what PostgreSQL locks and rewrites when it does."""

from collections.abc import Iterator
from uuid import uuid4

import psycopg
import pytest

from creditd.identity.storage.schema import IDENTITY
from creditd.storage.migrations.phases import CONTRACT, EXPAND, STATED_SINCE, only_servers_from
from creditd.storage.migrations.plan import Migration, migrations_of
from creditd.storage.migrations.schema_rules import LEDGER, SchemaRules
from creditd.storage.migrations.statement_locks import (
    CHOSEN,
    MEANING,
    REWRITES,
    ROW_EXCLUSIVE,
    TableLock,
    locks_of,
    tables_made,
    takes_away,
)
from tests.support.postgres import admin_url, create_database, drop_database

SCHEMAS = [LEDGER, IDENTITY]

STATING = [
    (schema, migration)
    for schema in SCHEMAS
    for migration in migrations_of(schema)
    if migration.revision >= STATED_SINCE[schema.package]
]

_HELD = """
SELECT c.relname, replace(upper(regexp_replace(replace(l.mode, 'Lock', ''), '(?<!^)([A-Z])', ' \\1', 'g')), '  ', ' ')
FROM pg_locks l JOIN pg_class c ON c.oid = l.relation
WHERE l.pid = pg_backend_pid() AND c.relkind = 'r' AND c.relnamespace = 'public'::regnamespace
"""

_FILES = """
SELECT relname, relfilenode FROM pg_class WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace
"""

_INDEX_TABLE = "SELECT indrelid::regclass::text FROM pg_index WHERE indexrelid = to_regclass(%s)"


@pytest.fixture
def database() -> Iterator[str]:
    """Return the URL of an empty database of the test's own."""
    name = f"tests_{uuid4().hex}"
    yield create_database(admin_url(), name)
    drop_database(admin_url(), name)


def strongest(modes: set[str]) -> str:
    return next((mode for mode in MEANING if mode in modes), "")


def told(connection: "psycopg.Connection[tuple[object, ...]]", statement: str) -> dict[str, TableLock]:
    """Return what is told of a statement, by table."""
    found = {}
    for lock in locks_of(statement):
        table = lock.table
        if table.startswith("the table of the index "):
            row = connection.execute(_INDEX_TABLE, [table.rpartition(" ")[2]]).fetchone()
            table = str(row[0]) if row else ""
        if table:
            found[table] = lock
    return found


@pytest.mark.requirement("I5")
@pytest.mark.parametrize("schema", SCHEMAS, ids=lambda schema: schema.package)
def test_what_is_told_of_each_statement_is_what_postgresql_locks_and_rewrites(
    database: str, schema: SchemaRules
) -> None:
    """Of those that run outside of a transaction nothing is held once they are done."""
    with psycopg.connect(database, autocommit=True) as connection:
        # Alembic's own, which some grant to those who serve.
        connection.execute(f"CREATE TABLE {schema.revisions} ()".encode())
        for migration in migrations_of(schema):
            for statement in migration.statements:
                if "CONCURRENTLY" in statement:
                    connection.execute(statement.encode())
                    continue
                said = told(connection, statement)
                before: dict[object, object] = dict(connection.execute(_FILES).fetchall())
                with connection.transaction():
                    connection.execute(statement.encode())
                    files: dict[object, object] = dict(connection.execute(_FILES).fetchall())
                    held: dict[str, set[str]] = {}
                    for table, mode in connection.execute(_HELD).fetchall():
                        if table in before:
                            held.setdefault(str(table), set()).add(str(mode))
                place = f"{migration.revision}: {statement}"
                locked = {table: mode for table, modes in held.items() if (mode := strongest(modes))}
                expected = {table: lock.mode for table, lock in said.items() if table in before or table == CHOSEN}
                # That a function is made takes those of what it writes, and keeps nobody waiting.
                assert expected.items() - {(CHOSEN, "ACCESS EXCLUSIVE")} <= locked.items(), place
                assert CHOSEN in expected or {mode for table, mode in locked.items() if table not in expected} <= {
                    ROW_EXCLUSIVE
                }, place
                rewritten = {table for table in before if table in files and files[table] != before[table]}
                assert {table for table, lock in said.items() if REWRITES in lock.work} == rewritten, place


@pytest.mark.parametrize(
    ("statement", "locks"),
    [
        ("ALTER TABLE t ALTER COLUMN a TYPE bigint", [("t", "ACCESS EXCLUSIVE", "rewrites the table")]),
        ("ALTER TABLE t ALTER a SET NOT NULL", [("t", "ACCESS EXCLUSIVE", "reads every row")]),
        (
            "ALTER TABLE t ADD COLUMN a uuid DEFAULT gen_random_uuid()",
            [("t", "ACCESS EXCLUSIVE", "rewrites the table")],
        ),
        ("ALTER TABLE t VALIDATE CONSTRAINT a", [("t", "SHARE UPDATE EXCLUSIVE", "reads every row")]),
        ("ALTER TABLE t DROP COLUMN a", [("t", "ACCESS EXCLUSIVE", "")]),
        ("CREATE INDEX i ON t (a)", [("t", "SHARE", "builds an index")]),
        ("DROP TABLE t", [("t", "ACCESS EXCLUSIVE", "")]),
        ("CLUSTER t USING i", [("a table that is not known", "ACCESS EXCLUSIVE", "")]),
        ("SELECT 1", []),
    ],
)
def test_statements_that_no_migration_has_yet_are_told_of_too(
    statement: str, locks: list[tuple[str, str, str]]
) -> None:
    assert locks_of(statement) == [TableLock(*lock) for lock in locks]


def test_the_strongest_lock_of_a_table_is_told_and_all_that_takes_long() -> None:
    statements = (
        "CREATE TABLE new (a integer)",
        "ALTER TABLE new ADD COLUMN b integer",
        "ALTER TABLE t VALIDATE CONSTRAINT a",
        "ALTER TABLE t DROP COLUMN a",
        "CREATE INDEX i ON t (b)",
    )
    assert Migration("0001", "", EXPAND, "", statements).locks == [
        TableLock("t", "ACCESS EXCLUSIVE", "reads every row, builds an index")
    ]


@pytest.mark.requirement("I5")
@pytest.mark.parametrize(("schema", "migration"), STATING, ids=lambda one: getattr(one, "revision", ""))
def test_each_migration_states_its_phase_and_keeps_to_it(schema: SchemaRules, migration: Migration) -> None:
    """An expanding one takes nothing away from what servers use; a contracting one lets none of them live."""
    made = {table for statement in migration.statements for table in tables_made(statement)}
    assert migration.states_phase, f"{migration.revision} has to state: phase = EXPAND, or CONTRACT (phases.py)"
    if migration.phase == CONTRACT:
        assert migration.statements[0] == only_servers_from(schema, migration.least_server).strip()
        assert migration.least_server <= migration.revision
    else:
        assert (migration.phase, migration.least_server) == (EXPAND, "")
        assert not [one for one in migration.statements if takes_away(one) and not made & set(one.split())]


@pytest.mark.parametrize(
    ("statement", "is_so"),
    [
        ("DROP TABLE t", True),
        ("ALTER TABLE t DROP COLUMN a", True),
        ("ALTER TABLE t RENAME TO u", True),
        ("ALTER TABLE t ALTER COLUMN a TYPE text", True),
        ("REVOKE SELECT ON t FROM creditd_app", True),
        ("ALTER TABLE t ADD COLUMN a text", False),
        ("DROP INDEX CONCURRENTLY IF EXISTS i", False),
        ("CREATE TABLE t (dropped_column text)", False),
    ],
)
def test_what_takes_something_away_is_known_by_its_text(statement: str, *, is_so: bool) -> None:
    assert takes_away(statement) == is_so
