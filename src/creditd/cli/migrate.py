"""``creditd migrate``: the database's schema brought up to date, or its SQL printed for somebody else to run."""

import sys
from collections.abc import Sequence

from psycopg.errors import InsufficientPrivilege
from sqlalchemy.exc import SQLAlchemyError

from creditd.cli.arguments import Arguments
from creditd.cli.output import DONE, MISUSED, CommandFailure, say
from creditd.config import Config, configuration, require
from creditd.identity.storage.schema import IDENTITY
from creditd.storage.connections.conninfo import InvalidConninfo
from creditd.storage.connections.session import UnsuitableDatabase
from creditd.storage.migrations.schema_rules import LEDGER, SchemaRules
from creditd.storage.schema import Migrated, migrate, migration_sql, schema_head


def command(argv: Sequence[str]) -> int:
    """Migrate; safe to repeat, and to run beside servers of the version before."""
    arguments = command_parser().parsed(argv)
    if arguments.sql:
        migration_sql(sys.stdout, IDENTITY if arguments.identity else LEDGER)
        return DONE
    config = configuration()
    if arguments.identity:
        require(config, {"identity_database_url": "of a user who may create tables and roles"})
        return _say_where(migrate_identity(config), IDENTITY)
    require(config, {"database_url": "of a user who may create tables and roles"})
    _say_where(bring_up_to_date(config.database_url), LEDGER)
    if config.identity_database_url:
        _say_where(migrate_identity(config), IDENTITY)
    return DONE


def command_parser() -> Arguments:
    """Return the parser of the arguments."""
    parser = Arguments("migrate", __doc__)
    parser.add_argument("--sql", action="store_true", help="print the SQL of all migrations; needs no database")
    parser.add_argument("--identity", action="store_true", help="identity's own database, and no other")
    return parser


def _say_where(migrated: Migrated, schema: SchemaRules) -> int:
    newer = f", newer than this version's {schema_head(schema)}: nothing to do" if migrated.is_newer else ""
    whose = "identity's schema" if schema is IDENTITY else "the schema"
    say(f"{whose} is at {migrated.revision}{newer}")
    if migrated.remark:
        say(migrated.remark)
    return DONE


def migrate_identity(config: Config) -> Migrated:
    """Migrate identity's database. Raises CommandFailure."""
    return bring_up_to_date(config.identity_database_url, IDENTITY, "CREDITD_IDENTITY_DATABASE_URL")


def bring_up_to_date(url: str, schema: SchemaRules = LEDGER, variable: str = "CREDITD_DATABASE_URL") -> Migrated:
    """Migrate a database, which ``variable`` names. Raises CommandFailure if it cannot, in PostgreSQL's own words."""
    try:
        return migrate(url, schema)
    except InvalidConninfo as error:
        raise CommandFailure(f"{variable} {error}", MISUSED) from error
    except UnsuitableDatabase as error:
        raise CommandFailure(f"{variable}: {error}", MISUSED) from error
    except SQLAlchemyError as error:
        cause = getattr(error, "orig", None) or error
        hint = ""
        if isinstance(cause, InsufficientPrivilege) and schema.role in str(error):
            hint = (
                f". Have a superuser run: CREATE ROLE {schema.role} NOLOGIN; (if it is not there) "
                f"GRANT {schema.role} TO the user that serves;"
            )
        raise CommandFailure(f"the database cannot be migrated: {str(cause).strip()}{hint}") from error
