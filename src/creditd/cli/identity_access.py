"""How commands reach identity's database: directly, as a server does."""

from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy.exc import DBAPIError, SQLAlchemyError

from creditd.bootstrap import IdentityCore
from creditd.cli.output import FAILED, MISUSED, CommandFailure
from creditd.config import Config, require
from creditd.identity.ciphers import OtherKey
from creditd.storage.connections.conninfo import InvalidConninfo
from creditd.storage.connections.fitness import wanting
from creditd.storage.database import Database
from creditd.storage.schema import schema_head


def identity_core(config: Config) -> IdentityCore:
    """Return the core on the database that a configuration names. Raises CommandFailure for a URL that is none."""
    try:
        return IdentityCore(config)
    except InvalidConninfo as error:
        raise CommandFailure(f"CREDITD_IDENTITY_DATABASE_URL {error}", MISUSED) from error


def require_usable(database: Database, name: str) -> None:
    """Verify that a database, which messages call by ``name``, is fit and migrated. Raises CommandFailure."""
    unfit = wanting(database, schema_head(database.schema))
    if unfit:
        raise CommandFailure(f"{name} cannot be used: {unfit}", MISUSED if unfit.is_lasting else FAILED)


@contextmanager
def identity_of(config: Config) -> Iterator[IdentityCore]:
    """Keep identity's database and keys at hand until the block ends. Raises CommandFailure if they cannot be used."""
    require(config, {"identity_database_url": "identity's own database, prepared by `creditd migrate`"})
    core = identity_core(config)
    try:
        require_usable(core.database, "identity's database")
        core.clock.look(core.database)
        core.load_keys()
        yield core
    except OtherKey as error:
        raise CommandFailure(str(error), MISUSED) from error
    except SQLAlchemyError as error:
        cause = error.orig if isinstance(error, DBAPIError) else error
        raise CommandFailure(f"identity's database failed: {str(cause).strip()}") from error
    finally:
        core.close()
