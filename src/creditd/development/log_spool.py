"""The write-ahead log of the embedded PostgreSQL, on its way to the folder of backups.

PostgreSQL may run under an account that reaches neither our Python nor the folder of backups. So it puts each file of
its log into a spool beside its data, and a thread of ours takes it from there, compressed and encrypted as configured.
"""

import logging
import shlex
import threading
from pathlib import Path
from typing import Final

from creditd.backup import log_archive
from creditd.backup.log_archive import OtherSegment
from creditd.backup.log_positions import is_log_file
from creditd.backup.manifest import BrokenBackup
from creditd.backup.postgres_account import Owner, give

log: Final = logging.getLogger(__name__)

LOOK_SECONDS: Final = 1.0

TIMEOUT_SECONDS: Final = 60
"""PostgreSQL hands over what it has written so long ago, though the file is not full: what a lost disk may cost."""


class LogSpool:
    """Takes what PostgreSQL puts into a folder. Used by whoever starts PostgreSQL."""

    def __init__(self, folder: Path, segments: Path, backups: Path, key: bytes | None) -> None:
        """Take from ``folder`` to ``backups``; ``segments`` is PostgreSQL's own folder of its log."""
        self.folder = folder
        self._segments = segments
        self._backups = backups
        self._key = key
        self._complained = ""
        self._is_over = threading.Event()
        self._thread = threading.Thread(target=self._take_on, name="log spool", daemon=True)

    @property
    def settings(self) -> dict[str, str]:
        """What PostgreSQL is to be started with."""
        place = shlex.quote(str(self.folder))
        # Under its name it is whole and on the disk. The same again is once.
        steps = (f'cp "%p" {place}/.%f', f"sync {place}/.%f", f"mv -f {place}/.%f {place}/%f", f"sync {place}")
        return {
            "archive_mode": "on",
            "archive_command": " && ".join(steps),
            "archive_timeout": str(TIMEOUT_SECONDS),
        }

    def prepare(self, owner: Owner | None) -> None:
        """Make the folder, for the account that PostgreSQL runs under."""
        self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        give(self.folder, owner)

    def start(self) -> None:
        """Begin to take."""
        self._thread.start()

    def close(self) -> None:
        """Take what is there, and no more."""
        self._is_over.set()
        self._thread.join()

    def _take_on(self) -> None:
        while not self._is_over.wait(LOOK_SECONDS):
            self.take()
        self.take()

    def take(self) -> None:
        """Take what is there, in order; what cannot be taken waits with all that comes after it."""
        if not self.folder.is_dir():
            return
        try:
            for file in sorted(self.folder.iterdir()):
                # PostgreSQL's account could put something else there.
                if is_log_file(file.name) and file.is_file() and not file.is_symlink():
                    log_archive.archive(file, self._backups, self._key, self._segments)
                    file.unlink()
            self._complained = ""
        except (OSError, ValueError, OtherSegment, BrokenBackup) as error:
            if str(error) != self._complained:
                self._complained = str(error)
                log.warning("PostgreSQL's log cannot be archived: %s", error)
