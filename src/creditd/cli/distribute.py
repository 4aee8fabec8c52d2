"""``creditd distribute``: a filled database of one PostgreSQL turned into one that Citus distributes by account.

Shows what is to be done; `--apply` does it, each step by itself, and may be repeated: what was interrupted goes on.
Servers are stopped before, and started with CREDITD_DATABASE_LAYOUT=citus afterwards.
"""

from collections.abc import Sequence
from contextlib import closing
from typing import Final

from sqlalchemy.exc import DBAPIError, SQLAlchemyError

from creditd.cli.arguments import Arguments
from creditd.cli.output import DONE, MISUSED, CommandFailure, say
from creditd.config import configuration, require
from creditd.storage.connections.conninfo import InvalidConninfo
from creditd.storage.connections.session import SessionRules, UnsuitableDatabase
from creditd.storage.connections.turns import Turn
from creditd.storage.database import Database, DatabaseSettings
from creditd.storage.distribution import DistributionStep, cluster_of, steps
from creditd.storage.schema import schema_head

LONGEST_STEP_SECONDS: Final = 7 * 86_400.0
"""Of one table: a week, which is to be no limit, and yet none that nobody would ever see the end of."""

NOTHING_LEFT: Final = "nothing is left to be done: the tables are distributed"

NO_WORKERS: Final = "the cluster has no workers yet: all pieces will be on the coordinator, until workers are added"


def command(argv: Sequence[str]) -> int:
    """Plan, or apply."""
    arguments = command_parser().parsed(argv)
    config = configuration()
    require(config, {"database_url": "of a superuser of the coordinator"})
    try:
        # Whoever logs in: the application's role may neither move tables nor alter roles. A table may take hours.
        rules = SessionRules("", None)
        database = Database(DatabaseSettings(config.database_url, "", pool_size=1), rules)
    except InvalidConninfo as error:
        raise CommandFailure(f"CREDITD_DATABASE_URL {error}", MISUSED) from error
    with closing(database):
        try:
            return _apply(database) if arguments.apply else _plan(database)
        except UnsuitableDatabase as error:
            raise CommandFailure(f"CREDITD_DATABASE_URL: {error}", MISUSED) from error
        except SQLAlchemyError as error:
            cause = error.orig if isinstance(error, DBAPIError) else error
            if isinstance(cause, UnsuitableDatabase):
                raise CommandFailure(f"CREDITD_DATABASE_URL: {cause}", MISUSED) from error
            raise CommandFailure(f"the database cannot be distributed: {str(cause).strip()}") from error


def command_parser() -> Arguments:
    """Return the parser of the arguments."""
    parser = Arguments("distribute", __doc__)
    parser.add_argument("--apply", action="store_true", help="do it, rather than show it")
    return parser


def _look(database: Database) -> list[DistributionStep]:
    """Return all steps, as far as the database is by now."""
    with database.autocommit() as connection:
        cluster = cluster_of(connection)
        revisions = database.revisions(connection)
        if list(revisions) != [schema_head()]:
            found = ", ".join(revisions) or "none"
            message = f"its schema is at {found} and has to be at {schema_head()} first: creditd migrate"
            raise UnsuitableDatabase(message)
        if not cluster.workers:
            say(NO_WORKERS)
        return list(steps(connection))


def _plan(database: Database) -> int:
    found = _look(database)
    for number, step in enumerate(found, 1):
        say(f"{number:3}  {'done' if step.is_done else 'to do'}  {step.name}\n            {step.statement}")
    left = sum(not step.is_done for step in found)
    say(f"{left} of {len(found)} steps are left: creditd distribute --apply" if left else NOTHING_LEFT)
    return DONE


def _apply(database: Database) -> int:
    left = [step for step in _look(database) if not step.is_done]
    for number, step in enumerate(left, 1):
        say(f"{number} of {len(left)}  {step.name}")
        # A statement and a transaction each: what was done stays, whatever becomes of the next.
        with Turn(LONGEST_STEP_SECONDS).taken(), database.transaction() as connection:
            connection.exec_driver_sql(step.statement)
    say(NOTHING_LEFT)
    return DONE
