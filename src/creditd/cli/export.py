"""``creditd export``: every account's balances, by source and expiry, in files that `creditd import` takes.

The folder gets parts of some ten megabytes, and manifest.json with counts, totals and checksums. An export that was
interrupted goes on where it was if it is begun again. Credits that reservations hold are in no row: the manifest has
their totals.
"""

from collections.abc import Sequence
from pathlib import Path

from creditd.bootstrap.core import rules_from
from creditd.cli.arguments import Arguments, one_of
from creditd.cli.output import DONE, MISUSED, CommandFailure, remark, say
from creditd.cli.progress import ProgressBar
from creditd.cli.transfer_database import OUT_OF_REACH, transfer_database
from creditd.config import configuration
from creditd.ledger.work import Overloaded
from creditd.service.transfer.account_export import AccountExport, ManifestRefused
from creditd.service.transfer.account_states import account_states
from creditd.service.transfer.import_file import FileFormat
from creditd.service.transfer.patience import TransferStopped


def command(argv: Sequence[str]) -> int:
    """Export."""
    arguments = command_parser().parsed(argv)
    if not arguments.folder.is_dir():
        raise CommandFailure(f"{arguments.folder} is no folder", MISUSED)
    config = configuration()
    try:
        export = AccountExport(arguments.folder, FileFormat(arguments.format))
    except ManifestRefused as error:
        raise CommandFailure(f"{arguments.folder}: {error}", MISUSED) from error
    if export.is_complete:
        raise CommandFailure(f"{arguments.folder} holds an export that is complete", MISUSED)
    bar = ProgressBar("accounts")
    with transfer_database(config) as (database, clock):
        try:
            found = account_states(database, clock, rules_from(config), export.last_account_id)
            for part in export.write(one.state for one in found):
                bar.advance(part.accounts)
        except TransferStopped:
            raise CommandFailure(OUT_OF_REACH) from None
        except Overloaded:
            raise CommandFailure("more has expired in an account than was written down yet: go on later") from None
        except OSError as error:
            raise CommandFailure(f"{error.filename or arguments.folder}: {error.strerror}") from error
    bar.end()
    accounts, rows = sum(part.accounts for part in export.parts), sum(part.rows for part in export.parts)
    say(f"{accounts} accounts in {rows} rows and {len(export.parts)} files")
    if export.held:
        remark(f"{export.held} credits are held by reservations and stand in no row")
    return DONE


def command_parser() -> Arguments:
    """Return the parser of the arguments."""
    parser = Arguments("export", __doc__)
    parser.add_argument("--folder", required=True, type=Path, help="where the files go; it has to be there")
    parser.add_argument("--format", type=one_of(("csv", "jsonl")), default="jsonl", metavar="csv|jsonl")
    return parser
