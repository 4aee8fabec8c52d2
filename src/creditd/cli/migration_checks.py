"""``creditd migrate --check`` and ``--plan``: whether a schema fits this release, and what is outstanding."""

import textwrap
from typing import NamedTuple

from creditd.cli.output import DONE, FAILED, say
from creditd.storage.database import Database, DatabaseSettings
from creditd.storage.migrations.revisions import revision_of
from creditd.storage.migrations.schema_rules import SchemaRules
from creditd.storage.schema import MIGRATOR, require_known, schema_head, schema_state


class SchemaState(NamedTuple):
    """Where a schema is: its ``revision``, empty for none, and the oldest release that may use it, empty if unsaid."""

    revision: str
    least_server: str


def standing_of(url: str, schema: SchemaRules) -> SchemaState:
    """Read where a schema is, and change nothing.

    Raises sqlalchemy.exc.SQLAlchemyError, InvalidConninfo; UnsuitableDatabase if it is the schema of another program.
    """
    database = Database(DatabaseSettings(url, role="", pool_size=1, prepare_threshold=None), MIGRATOR, schema)
    try:
        names, least_server = schema_state(database)
    finally:
        database.close()
    revision = revision_of(names)
    require_known(revision, schema)
    return SchemaState(revision, least_server)


def check(standing: SchemaState, schema: SchemaRules, name: str) -> int:
    """Say whether a schema, which is called by ``name``, fits this release; FAILED if it does not."""
    head = schema_head(schema)
    revision, least_server = standing
    if revision < head:
        at = f"at {revision}" if revision else "missing"
        outstanding = _count_of(schema, revision)
        say(f"{name} is {at}, and this release needs {head}: {outstanding}; run `creditd migrate` of this release")
        return FAILED
    if least_server > head:
        say(
            f"{name} is at {revision} and takes servers of schema {least_server} or newer, and this release is of "
            f"schema {head}: run a newer release"
        )
        return FAILED
    newer = "" if revision == head else f", which is newer than this release's {head}"
    say(f"{name} is at {revision}{newer}, and fits this release; servers of schema {least_server} or newer may use it")
    return DONE


def _count_of(schema: SchemaRules, revision: str) -> str:
    from creditd.storage.migrations.plan import migrations_of  # noqa: PLC0415 - as in storage/schema.py.

    count = len(migrations_of(schema, revision))
    return f"{count} {'migration is' if count == 1 else 'migrations are'} outstanding"


def plan(standing: SchemaState, schema: SchemaRules, name: str, *, with_sql: bool) -> int:
    """Say what each outstanding migration of a schema does, and to whom; with its SQL on wish."""
    from creditd.storage.migrations.plan import migrations_of  # noqa: PLC0415 - as in storage/schema.py.

    migrations = migrations_of(schema, standing.revision)
    at = f"at {standing.revision}" if standing.revision else "missing"
    if not migrations:
        say(f"{name} is {at}: nothing is outstanding")
        return DONE
    say(f"{name} is {at}; {_count_of(schema, standing.revision)}")
    for migration in migrations:
        say()
        for line in migration.lines:
            say(line)
        if with_sql:
            say()
            say(textwrap.indent(";\n\n".join(migration.statements) + ";", "    "))
    return DONE
