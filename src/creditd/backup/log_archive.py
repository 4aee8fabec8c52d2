"""The archived log of one database server: what happened after a backup, a segment of 16 MB at a time.

PostgreSQL's ``archive_command`` hands a segment over, and keeps it until it was taken. Its file is named after it, with
the hash of what is stored: ``000000010000000000000003.<sha256>.gz``. So a file is whole or not there, and is proved by
itself.
"""

import struct
import zlib
from pathlib import Path
from typing import Final, NamedTuple

from creditd.backup.log_positions import LogSegment, is_history, is_log_file, segment_at, segment_name, segment_of
from creditd.backup.manifest import BrokenBackup, Manifest
from creditd.backup.sealed_streams import Unsealable
from creditd.backup.stored_files import CHUNK_BYTES, StoredWriter, flush_folder, opened, sha256_of, suffix

_LONG_HEADER: Final = struct.Struct("=HHIQI4xQ")
"""Of a segment's first page: magic, flags, timeline, address, remaining length, and the server's identifier."""

_LEFT: Final = ".taking"


class OtherSegment(Exception):
    """A segment of the same name with other content is archived already: two servers that were one archive here."""


class ArchivedFile(NamedTuple):
    """A file of the log: the name that PostgreSQL knows it by, and where it is stored."""

    name: str
    path: Path

    @property
    def sha256(self) -> str:
        """The hash of what has to be stored there."""
        return _stem(self.path.name).rpartition(".")[2]


def folder_of(backups: Path, system_identifier: str) -> Path:
    """Return where the log of a server is archived."""
    return backups / "wal" / system_identifier


def archive(segment: Path, backups: Path, key: bytes | None, segments: Path | None = None) -> None:
    """Take a file of the log, for good: it is on the disk when this returns. Again is once.

    ``segments`` is the folder that PostgreSQL has its log in, if the file is not there any more.

    Raises OSError, OtherSegment, ValueError for what is no file of the log.
    """
    if not is_log_file(segment.name):
        message = f"{segment} is no file of PostgreSQL's write-ahead log"
        raise ValueError(message)
    folder = folder_of(backups, _system_of(segment, segments or segment.parent))
    folder.mkdir(parents=True, exist_ok=True)
    content = segment.read_bytes()
    for archived in files(folder):
        if archived.name == segment.name:
            if _content(archived, key) != content:
                message = f"{segment.name} is archived in {folder} with other content"
                raise OtherSegment(message)
            return
    fresh = folder / f".{segment.name}{_LEFT}"
    fresh.unlink(missing_ok=True)
    writer = StoredWriter(fresh, key, _sealed_name(folder, segment.name))
    writer.write(content)
    writer.close()
    fresh.rename(folder / f"{segment.name}.{writer.sha256}{suffix(key)}")
    flush_folder(folder)


def _system_of(segment: Path, segments: Path) -> str:
    """Return the identifier of the server that a file of the log is of.

    A history or a label has none in it; those in the folder of segments have.
    """
    size = _LONG_HEADER.size
    candidates = [segment, *sorted(segments.glob("[0-9A-F]" * 24))]
    for candidate in candidates:
        if len(candidate.name) == len("0" * 24):
            with candidate.open("rb") as file:
                header = file.read(size)
            if len(header) == size and (identifier := _LONG_HEADER.unpack(header)[5]):
                return str(identifier)
    message = f"{segment} does not tell which server it is of"
    raise ValueError(message)


def files(folder: Path) -> list[ArchivedFile]:
    """Return all files of an archive, in the order of their names; none if there is no such folder."""
    if not folder.is_dir():
        return []
    found = (ArchivedFile(_stem(entry.name).rpartition(".")[0], entry) for entry in folder.iterdir())
    return sorted(file for file in found if is_log_file(file.name))


def _stem(stored: str) -> str:
    return stored.removesuffix(".sealed").removesuffix(".gz")


def after(found: Manifest, folder: Path) -> list[ArchivedFile]:
    """Return what a backup needs to go on from where it ends: histories, and segments without a gap.

    Raises BrokenBackup for a gap: beyond it nothing could be had, and nobody would notice.
    """
    first = segment_at(found.start_lsn, found.segment_bytes)
    archived = files(folder)
    segments = {file: segment for file in archived if (segment := segment_of(file.name, found.segment_bytes))}
    needed = {
        file: segment
        for file, segment in segments.items()
        if segment.number >= first and segment.timeline >= found.timeline
    }
    numbers = {segment.number for segment in needed.values()}
    # The backup has its own part of the log: what is archived has to follow from that.
    last_own = segment_at(found.end_lsn, found.segment_bytes)
    for number in range(last_own + 1, max(numbers, default=0)):
        if number not in numbers:
            name = segment_name(LogSegment(found.timeline, number), found.segment_bytes)
            raise BrokenBackup(f"{folder}: {name} is missing, though later ones are there")
    return [file for file in archived if file in needed or is_history(file.name)]


def require_whole(file: ArchivedFile) -> None:
    """Raise BrokenBackup if a file of the log is not what was stored."""
    try:
        is_whole = sha256_of(file.path) == file.sha256
    except OSError as error:
        raise BrokenBackup(f"{file.path}: {error.strerror}") from error
    if not is_whole:
        raise BrokenBackup(f"{file.path}: it is not what was archived (SHA-256)")


def put(file: ArchivedFile, target: Path, key: bytes | None) -> None:
    """Write a file of the log to where PostgreSQL finds it. Raises BrokenBackup, OSError."""
    try:
        with (
            opened(file.path, _key_of(file, key), _sealed_name(file.path.parent, file.name)) as content,
            (target / file.name).open("wb") as out,
        ):
            while data := content.read(CHUNK_BYTES):
                out.write(data)
    except (zlib.error, EOFError, Unsealable) as error:
        raise BrokenBackup(f"{file.path}: {error}") from error


def _content(file: ArchivedFile, key: bytes | None) -> bytes:
    with opened(file.path, _key_of(file, key), _sealed_name(file.path.parent, file.name)) as content:
        return content.read()


def _key_of(file: ArchivedFile, key: bytes | None) -> bytes | None:
    if not file.path.name.endswith(".sealed"):
        return None
    if key is None:
        raise BrokenBackup(f"{file.path}: it is encrypted, and no key is given")
    return key


def _sealed_name(folder: Path, name: str) -> str:
    return f"{folder.name}/{name}"


def forget_before(folder: Path, oldest: Manifest) -> int:
    """Remove the segments that no backup needs any more, given the oldest that is kept; return how many."""
    first = segment_at(oldest.start_lsn, oldest.segment_bytes)
    removed = 0
    for file in files(folder):
        segment = segment_of(file.name.split(".")[0], oldest.segment_bytes)
        if segment and segment.number < first:
            file.path.unlink(missing_ok=True)
            removed += 1
    return removed
