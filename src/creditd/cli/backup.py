"""``creditd backup``: a copy of the whole database server, to a folder; see docs/backup.md.

`creditd backup` makes one with pg_basebackup and drops what need not be kept: it keeps the last 10 of 30 days, and
never drops the last good one. `creditd backup list` shows what there is. `creditd backup log FILE` is for PostgreSQL's
archive_command: it takes a file of the write-ahead log, for restores to an instant.
"""

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import psycopg

from creditd.backup import log_archive, server_copy
from creditd.backup.backup_folder import BUSY, AnotherAtWork, BackupFolder
from creditd.backup.log_archive import OtherSegment
from creditd.backup.manifest import BrokenBackup
from creditd.backup.postgres_programs import MissingProgram
from creditd.backup.sealed_streams import InvalidBackupKey, Unsealable, read_key
from creditd.backup.server_copy import BackupFailed, Copied
from creditd.backup.server_facts import CannotBackUp
from creditd.cli.arguments import Arguments, one_of
from creditd.cli.layouts import require_plain
from creditd.cli.output import DONE, FAILED, MISUSED, CommandFailure, say
from creditd.cli.presentation import Presentation, add_output_arguments
from creditd.cli.progress import ProgressBar
from creditd.config import Config, configuration
from creditd.storage.connections.conninfo import InvalidConninfo, judged

_MIB: Final = 1 << 20

_WHERE: Final = "CREDITD_BACKUP_FOLDER, or --folder, has to name the folder of backups, which has to be there"

_WHOSE: Final = (
    "CREDITD_BACKUP_DATABASE_URL has to be of a user who may replicate (or CREDITD_DATABASE_URL, if that is one)"
)


def command(argv: Sequence[str]) -> int:
    """Make a backup, list what there is, or take a file of the log."""
    parser = command_parser()
    arguments = parser.parsed(argv)
    if (arguments.what == "log") != (arguments.file is not None):
        parser.error("log takes a FILE, and the others take none")
    config = configuration()
    require_plain(config)
    presentation = Presentation(arguments)
    folder, key = folder_of(arguments, config)
    try:
        if arguments.what == "log":
            return _take(arguments.file, folder, key)
        return _list(folder, presentation) if arguments.what == "list" else _make(config, arguments, folder, key)
    except BrokenPipeError:
        raise
    except OSError as error:
        raise CommandFailure(f"{error.filename or folder.path}: {error.strerror}") from error


def command_parser() -> Arguments:
    """Return the parser of the arguments."""
    parser = Arguments("backup", __doc__)
    parser.add_argument(
        "what", nargs="?", default="make", type=one_of(("make", "list", "log")), metavar="make|list|log"
    )
    parser.add_argument(
        "file", nargs="?", type=Path, metavar="FILE", help="log: the file, as PostgreSQL names it by %%p"
    )
    add_folder_arguments(parser)
    add_output_arguments(parser, "a table, or lines")
    return parser


def add_folder_arguments(parser: Arguments) -> None:
    """Add where backups are, and how they are read."""
    parser.add_argument("--folder", type=Path, help="of the backups (CREDITD_BACKUP_FOLDER); it has to be there")
    parser.add_argument("--key-file", type=Path, help="64 hexadecimal digits (CREDITD_BACKUP_KEY_FILE); else plain")
    parser.add_argument("--postgres-bin", type=Path, metavar="DIR", help="where PostgreSQL's programs are")


def folder_of(arguments: argparse.Namespace, config: Config) -> tuple[BackupFolder, bytes | None]:
    """Return the folder of backups and their key, if there is one. Raises CommandFailure."""
    path = arguments.folder or (Path(config.backup_folder) if config.backup_folder else None)
    if path is None or not path.is_dir():
        raise CommandFailure(f"{path} is no folder" if path else _WHERE, MISUSED)
    file = arguments.key_file or (Path(config.backup_key_file) if config.backup_key_file else None)
    try:
        return BackupFolder(path), read_key(file) if file else None
    except InvalidBackupKey as error:
        raise CommandFailure(str(error), MISUSED) from error


def _make(config: Config, arguments: argparse.Namespace, folder: BackupFolder, key: bytes | None) -> int:
    url = config.backup_database_url or config.database_url
    if not url:
        raise CommandFailure(_WHOSE, MISUSED)
    bar = ProgressBar("MiB")

    def show(copied: Copied) -> None:
        bar.show(copied.done // _MIB, (copied.total or 0) // _MIB)

    try:
        made = server_copy.make(judged(url), folder, key, show, arguments.postgres_bin)
    except InvalidConninfo as error:
        raise CommandFailure(f"CREDITD_BACKUP_DATABASE_URL {error}", MISUSED) from error
    except (MissingProgram, CannotBackUp) as error:
        raise CommandFailure(str(error), MISUSED) from error
    except AnotherAtWork as error:
        raise CommandFailure(str(error), BUSY) from error
    except BackupFailed as error:
        raise CommandFailure(str(error)) from error
    except psycopg.Error as error:
        raise CommandFailure(f"the database cannot be used: {str(error).strip()}") from error
    finally:
        bar.end()
    found = made.manifest
    sealed = f", encrypted with the key {found.key_id}" if found.encryption else ""
    say(f"backup {found.name}: {made.stored_bytes} bytes, up to {found.end_lsn} at {found.ended}{sealed}")
    for name in made.dropped:
        say(f"backup {name}: dropped")
    if made.segments_forgotten:
        say(f"{made.segments_forgotten} files of the log dropped, which no backup needs")
    return DONE


def _list(folder: BackupFolder, presentation: Presentation) -> int:
    rows: list[tuple[object, ...]] = []
    for held in folder.held():
        try:
            found = folder.manifest(held.name)
        except BrokenBackup as error:
            rows.append((held.name, held.ended.isoformat(), None, None, str(error)))
            continue
        log = len(log_archive.files(log_archive.folder_of(folder.path, found.system_identifier)))
        size = sum(file.size for file in found.files) // _MIB
        state = "complete" if held.is_good else "BROKEN: a file is missing or short"
        rows.append((held.name, found.ended, size, log, state + (" encrypted" if found.encryption else "")))
    presentation.rows(("backup", "ended", "MiB", "files of the log", "state"), rows)
    return DONE if all(held.is_good for held in folder.held()) else FAILED


def _take(file: Path, folder: BackupFolder, key: bytes | None) -> int:
    try:
        log_archive.archive(file, folder.path, key)
    except (OtherSegment, BrokenBackup, Unsealable, EOFError) as error:
        raise CommandFailure(str(error)) from error
    except ValueError as error:
        raise CommandFailure(str(error), MISUSED) from error
    return DONE
