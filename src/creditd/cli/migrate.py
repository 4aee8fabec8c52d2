"""``creditd migrate``: the database's schema brought up to date, or its SQL printed for somebody else to run."""

import argparse
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import psycopg
from psycopg.errors import InsufficientPrivilege
from sqlalchemy.exc import SQLAlchemyError

from creditd.cli.arguments import Arguments
from creditd.cli.migration_checks import check, plan, standing_of
from creditd.cli.output import DONE, MISUSED, CommandFailure, say
from creditd.config import Config, configuration, require
from creditd.identity.storage.schema import IDENTITY
from creditd.storage.connections.conninfo import InvalidConninfo
from creditd.storage.connections.session import UnsuitableDatabase
from creditd.storage.migrations.phases import STILL_LIVE
from creditd.storage.migrations.schema_rules import LEDGER, SchemaRules
from creditd.storage.schema import Migrated, migrate, migration_sql, schema_head


def command(argv: Sequence[str]) -> int:
    """Migrate; safe to repeat, and to run beside servers of the version before."""
    parser = command_parser()
    arguments = parser.parsed(argv)
    if arguments.check and arguments.sql:
        parser.error("--sql goes with --plan, or stands alone")
    if arguments.sql and not arguments.plan:
        migration_sql(sys.stdout, IDENTITY if arguments.identity else LEDGER)
        return DONE
    config = configuration()
    if arguments.check or arguments.plan:
        return _looked_at(config, arguments)
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
    asking = parser.add_mutually_exclusive_group()
    asking.add_argument(
        "--check",
        action="store_true",
        help="say whether the schema fits this release; 1 if it does not, changes nothing",
    )
    asking.add_argument(
        "--plan", action="store_true", help="say what each outstanding migration does and locks; changes nothing"
    )
    parser.add_argument(
        "--sql",
        action="store_true",
        help="print the SQL of all migrations, which needs no database; with --plan that of the outstanding ones",
    )
    parser.add_argument("--identity", action="store_true", help="identity's own database, and no other")
    return parser


def _looked_at(config: Config, arguments: argparse.Namespace) -> int:
    """Check or plan each schema that a configuration names, and change nothing; the worst of their exit codes."""
    if arguments.identity:
        require(config, {"identity_database_url": "of a user who may read it"})
    else:
        require(config, {"database_url": "of a user who may read it"})
    found = DONE
    for schema, url, variable in (
        (LEDGER, "" if arguments.identity else config.database_url, "CREDITD_DATABASE_URL"),
        (IDENTITY, config.identity_database_url, "CREDITD_IDENTITY_DATABASE_URL"),
    ):
        if not url:
            continue
        with _failures_told(schema, variable):
            standing = standing_of(url, schema)
        if arguments.plan:
            plan(standing, schema, _whose(schema), with_sql=arguments.sql)
        else:
            found = max(found, check(standing, schema, _whose(schema)))
    return found


def _whose(schema: SchemaRules) -> str:
    return "identity's schema" if schema is IDENTITY else "the schema"


def _say_where(migrated: Migrated, schema: SchemaRules) -> int:
    newer = f", newer than this version's {schema_head(schema)}: nothing to do" if migrated.is_newer else ""
    say(f"{_whose(schema)} is at {migrated.revision}{newer}")
    if migrated.remark:
        say(migrated.remark)
    return DONE


def migrate_identity(config: Config) -> Migrated:
    """Migrate identity's database. Raises CommandFailure."""
    return bring_up_to_date(config.identity_database_url, IDENTITY, "CREDITD_IDENTITY_DATABASE_URL")


def bring_up_to_date(url: str, schema: SchemaRules = LEDGER, variable: str = "CREDITD_DATABASE_URL") -> Migrated:
    """Migrate a database, which ``variable`` names. Raises CommandFailure if it cannot, in PostgreSQL's own words."""
    with _failures_told(schema, variable):
        return migrate(url, schema)


@contextmanager
def _failures_told(schema: SchemaRules, variable: str) -> Iterator[None]:
    """Raise CommandFailure for what fails at the database that ``variable`` names."""
    try:
        yield
    except InvalidConninfo as error:
        raise CommandFailure(f"{variable} {error}", MISUSED) from error
    except UnsuitableDatabase as error:
        raise CommandFailure(f"{variable}: {error}", MISUSED) from error
    except SQLAlchemyError as error:
        cause = getattr(error, "orig", None) or error
        if isinstance(cause, psycopg.Error) and cause.sqlstate == STILL_LIVE:
            raise CommandFailure(f"the database cannot be migrated: {cause.diag.message_primary}") from error
        hint = ""
        if isinstance(cause, InsufficientPrivilege) and schema.role in str(error):
            hint = (
                f". Have a superuser run: CREATE ROLE {schema.role} NOLOGIN; (if it is not there) "
                f"GRANT {schema.role} TO the user that serves;"
            )
        raise CommandFailure(f"the database cannot be migrated: {str(cause).strip()}{hint}") from error
