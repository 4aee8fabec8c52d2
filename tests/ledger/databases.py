"""A database with the schema, for whoever needs one."""

from collections.abc import Iterator
from contextlib import contextmanager
from uuid import uuid4

from creditd.ledger.clock import DatabaseClock
from creditd.storage.database import Database
from creditd.storage.schema import migrate
from tests.postgres import admin_url, create_database, drop_database


def clock_of(database: Database) -> DatabaseClock:
    """Return a database's clock, read."""
    clock = DatabaseClock()
    clock.look(database)
    return clock


@contextmanager
def migrated_database() -> Iterator[str]:
    """Keep a database until the block ends; give its administrator's URL."""
    name = f"tests_{uuid4().hex}"
    url = create_database(admin_url(), name)
    try:
        migrate(url)
        yield url
    finally:
        drop_database(admin_url(), name)
