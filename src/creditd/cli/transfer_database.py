"""The ledger's database with its clock, as `creditd import` and `creditd export` use it."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from sqlalchemy.exc import SQLAlchemyError

from creditd.cli.identity_access import require_usable
from creditd.cli.output import MISUSED, CommandFailure
from creditd.config import Config, require
from creditd.ledger.clock import DatabaseClock
from creditd.storage.connections.conninfo import InvalidConninfo
from creditd.storage.connections.fitness import SESSIONS_AT_ONCE
from creditd.storage.database import Database, DatabaseSettings
from creditd.storage.layout import Layout

OUT_OF_REACH: Final = "the database stayed out of reach: run it again, and it goes on"


@contextmanager
def transfer_database(config: Config) -> Iterator[tuple[Database, DatabaseClock]]:
    """Keep the database and its clock at hand until the block ends. Raises CommandFailure."""
    require(config, {"database_url": "of a user who may become the role that serves"})
    try:
        database = Database(
            DatabaseSettings(
                config.database_url, config.database_role, SESSIONS_AT_ONCE, layout=Layout(config.database_layout)
            )
        )
    except InvalidConninfo as error:
        raise CommandFailure(f"CREDITD_DATABASE_URL {error}", MISUSED) from error
    try:
        require_usable(database, "the database")
        clock = DatabaseClock()
        clock.look(database)
        yield database, clock
    except SQLAlchemyError as error:
        raise CommandFailure(f"the database cannot be used: {getattr(error, 'orig', None) or error}") from error
    finally:
        database.close()
