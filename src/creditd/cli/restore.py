"""``creditd restore``: a backup brought back to an empty folder, as far as the archived log goes or to an instant.

All that is read is proved first; then the data are unpacked beside their place, recovered by PostgreSQL, and moved.
Start the server on them, and then have done anew what was lost: see docs/backup.md.
"""

import argparse
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

from creditd.backup.manifest import BrokenBackup
from creditd.backup.postgres_account import NoAccount
from creditd.backup.postgres_programs import MissingProgram
from creditd.backup.restoration import CannotRestore, Choice, Restoration, Took, owner_for, restore
from creditd.cli.arguments import Arguments
from creditd.cli.backup import add_folder_arguments, folder_of
from creditd.cli.output import DONE, MISUSED, CommandFailure, say
from creditd.config import configuration


def command(argv: Sequence[str]) -> int:
    """Restore."""
    arguments = command_parser().parsed(argv)
    folder, key = folder_of(arguments, configuration())
    target = arguments.target.absolute()
    restoration = Restoration(folder, key, choice_of(arguments), tell, arguments.postgres_bin)
    try:
        found = restore(restoration, target, owner_for(target, arguments.owner))
    except (BrokenBackup, CannotRestore) as error:
        raise CommandFailure(str(error)) from error
    except (MissingProgram, NoAccount) as error:
        raise CommandFailure(str(error), MISUSED) from error
    except BrokenPipeError:
        raise
    except OSError as error:
        raise CommandFailure(f"{error.filename or target}: {error.strerror}") from error
    say(f"restored to {target}: backup {found.name} of PostgreSQL {found.major}. Start it, then see docs/backup.md")
    return DONE


def command_parser() -> Arguments:
    """Return the parser of the arguments."""
    parser = Arguments("restore", __doc__)
    add_folder_arguments(parser)
    add_choice_arguments(parser)
    parser.add_argument(
        "--target",
        type=Path,
        required=True,
        metavar="DIR",
        help="PostgreSQL's data folder, not there or empty; of `creditd run`: CREDITD_DATA_DIR/postgres/cluster",
    )
    parser.add_argument("--owner", default="", metavar="USER", help="as root: whose the data become")
    return parser


def add_choice_arguments(parser: Arguments) -> None:
    """Add which backup, and to which instant."""
    parser.add_argument("--backup", default="", metavar="NAME", help="else the newest, or the one that --to needs")
    parser.add_argument(
        "--to", type=instant, metavar="TIME", help="such as 2026-11-29T09:30:00Z; else as far as the log goes"
    )


def choice_of(arguments: argparse.Namespace) -> Choice:
    """Return what was chosen."""
    return Choice(arguments.backup, arguments.to)


def tell(took: Took) -> None:
    """Say that a step was done."""
    say(f"{took.step:15} {took.seconds:8.2f} s  {took.result}")


def instant(text: str) -> datetime:
    """Read a time; without a zone it is UTC."""
    try:
        time = datetime.fromisoformat(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(f"{text!r} is no time such as 2026-11-29 or 2026-11-29T09:30:00Z") from error
    return time if time.tzinfo else time.replace(tzinfo=UTC)
