"""The schema: brought up to date by migrations, one migrator at a time."""

from collections.abc import Iterator
from contextlib import contextmanager
from importlib import resources
from typing import TextIO

from alembic import command
from alembic.config import Config
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, text

from creditd.storage.database import Database, DatabaseSettings


def _alembic_config() -> Config:
    config = Config()
    config.set_main_option("script_location", str(resources.files("creditd.storage") / "migrations"))
    config.set_main_option("version_path_separator", "os")
    return config


def migrate(url: str) -> None:
    """Bring the schema up to date. Safe to call again, and by several at once: the others wait."""
    database = Database(DatabaseSettings(url, role=""))
    try:
        with database.connection() as connection, _alone(connection):
            config = _alembic_config()
            config.attributes["connection"] = connection
            command.upgrade(config, "head")
            connection.commit()
    finally:
        database.close()


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
