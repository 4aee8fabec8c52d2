"""``creditd drill``: a backup restored to a scratch place, started there for nobody else, and proved.

It adds up every entry and compares the balances, verifies the audit chain, says what was proved and how long each step
took, and leaves nothing. Ends with 0 if all of it holds, and with 1 if not: have it run each week, and be told.
"""

import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

import psycopg
from sqlalchemy.exc import SQLAlchemyError

from creditd.backup.drill import Drill, NotProved
from creditd.backup.manifest import BrokenBackup
from creditd.backup.postgres_account import NoAccount
from creditd.backup.postgres_programs import MissingProgram
from creditd.backup.restoration import CannotRestore, Restoration
from creditd.cli.arguments import Arguments
from creditd.cli.backup import add_folder_arguments, folder_of
from creditd.cli.output import DONE, MISUSED, CommandFailure, say
from creditd.cli.restore import add_choice_arguments, choice_of, tell
from creditd.config import configuration


def command(argv: Sequence[str]) -> int:
    """Drill."""
    arguments = command_parser().parsed(argv)
    folder, key = folder_of(arguments, configuration())
    began = time.monotonic()
    restoration = Restoration(folder, key, choice_of(arguments), tell, arguments.postgres_bin)
    try:
        found = Drill(folder, restoration, tell).run(arguments.scratch)
    except (BrokenBackup, CannotRestore, NotProved) as error:
        raise CommandFailure(f"FAILED: {error}") from error
    except (MissingProgram, NoAccount) as error:
        raise CommandFailure(str(error), MISUSED) from error
    except BrokenPipeError:
        raise
    except OSError as error:
        raise CommandFailure(f"{error.filename or arguments.scratch}: {error.strerror}") from error
    except (SQLAlchemyError, psycopg.Error) as error:
        raise CommandFailure(f"FAILED: what was restored cannot be read: {error}") from error
    say(f"PASSED in {time.monotonic() - began:.1f} s: backup {found.name} can be restored, and its ledger holds")
    return DONE


def command_parser() -> Arguments:
    """Return the parser of the arguments."""
    parser = Arguments("drill", __doc__)
    add_folder_arguments(parser)
    add_choice_arguments(parser)
    parser.add_argument(
        "--scratch",
        type=Path,
        default=Path(tempfile.gettempdir()),
        help="with room for all data (the folder for temporary files)",
    )
    return parser
