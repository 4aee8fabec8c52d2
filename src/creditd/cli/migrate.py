"""``creditd migrate``: the database's schema brought up to date, or its SQL printed for somebody else to run."""

import sys
from collections.abc import Sequence

from psycopg.errors import InsufficientPrivilege
from sqlalchemy.exc import SQLAlchemyError

from creditd.cli.arguments import Arguments
from creditd.cli.output import DONE, MISUSED, CommandFailure, say
from creditd.config import configuration, require
from creditd.storage.connections.conninfo import InvalidConninfo
from creditd.storage.connections.session import UnsuitableDatabase
from creditd.storage.migrations.privileges import APPLICATION_ROLE
from creditd.storage.schema import Migrated, migrate, migration_sql, schema_head


def command(argv: Sequence[str]) -> int:
    """Migrate; safe to repeat, and to run beside servers of the version before."""
    parser = Arguments("migrate", __doc__)
    parser.add_argument("--sql", action="store_true", help="print the SQL of all migrations; needs no database")
    if parser.parsed(argv).sql:
        migration_sql(sys.stdout)
        return DONE
    config = configuration()
    require(config, {"database_url": "of a user who may create tables and roles"})
    migrated = bring_up_to_date(config.database_url)
    newer = f", newer than this version's {schema_head()}: nothing to do" if migrated.is_newer else ""
    say(f"the schema is at {migrated.revision}{newer}")
    if migrated.remark:
        say(migrated.remark)
    return DONE


def bring_up_to_date(url: str) -> Migrated:
    """Migrate the database. Raises CommandFailure if it cannot, in PostgreSQL's own words."""
    try:
        return migrate(url)
    except InvalidConninfo as error:
        raise CommandFailure(f"CREDITD_DATABASE_URL {error}", MISUSED) from error
    except UnsuitableDatabase as error:
        raise CommandFailure(f"CREDITD_DATABASE_URL: {error}", MISUSED) from error
    except SQLAlchemyError as error:
        cause = getattr(error, "orig", None) or error
        hint = ""
        if isinstance(cause, InsufficientPrivilege) and APPLICATION_ROLE in str(error):
            hint = (
                f". Have a superuser run: CREATE ROLE {APPLICATION_ROLE} NOLOGIN; (if it is not there) "
                f"GRANT {APPLICATION_ROLE} TO the user that serves;"
            )
        raise CommandFailure(f"the database cannot be migrated: {str(cause).strip()}{hint}") from error
