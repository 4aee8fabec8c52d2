"""Bringing a backup back: proved first, then unpacked, then recovered as far as it is to go.

Nothing is written before all that will be read is proved. The data lie beside their target under another name until
PostgreSQL has recovered them and shut down in order; then they are there, or nothing is.
"""

import os
import pwd
import re
import shutil
import tarfile
import time
import zlib
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from creditd.backup import log_archive, manifest, postgres_programs
from creditd.backup.backup_folder import BackupFolder, started_of
from creditd.backup.log_archive import ArchivedFile
from creditd.backup.log_positions import segment_of
from creditd.backup.manifest import BrokenBackup, Manifest
from creditd.backup.postgres_account import Owner
from creditd.backup.private_server import DidNotStart, PrivateServer, running
from creditd.backup.sealed_streams import Unsealable
from creditd.backup.stored_files import flush_folder, opened, sha256_of

_RESTORING: Final = ".restoring"

_TOO_LATE: Final = re.compile(r"recovery ended before configured recovery target was reached")

_LAST: Final = re.compile(r"last completed transaction was at log time (\S+ \S+)")

_MIB: Final = 1 << 20


class CannotRestore(Exception):
    """What was asked for is not to be had; the message says why. Nothing was written that is left."""


@dataclass(frozen=True)
class Took:
    """A step that was done: what it was, what came of it, and how long it took."""

    step: str
    result: str
    seconds: float


Tell = Callable[[Took], object]


@dataclass(frozen=True)
class Choice:
    """What is to be restored: the newest backup unless it is named, as far as the log goes unless an instant is."""

    name: str = ""
    instant: datetime | None = None


class Restoration:
    """Restores one backup. ``with`` keeps it from being dropped meanwhile."""

    def __init__(
        self, folder: BackupFolder, key: bytes | None, choice: Choice, tell: Tell, programs: Path | None = None
    ) -> None:
        """Restore from ``folder``."""
        self._folder = folder
        self._key = key
        self._choice = choice
        self._tell = tell
        self._programs = programs
        self._log: list[ArchivedFile] = []

    @contextmanager
    def proved(self) -> Iterator[Manifest]:
        """Choose the backup, prove all that will be read of it, and keep it while the block lasts.

        Raises BrokenBackup, CannotRestore.
        """
        name = self._choice.name or self._chosen()
        with self._folder.kept(name):
            with self._step("checksums") as step:
                found = manifest.proved(self._folder.of(name) / manifest.NAME, self._key)
                if found.name != name:
                    raise BrokenBackup(f"{self._folder.of(name)}: it is the backup {found.name} by another name")
                for file in found.files:
                    _require_whole(self._folder.of(name) / file.name, file)
                self._log = log_archive.after(found, log_archive.folder_of(self._folder.path, found.system_identifier))
                for archived in self._log:
                    log_archive.require_whole(archived)
                size = sum(file.size for file in found.files) // _MIB
                step.result = f"backup {name}: {size} MiB, and {len(self._log)} files of the log, as they were written"
            yield found

    def _chosen(self) -> str:
        names = self._folder.names()
        if not names:
            message = f"there is no backup in {self._folder.path}"
            raise CannotRestore(message)
        instant = self._choice.instant
        if instant is None:
            return names[-1]
        unreadable = 0
        # What began after the instant cannot have ended by it, whatever its manifest says, or whether it says anything.
        for name in reversed([name for name in names if started_of(name) <= instant]):
            try:
                ended = self._folder.manifest(name).ended_at
            except BrokenBackup as error:
                # One that is older, with the log since, comes to the same.
                unreadable += 1
                self._tell(Took("left out", str(error), 0.0))
                continue
            if ended <= instant:
                return name
        besides = f", but for {unreadable} that cannot be read" if unreadable else ""
        message = f"no backup had ended by {instant}{besides}: the first began at {started_of(names[0])}"
        raise CannotRestore(message)

    def unpack(self, found: Manifest, target: Path, owner: Owner | None) -> None:
        """Write the data, and the log after them, into a folder that is empty. Raises BrokenBackup, OSError."""
        with self._step("unpacked") as step:
            (base,) = found.files
            path = self._folder.of(found.name) / base.name
            try:
                with (
                    opened(path, self._key, f"{found.name}/base.tar") as content,
                    tarfile.open(fileobj=content, mode="r|") as tar,
                ):
                    tar.extractall(target, filter="data")
            except (tarfile.TarError, zlib.error, EOFError, Unsealable) as error:
                raise BrokenBackup(f"{path}: {error}") from error
            for archived in self._log:
                log_archive.put(archived, target / "pg_wal", self._key)
            (target / "recovery.signal").touch(mode=0o600)
            _give_all(target, owner)
            files, size = _extent(target)
            step.result = f"{files} files, {size // _MIB} MiB"

    @contextmanager
    def recovered(
        self, found: Manifest, data: Path, owner: Owner | None, settings: Mapping[str, str]
    ) -> Iterator[PrivateServer]:
        """Recover what was unpacked, and give the server while the block lasts. Raises CannotRestore."""
        began = time.monotonic()
        program = postgres_programs.server(found.major, self._programs)
        try:
            with running(program, data, found.superuser, owner, {**self.target, **settings}) as server:
                up_to = f"to {self._choice.instant}" if self._choice.instant else "to the end of the log"
                self._tell(Took("recovered", f"PostgreSQL {found.major}, {up_to}", time.monotonic() - began))
                yield server
        except DidNotStart as error:
            raise CannotRestore(self._explained(str(error))) from error

    @property
    def target(self) -> dict[str, str]:
        """How far PostgreSQL is told to recover."""
        # The log lies where PostgreSQL looks once it was told that there is no more elsewhere.
        settings = {"restore_command": "exit 1", "recovery_target_timeline": "latest"}
        if self._choice.instant:
            settings["recovery_target_time"] = self._choice.instant.astimezone(UTC).isoformat()
            settings["recovery_target_action"] = "promote"
        return settings

    def _explained(self, said: str) -> str:
        if _TOO_LATE.search(said):
            last = _LAST.search(said)
            until = f"the last transaction in it is of {last[1]}" if last else "it has no transaction after the backup"
            return (
                f"the log ends before {self._choice.instant}: {until} UTC. Leave --to out for all that there is, or "
                "have the server archive what it has (SELECT pg_switch_wal())"
            )
        return f"PostgreSQL cannot recover the data: {said}"

    @contextmanager
    def _step(self, name: str) -> Iterator["_Step"]:
        step = _Step()
        began = time.monotonic()
        yield step
        self._tell(Took(name, step.result, time.monotonic() - began))


class _Step:
    result = ""


def restore(restoration: Restoration, target: Path, owner: Owner | None) -> Manifest:
    """Restore to a folder that is not there, or is empty; return what was restored.

    Raises CannotRestore, BrokenBackup, MissingProgram, NoAccount, OSError.
    """
    _require_free(target)
    with restoration.proved() as found:
        target.parent.mkdir(parents=True, exist_ok=True)
        fresh = target.with_name(f".{target.name}{_RESTORING}")
        shutil.rmtree(fresh, ignore_errors=True)
        fresh.mkdir(mode=0o700)
        try:
            restoration.unpack(found, fresh, owner)
            with restoration.recovered(found, fresh, owner, {}) as server:
                current = server.log_file()
            _leave_for_the_archive(fresh, found, current, owner)
            _require_free(target)
            fresh.replace(target)
            flush_folder(target.parent)
        finally:
            shutil.rmtree(fresh, ignore_errors=True)
    return found


def owner_for(target: Path, name: str = "") -> Owner | None:
    """Return whose the data become where we are root: who is named, who has the folder above, postgres, or nobody.

    Raises CannotRestore if there is no such user.
    """
    if os.geteuid() != 0:
        return None
    above = next(parent.stat() for parent in target.absolute().parents if parent.exists())
    if above.st_uid and not name:
        return Owner(above.st_uid, above.st_gid)
    for candidate in [name] if name else ["postgres", "nobody"]:
        try:
            found = pwd.getpwnam(candidate)
        except KeyError:
            continue
        return Owner(found.pw_uid, found.pw_gid)
    message = f"there is no user {name}"
    raise CannotRestore(message)


def _require_free(target: Path) -> None:
    if target.exists() and (not target.is_dir() or any(target.iterdir())):
        message = f"{target} is not empty: move it away first, nothing is overwritten"
        raise CannotRestore(message)


def _require_whole(path: Path, file: manifest.StoredFile) -> None:
    try:
        is_whole = path.stat().st_size == file.size and sha256_of(path) == file.sha256
    except OSError as error:
        raise BrokenBackup(f"{path}: {error.strerror}") from error
    if not is_whole:
        raise BrokenBackup(f"{path}: it is not what was written (SHA-256)")


def _give_all(target: Path, owner: Owner | None) -> None:
    if owner is None:
        return
    for folder, _, files in os.walk(target):
        os.chown(folder, *owner)
        for name in files:
            os.chown(Path(folder) / name, *owner, follow_symlinks=False)


def _extent(target: Path) -> tuple[int, int]:
    sizes = [file.lstat().st_size for file in target.rglob("*") if file.is_file()]
    return len(sizes), sum(sizes)


def _leave_for_the_archive(data: Path, found: Manifest, current: str, owner: Owner | None) -> None:
    """Have the server that will run on the data archive what recovery has written without it, up to ``current``.

    That is where its new timeline came from, above all: without it no later restore would find the timeline.
    """
    status = data / "pg_wal" / "archive_status"
    status.mkdir(mode=0o700, exist_ok=True)
    now = segment_of(current, found.segment_bytes)
    names = [f"{current[:8]}.history"]
    for file in (data / "pg_wal").iterdir():
        segment = segment_of(file.name, found.segment_bytes)
        if now and segment and segment.timeline == now.timeline and segment.number < now.number:
            names.append(file.name)
    for name in names:
        if (data / "pg_wal" / name).exists():
            (status / f"{name}.ready").touch(mode=0o600)
    _give_all(status, owner)
