"""``creditd rollup``: usage, added up from the ledger.

`rollup rebuild` adds all of it up anew, while servers serve from what there is, and then has them serve from what it
made. One that was interrupted goes on where it was, and ends if there was only something left to delete. It is needed
when CREDITD_USAGE_LABEL has changed, and after what was added up was damaged.
"""

import sys
import time
from collections.abc import Iterable, Sequence
from typing import Final

from sqlalchemy.exc import SQLAlchemyError

from creditd.cli.arguments import Arguments, one_of
from creditd.cli.layouts import require_plain
from creditd.cli.output import DONE, MISUSED, CommandFailure, remark, say
from creditd.cli.terminal import is_lively
from creditd.config import configuration, require
from creditd.ledger.clock import DatabaseClock
from creditd.service.usage.usage_rebuild import EntriesAreAway, Progress, UsageRebuild
from creditd.storage.connections.conninfo import InvalidConninfo
from creditd.storage.database import Database, DatabaseSettings

TOLD_EVERY_SECONDS: Final = 1.0
"""Between lines of progress."""


ARCHIVED: Final = (
    "entries are in the archive, which the rollup that is served has and another could not have: it is kept as it is"
)

DELETED: Final = (
    "what was served before the last rebuild is deleted, which that one had not come to; nothing else was left"
)


def command(argv: Sequence[str]) -> int:
    """Rebuild."""
    command_parser().parsed(argv)
    config = configuration()
    require(config, {"database_url": "of a user who may become the role that serves"})
    require_plain(config)
    try:
        database = Database(DatabaseSettings(config.database_url, config.database_role, pool_size=1))
    except InvalidConninfo as error:
        raise CommandFailure(f"CREDITD_DATABASE_URL {error}", MISUSED) from error
    try:
        return _rebuild(database, config.usage_label, config.search_label)
    except SQLAlchemyError as error:
        raise CommandFailure(f"the database cannot be used: {getattr(error, 'orig', None) or error}") from error
    finally:
        database.close()


def command_parser() -> Arguments:
    """Return the parser of the arguments."""
    parser = Arguments("rollup", __doc__)
    parser.add_argument("what", type=one_of(("rebuild",)), metavar="rebuild")
    return parser


def _rebuild(database: Database, label: str, search_label: str) -> int:
    clock = DatabaseClock()
    clock.look(database)
    rebuild = UsageRebuild(database, clock, label, search_label)
    started = time.monotonic()
    _tell_of(rebuild.left())
    if rebuild.is_done:
        say(DELETED)
        return DONE
    try:
        rebuild.begin()
    except EntriesAreAway:
        raise CommandFailure(ARCHIVED) from None
    _tell_of(rebuild.steps())
    seconds = time.monotonic() - started
    say(f"{rebuild.entries} entries added up in {seconds:.1f} s; servers answer from them now")
    return DONE


def _tell_of(steps: Iterable[Progress]) -> None:
    told = time.monotonic()
    for progress in steps:
        if time.monotonic() - told >= TOLD_EVERY_SECONDS:
            told = time.monotonic()
            _tell(str(progress))


def _tell(progress: str) -> None:
    """Say how far it is: in place on a terminal, else in a line each."""
    if is_lively(sys.stderr):
        sys.stderr.write(f"\r{progress}\033[K")
        sys.stderr.flush()
    else:
        remark(progress)
