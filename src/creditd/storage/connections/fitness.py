"""What a database must be for the service, judged as a whole at the start."""

from contextlib import ExitStack
from typing import Final, NamedTuple

import psycopg
from sqlalchemy.exc import SQLAlchemyError

from creditd.storage.connections.session import UnsuitableDatabase
from creditd.storage.connections.turns import TurnOver
from creditd.storage.database import Connection, Database
from creditd.storage.distribution import is_distributed
from creditd.storage.layout import is_by_account
from creditd.storage.migrations.powers import OPT_OUT, login_of
from creditd.storage.migrations.privileges import require_privileges
from creditd.storage.migrations.revisions import too_old

OLDEST_VERSION: Final = 15
"""Of PostgreSQL, the oldest that the tests run on."""

ENCODING: Final = "UTF8"
"""Another one cannot hold every name and reason that callers may send."""

SESSIONS_AT_ONCE: Final = 2
"""Enough that a pooler has to lend different connections to them."""


class Facts(NamedTuple):
    """What a database is, as whoever logs in sees it; the query below gives them in this order."""

    version_number: int
    encoding: str
    is_standby: bool
    is_migrated: bool


_FACTS: Final = """
SELECT current_setting('server_version_num')::integer, current_setting('server_encoding'),
    pg_is_in_recovery(), to_regclass(%s) IS NOT NULL
"""


def require_fit(database: Database, migration: str, *, least_privilege: bool = False) -> None:
    """Judge a database whose schema has to have a migration; with ``least_privilege`` the login's powers too.

    Raises UnsuitableDatabase, which tells whether waiting can mend it; SQLAlchemyError, psycopg.Error and TurnOver if
    the database does not answer.
    """
    with database.logged_in() as connection:
        row = connection.execute(_FACTS, [database.schema.revisions], prepare=False).fetchone()
        if row is None:
            raise psycopg.OperationalError
        _judge(Facts(*row), migration)
    with ExitStack() as held:
        sessions = [held.enter_context(database.transaction()) for _ in range(SESSIONS_AT_ONCE)]
        for session in sessions:
            database.require_fit(session)
        session = sessions[0]
        database.require_schema(session, migration)
        require_privileges(session, database.schema.privileges)
        _judge_layout(session)
        login = login_of(session, database.schema) if least_privilege else None
        if login and login.powers:
            raise UnsuitableDatabase(f"{login}, {OPT_OUT}")


def _judge_layout(session: Connection) -> None:
    if not is_by_account(session) and is_distributed(session):
        raise UnsuitableDatabase("its tables are distributed by Citus: CREDITD_DATABASE_LAYOUT has to be citus")


def _judge(facts: Facts, migration: str) -> None:
    version = facts.version_number // 10_000
    if version < OLDEST_VERSION:
        raise UnsuitableDatabase(f"it is PostgreSQL {version}, and has to be {OLDEST_VERSION} or newer")
    if facts.encoding != ENCODING:
        raise UnsuitableDatabase(
            f"its encoding is {facts.encoding} and has to be {ENCODING}, which is chosen as it is made: "
            "CREATE DATABASE ... ENCODING 'UTF8' TEMPLATE template0"
        )
    if facts.is_standby:
        raise UnsuitableDatabase("it is a standby, which takes no writes", is_lasting=False)
    if not facts.is_migrated:
        raise too_old("", migration)


def wanting(database: Database, migration: str, *, least_privilege: bool = False) -> UnsuitableDatabase | None:
    """Return what keeps a database from being used, in one line without a secret; None if nothing does.

    A database that does not answer is no lasting trouble.
    """
    try:
        require_fit(database, migration, least_privilege=least_privilege)
    except (SQLAlchemyError, psycopg.Error, TurnOver) as error:
        cause = getattr(error, "orig", None) or error
        if isinstance(cause, UnsuitableDatabase):
            return cause
        return UnsuitableDatabase((str(cause).strip() or type(cause).__name__).splitlines()[0], is_lasting=False)
    return None
