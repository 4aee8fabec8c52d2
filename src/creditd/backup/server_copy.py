"""Making a backup: PostgreSQL's own base backup, compressed, encrypted and hashed on its way to the disk.

``pg_basebackup`` writes one tar of all data and of the log that makes them consistent. It lies under another name until
it is complete, with its manifest, on the disk; so whatever is under a backup's name can be restored from.
"""

import subprocess
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import IO, Final, NamedTuple

import psycopg

from creditd import __version__
from creditd.backup import log_archive, manifest, postgres_programs, server_facts
from creditd.backup.backup_folder import BackupFolder, name_of
from creditd.backup.log_positions import position
from creditd.backup.manifest import BrokenBackup, Manifest, StoredFile, encrypted_with
from creditd.backup.postgres_account import environment
from creditd.backup.retention import to_drop
from creditd.backup.server_facts import Moment, ServerFacts
from creditd.backup.stored_files import CHUNK_BYTES, StoredWriter, suffix

BASE: Final = "base.tar"

_SAID_BYTES: Final = 2_000
"""Of what a program that failed has said, the end."""


class BackupFailed(Exception):
    """A backup could not be made; the message says why. Nothing of it counts."""


class Copied(NamedTuple):
    """How much was copied, and how much there is about, in bytes; None if that is not known."""

    done: int
    total: int | None


class MadeBackup(NamedTuple):
    """A backup that was made: what it says of itself, how large it is, and what was dropped for it."""

    manifest: Manifest
    stored_bytes: int
    dropped: tuple[str, ...]
    segments_forgotten: int


Tell = Callable[[Copied], object]


def make(
    url: str, folder: BackupFolder, key: bytes | None, tell: Tell = lambda _: None, programs: Path | None = None
) -> MadeBackup:
    """Make a backup, and drop what need not be kept any more; ``tell`` is called for each MiB that was copied.

    Raises AnotherAtWork, CannotBackUp, MissingProgram, BackupFailed, psycopg.Error, OSError.
    """
    with folder.alone(), server_facts.connected(url) as connection:
        folder.clear_unfinished()
        facts = server_facts.facts_of(connection)
        program = postgres_programs.client("pg_basebackup", facts.major, programs)
        server_facts.keep_log(connection)
        began = server_facts.moment(connection)
        name, unfinished = folder.begin(began.time)
        if name in folder.names():
            message = f"there is a backup {name} already: try again in a second"
            raise BackupFailed(message)
        stored = _store(program, url, unfinished / f"{BASE}{suffix(key)}", key, name, _Progress(tell, facts.size))
        ended = server_facts.moment(connection)
        made = encrypted_with(_manifest(facts, connection, began, ended, stored), key)
        manifest.write(unfinished / manifest.NAME, made, key)
        folder.finish(name)
        dropped = tuple(name for name in sorted(to_drop(folder.held(), ended.time)) if folder.drop(name))
        return MadeBackup(made, stored.size, dropped, _forget_log(folder, made))


class _Progress:
    """Counts what is copied, and tells of it."""

    def __init__(self, tell: Tell, total: int | None) -> None:
        self._tell = tell
        self._total = total
        self._done = 0

    def add(self, size: int) -> None:
        """Count these bytes."""
        self._done += size
        self._tell(Copied(self._done, self._total))


def _store(program: Path, url: str, path: Path, key: bytes | None, name: str, progress: _Progress) -> StoredFile:
    place, hidden = server_facts.without_password(url)
    command = [
        str(program),
        "--pgdata=-",
        "--format=tar",
        # The log is in the same tar; the server keeps it for us until then.
        "--wal-method=fetch",
        "--checkpoint=fast",
        "--manifest-checksums=SHA256",
        "--no-password",
        f"--label=creditd {name}",
        f"--dbname={place}",
    ]
    writer = StoredWriter(path, key, f"{name}/{BASE}")
    with tempfile.TemporaryFile() as said:
        process = subprocess.Popen(  # noqa: S603 - the program is PostgreSQL's, and its arguments are our own.
            command, env={**environment(), **hidden}, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=said
        )
        try:
            _pump(process.stdout, writer, progress)
            if process.wait() != 0:
                raise BackupFailed(f"{program.name} failed: {_end_of(said)}")
            writer.close()
        finally:
            writer.abandon()
            if process.poll() is None:
                process.kill()
                process.wait()
            if process.stdout:
                process.stdout.close()
    return StoredFile(path.name, writer.size, writer.sha256)


def _pump(source: IO[bytes] | None, writer: StoredWriter, progress: _Progress) -> None:
    while source and (data := source.read(CHUNK_BYTES)):
        writer.write(data)
        progress.add(len(data))


def _end_of(said: IO[bytes]) -> str:
    said.seek(0)
    return said.read()[-_SAID_BYTES:].decode(errors="replace").strip()


def _manifest(
    facts: ServerFacts, connection: psycopg.Connection, began: Moment, ended: Moment, stored: StoredFile
) -> Manifest:
    return Manifest(
        name=name_of(began.time),
        started=began.time.isoformat(),
        ended=ended.time.isoformat(),
        creditd_version=__version__,
        server_version=facts.version,
        system_identifier=facts.system_identifier,
        superuser=facts.superuser,
        timeline=facts.timeline,
        segment_bytes=facts.segment_bytes,
        start_lsn=began.lsn,
        end_lsn=ended.lsn,
        databases=facts.databases,
        revisions={connection.info.dbname: server_facts.revision_of(connection)},
        ledger_head=server_facts.head_of(connection),
        encryption="",
        key_id="",
        files=(stored,),
    )


def _forget_log(folder: BackupFolder, made: Manifest) -> int:
    """Remove what no backup of the same server needs; return how many files. What cannot be read needs all."""
    try:
        kept = [folder.manifest(name) for name in folder.names()]
    except BrokenBackup:
        return 0
    of_this = [each for each in kept if each.system_identifier == made.system_identifier]
    oldest = min(of_this, key=lambda each: position(each.start_lsn))
    return log_archive.forget_before(log_archive.folder_of(folder.path, made.system_identifier), oldest)
