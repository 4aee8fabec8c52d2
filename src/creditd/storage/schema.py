"""The schema: brought up to date by migrations, one migrator at a time."""

import re
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from importlib import resources
from math import inf
from typing import Final, NamedTuple, TextIO

from sqlalchemy import text

from creditd.storage.connections.session import SessionRules, UnsuitableDatabase
from creditd.storage.connections.turns import Turn
from creditd.storage.database import Database, DatabaseSettings
from creditd.storage.migrations import LOCK_TIMEOUT, STATEMENT_TIMEOUT
from creditd.storage.migrations.privileges import ensure_privileges
from creditd.storage.migrations.revisions import not_ours, revision_of
from creditd.storage.migrations.schema_rules import LEDGER, SchemaRules


class Migrated(NamedTuple):
    """Where a database's schema is; ``is_newer`` says that a newer version of the service brought it there.

    ``remark`` is what the owner has to know besides, in a line each; mostly nothing.
    """

    revision: str
    is_newer: bool
    remark: str = ""


MIGRATOR = SessionRules(
    role="",
    statement_milliseconds=None,
    by_transaction={"lock_timeout": LOCK_TIMEOUT, "statement_timeout": STATEMENT_TIMEOUT},
    sets_sessions=False,
)
"""A migrator's sessions. Indexes are built concurrently outside of transactions, and take the time that they take."""


def migrate(url: str, schema: SchemaRules = LEDGER) -> Migrated:
    """Bring a schema and the privileges of its service up to date.

    Safe to call again, and by several at once: the others wait. A schema that is newer than this version is left alone.
    Raises sqlalchemy.exc.SQLAlchemyError; UnsuitableDatabase if something makes the connections act as somebody other
    than the owner, or if the schema is another program's.
    """
    # Here, since servers have no use for what it imports.
    from creditd.storage.migrations.upgrade import heads, upgrade  # noqa: PLC0415

    # Nothing is prepared: a prepared statement leaves a portal open, and with it the snapshot that it read.
    database = Database(DatabaseSettings(url, role="", prepare_threshold=None), MIGRATOR)
    try:
        _require_own_role(database)
        with Turn(inf).taken(), _alone(database), database.connection() as connection:
            revision = revision_of(heads(connection, schema))
            connection.rollback()
            if revision > schema_head(schema):
                return Migrated(revision, is_newer=True)
            require_known(revision, schema)
            upgrade(connection, schema)
            remark = ensure_privileges(connection, schema.role, schema.privileges, schema.secret_columns)
            connection.commit()
            return Migrated(schema_head(schema), is_newer=False, remark=remark)
    finally:
        database.close()


def require_known(revision: str, schema: SchemaRules) -> None:
    """Verify that a revision that is not newer than this release is one of its own. Raises UnsuitableDatabase."""
    if revision and revision <= schema_head(schema) and revision not in _revisions(schema):
        raise not_ours(revision)


_IS_THERE: Final = text("SELECT to_regclass(:name) IS NOT NULL")


def schema_state(database: Database) -> tuple[Sequence[str], str]:
    """Return the migrations that a schema says it has, and the oldest server that may use it; empty for none.

    Raises sqlalchemy.exc.SQLAlchemyError.
    """
    schema = database.schema
    with database.transaction() as connection:
        is_there, says_who = (
            connection.execute(_IS_THERE, {"name": name}).scalar_one()
            for name in (schema.revisions, schema.compatibility)
        )
        names = database.revisions(connection) if is_there else ()
        return names, database.least_server(connection) if says_who else ""


def _require_own_role(database: Database) -> None:
    """Verify that nobody has made the connections the service's, as a pooler may that serves it."""
    with database.connection() as connection:
        user, login = connection.execute(text("SELECT current_user::text, session_user::text")).one()
    if user != login:
        raise UnsuitableDatabase(
            f"the database has migrations run as {user}, not as {login}: connect to PostgreSQL itself, or by a pool "
            "without connect_query"
        )


MIGRATION_LOCK = 0x6372656469746400
"""An advisory lock's number: "creditd" in ASCII."""

LOCK_PAUSE_SECONDS = 0.2
"""Between two tries to be the only migrator."""

# Without parameters, so that the driver sends it as a simple query, which keeps no snapshot.
_TRY_LOCK = text(f"SELECT pg_try_advisory_xact_lock({MIGRATION_LOCK})")


@contextmanager
def _alone(database: Database) -> Iterator[None]:
    """Hold the lock by a transaction on a connection of its own, which outlasts those of the migrations.

    A session's lock would stay behind in a pooler's connection, and the next migrator would wait for ever.
    """
    with database.transaction() as connection:
        # The connection is idle for as long as the migrations take.
        connection.execute(text("SET LOCAL idle_in_transaction_session_timeout = 0"))
        connection.execute(text("SET LOCAL lock_timeout = 0"))
        connection.execute(text("SET LOCAL statement_timeout = 0"))
        # Asked for again and again rather than waited for: an index that is built concurrently waits for whoever holds
        # a snapshot, and a query that waits holds one.
        while not connection.execute(_TRY_LOCK).scalar_one():
            time.sleep(LOCK_PAUSE_SECONDS)
        yield


def migration_sql(output: TextIO, schema: SchemaRules = LEDGER) -> None:
    """Write the SQL of all migrations of a schema, without a database."""
    from creditd.storage.migrations.upgrade import write_sql  # noqa: PLC0415 - as above.

    write_sql(output, schema)


_MIGRATION: Final = re.compile(r"v([0-9]{4})_\w+\.py")


def _revisions(schema: SchemaRules) -> set[str]:
    """Return the revisions that a schema had and has, by the names of the files that lead there."""
    files = resources.files(schema.package) / "migrations" / "versions"
    return {found[1] for file in files.iterdir() if (found := _MIGRATION.fullmatch(file.name))}


def schema_head(schema: SchemaRules = LEDGER) -> str:
    """Return the newest migration of a schema that this version brings."""
    return max(_revisions(schema))
