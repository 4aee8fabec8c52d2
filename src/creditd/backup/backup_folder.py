"""The folder of backups: one folder each, which has its name once it is complete.

- 20261129T050102Z/: a backup, by the time it began; manifest.json says what is in it
- .20261129T050102Z.unfinished, .dropped: one that is being made or removed, or was when somebody stopped
- wal/SYSTEM/: the archived log of a database server, by its identifier; segments in folders of one log number each
- backup.lock: held by whoever makes a backup
- drill.json: when a drill last succeeded, and of which backup
"""

import fcntl
import os
import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Final, NamedTuple

import orjson

from creditd.backup import manifest
from creditd.backup.manifest import BrokenBackup, Manifest
from creditd.backup.retention import HeldBackup
from creditd.backup.stored_files import flush_folder

_NAME: Final = re.compile(r"\d{8}T\d{6}Z")
_TIME: Final = "%Y%m%dT%H%M%SZ"
_UNFINISHED: Final = ".unfinished"
_DROPPED: Final = ".dropped"

BUSY: Final = 75
"""How `creditd backup` ends when another one is at work: EX_TEMPFAIL of sysexits.h."""


def name_of(started: datetime) -> str:
    """Return the name of a backup that began then."""
    return started.astimezone(UTC).strftime(_TIME)


def started_of(name: str) -> datetime:
    """Return when a backup of that name began."""
    return datetime.strptime(name, _TIME).replace(tzinfo=UTC)


class AnotherAtWork(Exception):
    """Somebody else makes a backup at this moment."""


class LastSuccess(NamedTuple):
    """When a backup and a drill last succeeded, in seconds since the epoch; 0 for never."""

    backup: float
    drill: float


class BackupFolder:
    """The folder that backups are in. It has to be there."""

    def __init__(self, path: Path) -> None:
        self.path = path

    @contextmanager
    def alone(self) -> Iterator[None]:
        """Hold the folder for as long as the block or this process lasts. Raises AnotherAtWork."""
        with (self.path / "backup.lock").open("a") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                message = f"another one makes a backup in {self.path} at this moment"
                raise AnotherAtWork(message) from None
            yield

    def names(self) -> list[str]:
        """Return the names of all complete backups, the newest last."""
        return sorted(entry.name for entry in self.path.iterdir() if _NAME.fullmatch(entry.name) and entry.is_dir())

    def of(self, name: str) -> Path:
        """Return the folder of a backup."""
        return self.path / name

    def manifest(self, name: str) -> Manifest:
        """Return what a backup says of itself, without having it proved. Raises BrokenBackup."""
        return manifest.read(self.of(name) / manifest.NAME)

    def held(self) -> list[HeldBackup]:
        """Return what there is, the newest last. One is good if its manifest can be read and no file is short."""
        return [self._held(name) for name in self.names()]

    def _held(self, name: str) -> HeldBackup:
        try:
            found = self.manifest(name)
            is_good = all((self.of(name) / file.name).stat().st_size == file.size for file in found.files)
        except (BrokenBackup, OSError):
            return HeldBackup(name, started_of(name), is_good=False)
        return HeldBackup(name, found.ended_at, is_good)

    def begin(self, started: datetime) -> tuple[str, Path]:
        """Return the name of a backup that begins, and the folder to write it to. Call it with the folder held."""
        name = name_of(started)
        unfinished = self.path / f".{name}{_UNFINISHED}"
        unfinished.mkdir(mode=0o700)
        return name, unfinished

    def finish(self, name: str) -> None:
        """Have a backup be complete. All of its files are on the disk by now."""
        unfinished = self.path / f".{name}{_UNFINISHED}"
        flush_folder(unfinished)
        unfinished.rename(self.of(name))
        flush_folder(self.path)

    def clear_unfinished(self) -> list[str]:
        """Remove what interrupted runs have left; return the names. Call it with the folder held."""
        left = [entry for entry in self.path.iterdir() if entry.name.endswith((_UNFINISHED, _DROPPED))]
        for entry in left:
            shutil.rmtree(entry, ignore_errors=True)
        return [entry.name for entry in left]

    @contextmanager
    def kept(self, name: str) -> Iterator[None]:
        """Keep a backup from being dropped while the block lasts. Raises BrokenBackup if it is gone."""
        try:
            descriptor = os.open(self.of(name), os.O_RDONLY | os.O_DIRECTORY)
        except OSError as error:
            message = f"{self.of(name)}: there is no such backup"
            raise BrokenBackup(message) from error
        try:
            fcntl.flock(descriptor, fcntl.LOCK_SH)
            yield
        finally:
            os.close(descriptor)

    def drop(self, name: str) -> bool:
        """Remove a backup; tell whether that was done: not of one that somebody restores. Hold the folder."""
        descriptor = os.open(self.of(name), os.O_RDONLY | os.O_DIRECTORY)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            # Under its name it is all there, or not there at all.
            dropped = self.path / f".{name}{_DROPPED}"
            self.of(name).rename(dropped)
            shutil.rmtree(dropped, ignore_errors=True)
        except BlockingIOError:
            return False
        finally:
            os.close(descriptor)
        return True

    def note_drill(self, name: str, ended: datetime) -> None:
        """Note that a drill of a backup has succeeded."""
        fresh = self.path / f".drill.{os.getpid()}"
        fresh.write_bytes(orjson.dumps({"backup": name, "ended": ended.isoformat()}))
        fresh.replace(self.path / "drill.json")

    def last_success(self) -> LastSuccess:
        """Return when a backup and a drill last succeeded."""
        good = [backup.ended.timestamp() for backup in self.held() if backup.is_good]
        drill = 0.0
        with suppress(OSError, ValueError, KeyError, TypeError):
            noted = orjson.loads((self.path / "drill.json").read_bytes())
            drill = datetime.fromisoformat(noted["ended"]).timestamp()
        return LastSuccess(max(good, default=0.0), drill)
