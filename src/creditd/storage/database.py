"""The connection to PostgreSQL: engine, time limits, migrations, and whether all is there."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib import resources
from typing import TextIO

from alembic import command
from alembic.config import Config
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, Engine, create_engine, make_url, text
from sqlalchemy.exc import DBAPIError, TimeoutError

STATEMENT_TIMEOUT_SECONDS = 30
"""No statement of the service takes a second; one that takes this long is stuck."""

LOCK_TIMEOUT_SECONDS = 5
"""A row is locked for a batch, milliseconds; longer means that something holds it that should not."""

IDLE_IN_TRANSACTION_SECONDS = 30
"""A server that hangs within a transaction loses it, so that its locks do not outlive it."""

CONNECT_TIMEOUT_SECONDS = 3
"""Callers are told that the database is away rather than kept waiting."""


@dataclass(frozen=True, slots=True)
class DatabaseSettings:
    """Where the database is and how it is used.

    ``url`` is a libpq URL; several hosts are tried in turn for the one that takes writes. ``role`` is what each
    connection becomes, so that the application cannot change the ledger; empty to stay what one logs in as.
    ``prepare_threshold`` is after how many uses a statement is prepared; None never, for a pooler that cannot.
    """

    url: str
    role: str = "creditd_app"
    pool_size: int = 8
    prepare_threshold: int | None = 2


def make_engine(settings: DatabaseSettings) -> Engine:
    """Return an engine with a bounded pool. Connects at first use."""
    limits = {
        "statement_timeout": f"{STATEMENT_TIMEOUT_SECONDS}s",
        "lock_timeout": f"{LOCK_TIMEOUT_SECONDS}s",
        "idle_in_transaction_session_timeout": f"{IDLE_IN_TRANSACTION_SECONDS}s",
    }
    if settings.role:
        limits["role"] = settings.role
    options = " ".join(f"-c {name}={value}" for name, value in limits.items())
    return create_engine(
        make_url(settings.url).set(drivername="postgresql+psycopg"),
        pool_size=settings.pool_size,
        max_overflow=0,
        hide_parameters=True,
        pool_timeout=CONNECT_TIMEOUT_SECONDS,
        connect_args={
            "options": options,
            "prepare_threshold": settings.prepare_threshold,
            "connect_timeout": CONNECT_TIMEOUT_SECONDS,
            "target_session_attrs": "read-write",
            "application_name": "creditd",
        },
    )


def _alembic_config() -> Config:
    config = Config()
    config.set_main_option("script_location", str(resources.files("creditd.storage") / "migrations"))
    config.set_main_option("version_path_separator", "os")
    return config


def migrate(url: str) -> None:
    """Bring the schema up to date. Safe to call again, and by several at once: the others wait."""
    engine = make_engine(DatabaseSettings(url, role=""))
    try:
        with engine.connect() as connection, _alone(connection):
            config = _alembic_config()
            config.attributes["connection"] = connection
            command.upgrade(config, "head")
            connection.commit()
    finally:
        engine.dispose()


MIGRATION_LOCK = 0x6372656469746400
"""An advisory lock's number: "creditd" in ASCII."""


@contextmanager
def _alone(connection: Connection) -> Iterator[None]:
    # Held by the session, so that it outlasts the migration's own transactions.
    connection.execute(text("SELECT pg_advisory_lock(:lock)"), {"lock": MIGRATION_LOCK})
    connection.commit()
    try:
        yield
    finally:
        connection.rollback()
        connection.execute(text("SELECT pg_advisory_unlock(:lock)"), {"lock": MIGRATION_LOCK})
        connection.commit()


def migration_sql(output: TextIO) -> None:
    """Write the SQL of all migrations, without a database."""
    config = _alembic_config()
    config.output_buffer = output
    command.upgrade(config, "head", sql=True)


def schema_head() -> str:
    """Return the newest migration that this version brings."""
    return ScriptDirectory.from_config(_alembic_config()).get_current_head() or ""


def is_ready(engine: Engine, head: str) -> bool:
    """Tell whether the database answers and has at least the migration ``head``."""
    try:
        with engine.connect() as connection:
            current = connection.execute(text("SELECT version_num FROM alembic_version")).scalar()
    except (DBAPIError, TimeoutError):
        return False
    return current is not None and current >= head
