"""What a backup has to know of the database server: its version, its identity, where its log is, whether it lets us."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any, Final, NamedTuple

import psycopg
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from creditd.backup.backup_folder import AnotherAtWork

LOCK: Final = 0x6372656469746401
"""An advisory lock's number: "creditd" in ASCII, and a 1 for backups."""

LEAST_MAJOR: Final = 15
"""Of PostgreSQL; as the service itself."""

_SERVER: Final = """
SELECT current_setting('server_version_num')::int, (SELECT system_identifier::text FROM pg_control_system()),
    (SELECT rolname::text FROM pg_roles WHERE oid = 10), (SELECT timeline_id FROM pg_control_checkpoint()),
    pg_size_bytes(current_setting('wal_segment_size')), pg_is_in_recovery(),
    (SELECT rolsuper OR rolreplication FROM pg_roles WHERE rolname = current_user), current_user::text,
    current_setting('max_wal_senders')::int, current_setting('wal_level'),
    (SELECT count(*) FROM pg_tablespace WHERE spcname NOT IN ('pg_default', 'pg_global'))
"""

_SLOT: Final = "SELECT pg_create_physical_replication_slot('creditd_backup_' || pg_backend_pid(), true, true)"

_SIZE: Final = "SELECT sum(pg_database_size(oid))::bigint FROM pg_database"

_DATABASES: Final = "SELECT datname::text FROM pg_database WHERE NOT datistemplate ORDER BY 1"

_REVISION: Final = "SELECT version_num FROM alembic_version"

_HEAD: Final = """
SELECT seal_number || ' ' || encode(hash, 'hex') FROM audit_seals WHERE seal_number > 0
ORDER BY seal_number DESC LIMIT 1
"""


class CannotBackUp(Exception):
    """A server cannot be backed up as it is; the message says what to change."""


class ServerFacts(NamedTuple):
    """A server. ``size`` is that of all databases in bytes, None if the login may not ask."""

    version: int
    system_identifier: str
    superuser: str
    timeline: int
    segment_bytes: int
    databases: tuple[str, ...]
    size: int | None

    @property
    def major(self) -> int:
        """PostgreSQL's major version."""
        return self.version // 10_000


class Moment(NamedTuple):
    """A position of the log, and the time of the server when it was there or just after."""

    lsn: str
    time: datetime


@contextmanager
def connected(url: str) -> Iterator[psycopg.Connection]:
    """Give a connection for a backup, which nobody else makes of this database meanwhile, on any machine.

    Raises psycopg.Error, AnotherAtWork.
    """
    with psycopg.connect(url, autocommit=True, application_name="creditd backup") as connection:
        # It is idle for as long as the copy takes.
        connection.execute("SET idle_session_timeout = 0")
        if connection.execute("SELECT pg_try_advisory_lock(%s)", [LOCK]).fetchone() != (True,):
            message = "another one makes a backup of this database at this moment"
            raise AnotherAtWork(message)
        yield connection


def facts_of(connection: psycopg.Connection) -> ServerFacts:
    """Return what there is to know. Raises CannotBackUp, psycopg.Error."""
    row: Any = connection.execute(_SERVER).fetchone()
    version, system, superuser, timeline, segment_bytes, recovers, may, user, senders, level, tablespaces = row
    if version < LEAST_MAJOR * 10_000:
        message = f"PostgreSQL {version // 10_000} is older than {LEAST_MAJOR}"
        raise CannotBackUp(message)
    if recovers:
        message = "the server is a standby: back up the primary"
        raise CannotBackUp(message)
    if not may:
        message = (
            f"{user} may not replicate: have a superuser run ALTER ROLE {user} REPLICATION, and let it in by a line "
            "`host replication` of pg_hba.conf"
        )
        raise CannotBackUp(message)
    if senders == 0 or level == "minimal":
        message = "the server lets nobody replicate: set wal_level = replica and max_wal_senders = 10, and restart it"
        raise CannotBackUp(message)
    if tablespaces:
        message = f"the server has {tablespaces} tablespaces of its own, which are not backed up this way"
        raise CannotBackUp(message)
    databases = tuple(name for (name,) in connection.execute(_DATABASES).fetchall())
    return ServerFacts(version, system, superuser, timeline, segment_bytes, databases, _asked(connection, _SIZE))


def keep_log(connection: psycopg.Connection) -> None:
    """Have the server keep its log from here on, for as long as the connection lasts. Raises psycopg.Error."""
    connection.execute(_SLOT)


def moment(connection: psycopg.Connection) -> Moment:
    """Return how far the log has come, and the server's time. Raises psycopg.Error."""
    row: Any = connection.execute("SELECT pg_current_wal_insert_lsn()::text, clock_timestamp()").fetchone()
    return Moment(row[0], row[1].astimezone(UTC))


def revision_of(connection: psycopg.Connection) -> str:
    """Return the revision of the ledger's schema; empty if it is not there, or not to be read."""
    return _asked(connection, _REVISION) or ""


def head_of(connection: psycopg.Connection) -> str:
    """Return the number and the hash of the last seal; empty if there is none, or not to be read."""
    return _asked(connection, _HEAD) or ""


def _asked(connection: psycopg.Connection, query: str) -> Any:
    try:
        row: Any = connection.execute(query.encode()).fetchone()
    except (psycopg.errors.InsufficientPrivilege, psycopg.errors.UndefinedTable):
        return None
    return row[0] if row else None


def without_password(url: str) -> tuple[str, dict[str, str]]:
    """Return a place as libpq takes it, and in variables what no list of processes is to show."""
    parts = conninfo_to_dict(url)
    hidden = {name: str(parts.pop(name)) for name in ("password", "sslpassword") if parts.get(name)}
    variables = {"PGPASSWORD": hidden["password"]} if "password" in hidden else {}
    parts.pop("dbname", None)
    # It goes through to a program that connects for replication.
    parts.pop("target_session_attrs", None)
    return make_conninfo("", **parts), variables
