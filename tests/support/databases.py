"""A database with the schema, for whoever needs one."""

from collections.abc import Iterator
from contextlib import contextmanager
from importlib import resources
from uuid import uuid4

from alembic import command
from alembic.config import Config
from sqlalchemy import create_engine, make_url

from creditd.ledger.clock import DatabaseClock
from creditd.storage.database import Database
from tests.support.postgres import admin_url, drop_database
from tests.support.schemas import create_migrated


def clock_of(database: Database) -> DatabaseClock:
    """Return a database's clock, read."""
    clock = DatabaseClock()
    clock.look(database)
    return clock


def migrate_to(url: str, revision: str) -> None:
    """Bring a database to a revision of the past, as the version of that time did."""
    config = Config()
    config.set_main_option("script_location", str(resources.files("creditd.storage") / "migrations"))
    engine = create_engine(make_url(url).set(drivername="postgresql+psycopg"))
    with engine.connect() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, revision)
        connection.commit()
    engine.dispose()


@contextmanager
def migrated_database() -> Iterator[str]:
    """Keep a database until the block ends; give its administrator's URL."""
    name = f"tests_{uuid4().hex}"
    url = create_migrated(admin_url(), name)
    try:
        yield url
    finally:
        drop_database(admin_url(), name)
