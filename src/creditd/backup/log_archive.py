"""The archived log of one database server: what happened after a backup, a segment of 16 MB at a time.

PostgreSQL's ``archive_command`` hands a segment over, and keeps it until it was taken. Its file is named after it, with
the hash of what is stored: ``000000010000000000000003.<sha256>.gz``. So a file is whole or not there, and is proved by
itself.

Segments lie in folders of one log number each, named by the first 16 digits: 256 segments of 16 MB. So whoever hands
one over looks at no more than these, however many are archived.
"""

import struct
import zlib
from collections.abc import Iterator
from contextlib import suppress
from itertools import chain
from pathlib import Path
from typing import Final, NamedTuple

from creditd.backup.log_positions import LogSegment, is_history, is_log_file, segment_at, segment_name, segment_of
from creditd.backup.manifest import BrokenBackup, Manifest
from creditd.backup.sealed_streams import Unsealable
from creditd.backup.stored_files import CHUNK_BYTES, StoredWriter, flush_folder, opened, sha256_of, suffix

_LONG_HEADER: Final = struct.Struct("=HHIQI4xQ")
"""Of a segment's first page: magic, flags, timeline, address, remaining length, and the server's identifier."""

_LEFT: Final = ".taking"

_LOG_DIGITS: Final = 16
"""Of a segment's 24: the timeline and the number of the log, which 4 GB of it have in common."""


class OtherSegment(Exception):
    """A segment of the same name with other content is archived already: two servers that were one archive here."""


class ArchivedFile(NamedTuple):
    """A file of the log: the name that PostgreSQL knows it by, where it is stored, and of which server it is."""

    name: str
    path: Path
    system: str

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
    place = _place(folder, segment.name)
    if not place.is_dir():
        place.mkdir(parents=True, exist_ok=True)
        flush_folder(place.parent)
    content = segment.read_bytes()
    for archived in _files_in(place, folder.name):
        if archived.name == segment.name:
            if _content(archived, key) != content:
                message = f"{segment.name} is archived in {folder} with other content"
                raise OtherSegment(message)
            return
    fresh = place / f".{segment.name}{_LEFT}"
    fresh.unlink(missing_ok=True)
    writer = StoredWriter(fresh, key, _sealed_name(folder.name, segment.name))
    writer.write(content)
    writer.close()
    fresh.rename(place / f"{segment.name}.{writer.sha256}{suffix(key)}")
    flush_folder(place)


def _place(folder: Path, name: str) -> Path:
    """Return where a file of the log lies: a segment with its neighbours, a history, of which there are few, above."""
    return folder if is_history(name) else folder / name[:_LOG_DIGITS]


def _system_of(segment: Path, segments: Path) -> str:
    """Return the identifier of the server that a file of the log is of.

    A history or a label has none in it; those in the folder of segments have.
    """
    size = _LONG_HEADER.size
    for candidate in chain((segment,), segments.glob("[0-9A-F]" * 24)):
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
    places = [folder, *(entry for entry in folder.iterdir() if len(entry.name) == _LOG_DIGITS and entry.is_dir())]
    return sorted(file for place in places for file in _files_in(place, folder.name))


def _files_in(place: Path, system: str) -> Iterator[ArchivedFile]:
    for entry in place.iterdir():
        name = _stem(entry.name).rpartition(".")[0]
        if is_log_file(name):
            yield ArchivedFile(name, entry, system)


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
            opened(file.path, _key_of(file, key), _sealed_name(file.system, file.name)) as content,
            (target / file.name).open("wb") as out,
        ):
            while data := content.read(CHUNK_BYTES):
                out.write(data)
    except (zlib.error, EOFError, Unsealable) as error:
        raise BrokenBackup(f"{file.path}: {error}") from error


def _content(file: ArchivedFile, key: bytes | None) -> bytes:
    with opened(file.path, _key_of(file, key), _sealed_name(file.system, file.name)) as content:
        return content.read()


def _key_of(file: ArchivedFile, key: bytes | None) -> bytes | None:
    if not file.path.name.endswith(".sealed"):
        return None
    if key is None:
        raise BrokenBackup(f"{file.path}: it is encrypted, and no key is given")
    return key


def _sealed_name(system: str, name: str) -> str:
    return f"{system}/{name}"


def forget_before(folder: Path, oldest: Manifest) -> int:
    """Remove the segments that no backup needs any more, given the oldest that is kept; return how many."""
    first = segment_at(oldest.start_lsn, oldest.segment_bytes)
    removed = 0
    for file in files(folder):
        segment = segment_of(file.name.split(".")[0], oldest.segment_bytes)
        if segment and segment.number < first:
            file.path.unlink(missing_ok=True)
            removed += 1
            if file.path.parent != folder:
                with suppress(OSError):
                    # It fails for one that others are in.
                    file.path.parent.rmdir()
    return removed
