"""Backups that the service makes by itself: a process of their own, once the newest is old enough.

The process is `creditd backup`, with little claim on the processor: what serves shares neither interpreter nor
transaction with it. Of several servers one makes it, since they hold a lock of the database; the others look again.
"""

import asyncio
import logging
import os
import sys
import threading
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Final

from creditd.backup.backup_folder import BUSY, BackupFolder, LastSuccess
from creditd.config import Config, variable
from creditd.telemetry.statistics import BackupStatistics

log: Final = logging.getLogger(__name__)

LOOK_SECONDS: Final = 30.0
"""Between two looks at the folder, for the metrics, and whether a backup is due."""

ANSWER_SECONDS: Final = 20.0
"""For one look. A folder of a network that hangs answers none; then no other look begins until that one has ended."""

AGAIN_SECONDS: Final = 600.0
"""After one that failed: what is wrong mostly lasts for a while, and a base backup is no small thing to try."""

NICENESS: Final = 10

_SAID_BYTES: Final = 2_000

HOUR_SECONDS: Final = 3_600.0


class ScheduledBackups:
    """Looks at the folder of backups, and has one made when it is due. Lives on one event loop."""

    def __init__(self, config: Config, seconds: Callable[[], float]) -> None:
        """Look into the configured folder; ``seconds`` tells the time since the epoch."""
        self.statistics = BackupStatistics()
        self._config = config
        self._seconds = seconds
        self._folder = BackupFolder(Path(config.backup_folder))
        self._not_before = 0.0
        self._task: asyncio.Task[None] | None = None
        self._looking: asyncio.Future[LastSuccess] | None = None

    def start(self) -> None:
        """Begin to look."""
        self._task = asyncio.create_task(self._look_on(), name="backups")

    async def close(self) -> None:
        """Look no more, and end a backup that is being made: it does not count, and the next one clears it up."""
        if self._task:
            self._task.cancel()
            with suppress(asyncio.CancelledError):
                await self._task

    async def _look_on(self) -> None:
        while True:
            try:
                await self._look()
            except OSError as error:
                log.warning("the folder of backups cannot be used: %s", error)
                self.statistics.failures += 1
            await asyncio.sleep(LOOK_SECONDS)

    async def _look(self) -> None:
        last = await self._last()
        now = self._seconds()
        if now >= self._not_before and is_due(last.backup, now, self._config.backup_hours):
            if not await self._make():
                self._not_before = self._seconds() + AGAIN_SECONDS
            await self._last()

    async def _last(self) -> LastSuccess:
        """Look at the folder. Raises OSError, which TimeoutError is one of."""
        if self._looking is None:
            self._looking = _on_a_thread_of_its_own(self._folder.last_success)
        done, _ = await asyncio.wait((self._looking,), timeout=ANSWER_SECONDS)
        if not done:
            message = f"{self._folder.path} has not answered for {ANSWER_SECONDS:.0f} seconds"
            raise TimeoutError(message)
        looking, self._looking = self._looking, None
        self.statistics.last_backup, self.statistics.last_drill = last = looking.result()
        return last

    async def _make(self) -> bool:
        """Make a backup, and tell whether that was done, here or elsewhere."""
        command = (sys.executable, "-m", "creditd.cli", "backup")
        output = asyncio.subprocess.PIPE
        environment = environment_of(self._config, os.environ)
        process = await asyncio.create_subprocess_exec(*command, env=environment, stdout=output, stderr=output)
        try:
            with suppress(OSError):
                os.setpriority(os.PRIO_PROCESS, process.pid, NICENESS)
            said, complained = await process.communicate()
        except asyncio.CancelledError:
            with suppress(ProcessLookupError):
                process.terminate()
            await process.wait()
            raise
        if process.returncode == 0:
            log.info("a backup was made: %s", _end_of(said))
        elif process.returncode != BUSY:
            self.statistics.failures += 1
            log.error("no backup could be made: %s", _end_of(complained))
        return process.returncode in {0, BUSY}


def _on_a_thread_of_its_own(look: Callable[[], LastSuccess]) -> "asyncio.Future[LastSuccess]":
    """Have a thread look that nobody else needs, and that nobody waits for at the end of the process."""
    loop = asyncio.get_running_loop()
    answer: asyncio.Future[LastSuccess] = loop.create_future()

    def tell(found: LastSuccess | None, error: Exception | None) -> None:
        if answer.cancelled():
            return
        if found is not None:
            answer.set_result(found)
        elif error is not None:
            answer.set_exception(error)

    def run() -> None:
        found, failure = None, None
        try:
            found = look()
        except Exception as error:  # noqa: BLE001 - whoever waits for the answer has to hear of it.
            failure = error
        with suppress(RuntimeError):
            # The loop may be closed by the time that a folder answers.
            loop.call_soon_threadsafe(tell, found, failure)

    threading.Thread(target=run, name="backups-folder", daemon=True).start()
    return answer


def is_due(last: float, now: float, hours: float) -> bool:
    """Tell whether another backup is to be made, given when the last good one ended, in seconds; 0 hours for never."""
    return hours > 0 and now - last >= hours * HOUR_SECONDS


def environment_of(config: Config, ours: Mapping[str, str]) -> dict[str, str]:
    """Return the environment of a backup: ours, with the settings of a configuration that it needs."""
    told = {
        "backup_folder": config.backup_folder,
        "backup_key_file": config.backup_key_file,
        "backup_database_url": config.backup_database_url or config.database_url,
    }
    variables = {variable(name): value for name, value in told.items() if value}
    # A secret's file goes by another name, and only one of the two may be set.
    return {name: value for name, value in ours.items() if name.removesuffix("_FILE") not in variables} | variables


def _end_of(said: bytes) -> str:
    return said[-_SAID_BYTES:].decode(errors="replace").strip()
