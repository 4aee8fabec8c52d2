"""``creditd archive``: old entries are moved to compressed files; the files are verified, and read back.

`archive move` moves what is older than so many days: of each wallet's ledger the oldest part, once it is sealed and
added up as usage. `archive verify` holds every file against the chain of seals, the checkpoints and what was left in
the ledger, and ends with 1 if something does not hold. `archive restore` brings what was moved back into the ledger,
once it is proved to be what went. All can be interrupted at any point and begun again.
"""

import argparse
import fcntl
import os
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from sqlalchemy.exc import SQLAlchemyError

from creditd.cli.arguments import Arguments, one_of
from creditd.cli.layouts import require_plain
from creditd.cli.output import DONE, FAILED, MISUSED, CommandFailure, remark, say
from creditd.config import configuration, require
from creditd.ledger.archive.archive_proof import Unproved
from creditd.ledger.archive.archive_restoration import ArchiveRestoration
from creditd.ledger.archive.archive_verification import ArchiveVerification
from creditd.ledger.archive.archiver import LEAST_DAYS, Archiver, UsageInTheWay
from creditd.ledger.clock import DatabaseClock
from creditd.storage.archive.archive_acts import may_move
from creditd.storage.connections.conninfo import InvalidConninfo
from creditd.storage.database import Database, DatabaseSettings
from creditd.storage.failures import TookTooLong

TOLD_EVERY_SECONDS: Final = 1.0
"""Between lines of progress."""

NOT_ALLOWED: Final = "CREDITD_DATABASE_URL has to be of the owner of the tables, as for `creditd migrate`"

TOO_LONG: Final = "the database took longer over it than it may, or others held it; a later run tries again"

USAGE: Final = "usage is added up anew at this moment, or was not added up yet: a later run goes on"


def command(argv: Sequence[str]) -> int:
    """Move, verify, or restore."""
    parser = command_parser()
    arguments = parser.parsed(argv)
    if (arguments.what == "move") != (arguments.older_than is not None):
        parser.error("move needs --older-than DAYS, and the others take none")
    if arguments.dry_run and arguments.what != "move":
        parser.error("--dry-run is of move")
    if arguments.account and arguments.what == "verify":
        parser.error("verify looks at all files, whatever the --account")
    if not arguments.folder.is_dir():
        raise CommandFailure(f"{arguments.folder} is no folder", MISUSED)
    config = configuration()
    require(config, {"database_url": "of the owner of the tables"})
    require_plain(config)
    try:
        # As who logs in: the role that serves may delete nothing.
        database = Database(DatabaseSettings(config.database_url, "", pool_size=1))
    except InvalidConninfo as error:
        raise CommandFailure(f"CREDITD_DATABASE_URL {error}", MISUSED) from error
    try:
        if arguments.what == "verify":
            return _verify(database, arguments.folder)
        with _alone_in(arguments.folder):
            return _move(database, arguments) if arguments.what == "move" else _restore(database, arguments)
    except BrokenPipeError:
        raise
    except OSError as error:
        raise CommandFailure(f"{error.filename or arguments.folder}: {error.strerror}") from error
    except SQLAlchemyError as error:
        raise CommandFailure(f"the database cannot be used: {getattr(error, 'orig', None) or error}") from error
    finally:
        database.close()


def command_parser() -> Arguments:
    """Return the parser of the arguments."""
    parser = Arguments("archive", __doc__)
    parser.add_argument("what", type=one_of(("move", "verify", "restore")), metavar="move|verify|restore")
    parser.add_argument("--folder", required=True, type=Path, help="where the files are; it has to be there")
    parser.add_argument("--older-than", type=_days, metavar="DAYS", help=f"move: at least {LEAST_DAYS}")
    parser.add_argument("--account", metavar="ID", help="move, restore: of this account alone")
    parser.add_argument("--dry-run", action="store_true", help="move: say what would be moved, and move nothing")
    return parser


@contextmanager
def _alone_in(folder: Path) -> Iterator[None]:
    """Keep others from changing anything in a folder, for as long as the block or this process lasts."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield
    except BlockingIOError:
        message = f"another one is at work in {folder}"
        raise CommandFailure(message) from None
    finally:
        os.close(descriptor)


def _days(text: str) -> int:
    if not text.isdecimal() or int(text) < LEAST_DAYS:
        raise argparse.ArgumentTypeError(f"{text!r} is not at least {LEAST_DAYS}: requests are repeated for so long")
    return int(text)


def _clock_of_the_owner(database: Database) -> DatabaseClock:
    with database.autocommit() as connection:
        if not may_move(connection):
            raise CommandFailure(NOT_ALLOWED, MISUSED)
    clock = DatabaseClock()
    clock.look(database)
    return clock


def _move(database: Database, arguments: argparse.Namespace) -> int:
    archiver = Archiver(database, _clock_of_the_owner(database), arguments.folder, arguments.older_than)
    entries = removed = size = unfit = 0
    told = time.monotonic()
    for part in archiver.parts(arguments.account):
        entries += part.entries
        if arguments.dry_run:
            say(f"{part.file}: {part.entries} entries")
            continue
        try:
            moved = archiver.move(part)
        except Unproved as problem:
            say(f"{part.file}: left alone: {problem}")
            unfit += 1
            continue
        except TookTooLong:
            say(f"{part.file}: left alone: {TOO_LONG}")
            unfit += 1
            continue
        except UsageInTheWay:
            raise CommandFailure(USAGE) from None
        removed += moved.removed
        size += moved.size
        if time.monotonic() - told >= TOLD_EVERY_SECONDS:
            told = time.monotonic()
            remark(f"{entries} entries archived, up to {part.wallet.account_id}")
    if arguments.dry_run:
        say(f"{entries} entries would be archived")
    else:
        say(f"{entries} entries archived in {size} bytes, {removed} of them deleted; {unfit} parts left alone")
    return FAILED if unfit else DONE


def _verify(database: Database, folder: Path) -> int:
    verification = ArchiveVerification(database, folder)
    broken = 0
    for file, problem in verification.steps():
        say(f"{file}: {problem}")
        broken += 1
    say(f"{verification.checked} files with {verification.entries} entries checked, {broken} that do not hold")
    return FAILED if broken else DONE


def _restore(database: Database, arguments: argparse.Namespace) -> int:
    restoration = ArchiveRestoration(database, _clock_of_the_owner(database), arguments.folder)
    files = entries = unfit = 0
    told = time.monotonic()
    for wallet in restoration.wallets(arguments.account):
        try:
            for archive in restoration.restore(wallet):
                files += 1
                entries += archive.removed
                if time.monotonic() - told >= TOLD_EVERY_SECONDS:
                    told = time.monotonic()
                    remark(f"{entries} entries brought back, up to {wallet.account_id}")
        except Unproved as problem:
            say(f"{wallet.account_id} {wallet.credit_type}: left alone: {problem}")
            unfit += 1
    say(f"{entries} entries brought back from {files} files; {unfit} wallets left alone")
    return FAILED if unfit else DONE
