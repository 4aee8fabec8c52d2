"""Keeps the book of access up to date: looks every second whether anything was changed, and loads all of it if so."""

import asyncio
import contextlib
import logging
import time
from typing import Final

from creditd.ledger.clock import DatabaseClock
from creditd.ledger.work import DatabaseUnavailable, Overloaded, ShuttingDown
from creditd.server.authorization.access_book import AccessBook
from creditd.service.threads import Threads
from creditd.storage.controls import access
from creditd.storage.database import Database
from creditd.telemetry.failures import Failures

log = logging.getLogger(__name__)

LOOK_SECONDS: Final = 1.0
"""Between two looks: one row by its key. A change has to be effective within five seconds, the end of streams too."""

LATE_SECONDS: Final = 5.0
"""Without a look that succeeded for so long, changes are not effective in time, and the log and a metric say so."""

TRUSTED_SECONDS: Final = 60.0
"""How long the book is believed without a look that succeeded. A database that fails over is away for half as long, and
answers nobody meanwhile; somebody whose role was taken away is not to keep it for longer because looks fail."""

PASSING: Final = (DatabaseUnavailable, Overloaded, ShuttingDown, TimeoutError)
"""What the next look may get past."""


class AccessPoller:
    """Looks, on the thread that health is asked on: no call ever waits there, so that none can hold a look up."""

    def __init__(self, book: AccessBook, database: Database, clock: DatabaseClock, threads: Threads) -> None:
        """Keep ``book`` by what ``database`` holds, as it is by ``clock``."""
        self.book = book
        self._database = database
        self._clock = clock
        self._threads = threads
        self._failures = Failures("a look at roles and service accounts", lambda error: isinstance(error, PASSING))
        self.looked_at = time.monotonic()
        """When the last look that succeeded began, on time.monotonic's clock."""
        self._is_late = False
        self._tasks: list[asyncio.Task[None]] = []
        self._loop: asyncio.AbstractEventLoop | None = None
        self._woken = asyncio.Event()

    def load(self) -> None:
        """Load what is stored if it is news. Blocks; on one thread at a time, and with one connection at a time."""
        # What is seen is as old as the look's beginning, however long it takes.
        looked_at = time.monotonic()
        with self._database.autocommit() as connection:
            version = access.version(connection)
        if version != self.book.version:
            with self._database.snapshot() as connection:
                self.book.replace(access.load(connection, self._clock.now()))
        self.looked_at = looked_at
        if not self.book.counts_raises:
            self.book.resume_raises()

    @property
    def age_seconds(self) -> float:
        """The seconds since the last look that succeeded."""
        return time.monotonic() - self.looked_at

    def start(self) -> None:
        """Look every second, on the running event loop. ``load`` was called before."""
        self._loop = asyncio.get_running_loop()
        self.looked_at = time.monotonic()
        self._tasks = [
            asyncio.create_task(self._look_always(), name="looks at access"),
            asyncio.create_task(self._watch_age(), name="age of access"),
        ]

    def wake(self) -> None:
        """Look at once. From any thread."""
        if self._loop is not None:
            with contextlib.suppress(RuntimeError):
                # The event loop may have ended before the thread that tells.
                self._loop.call_soon_threadsafe(self._woken.set)

    def close(self) -> None:
        """Look no more."""
        for task in self._tasks:
            task.cancel()

    async def _look_always(self) -> None:
        while True:
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._woken.wait(), LOOK_SECONDS)
            self._woken.clear()
            if self.book.version is None:
                # The start has not found a fit database yet, and goes on looking for one.
                continue
            try:
                await self._threads.health(self.load)
            except Exception as error:  # noqa: BLE001 - the looks must outlive any failure; each is logged and counted.
                self._failures.note(error)
            else:
                self._failures.over()

    async def _watch_age(self) -> None:
        """Notice by itself that looks are late: a look that hangs notices nothing."""
        while True:
            await asyncio.sleep(LOOK_SECONDS)
            self.judge_age()

    def judge_age(self) -> None:
        """Say so once when looks are late, and when they are not any more; stop raises when they are for too long."""
        if self.book.version is None:
            return
        age = self.age_seconds
        if (age > LATE_SECONDS) != self._is_late:
            self._is_late = not self._is_late
            if self._is_late:
                log.warning("changes of roles are not effective: the last look at them is %.0f s old", age)
            else:
                log.warning("changes of roles are effective again")
        if age > TRUSTED_SECONDS and self.book.counts_raises:
            log.error("stored roles and scopes do not count any more: the last look at them is %.0f s old", age)
            self.book.stop_raises()
