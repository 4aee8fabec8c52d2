"""The feed of published events: read by position, and looked at once for all who wait for the next one."""

import asyncio
from typing import Final

from creditd.domain.events.event_errors import EventsRemoved, PositionAhead
from creditd.ledger.work import DatabaseUnavailable, Overloaded, ShuttingDown
from creditd.service.threads import Bulkhead
from creditd.storage.database import Database
from creditd.storage.events import published_events
from creditd.storage.events.published_events import EventLook, Positions, PublishedFilter
from creditd.telemetry.failures import Failures

LOOK_SECONDS: Final = 0.2
"""How long a published event waits for who waits for it: one look for all of them, and none while nobody waits."""

ROWS_AT_A_TIME: Final = 200
"""Looked at by one read, a few milliseconds: what a stream holds in memory, and all it has to itself of a thread."""

PASSING: Final = (DatabaseUnavailable, Overloaded, ShuttingDown)
"""What the next look may get past."""


class EventFeed:
    """Reads events for streams. A stream asks for the next ones once it has sent the last; nothing is queued for it."""

    def __init__(self, database: Database, in_thread: Bulkhead) -> None:
        """Begin to look, on the running event loop."""
        self._database = database
        self._in_thread = in_thread
        self._failures = Failures("a look for events", lambda error: isinstance(error, PASSING))
        self._last = 0
        self._published = asyncio.Event()
        self._readers = 0
        self._looking = asyncio.create_task(self._look_always(), name="looking for events")

    async def begin(self, after: int | None) -> int:
        """Return the position that a reader begins after: the one that it states, or None for what is published now.

        Raises EventsRemoved, PositionAhead.
        """
        where = await self._in_thread(self._positions)
        self._note(where.last)
        if after is None:
            return where.last
        _require_kept(after, where)
        _require_published(after, where)
        return after

    async def next(self, wanted: PublishedFilter, after: int) -> EventLook:
        """Return the next events after a position, possibly none. Raises EventsRemoved, PositionAhead."""
        look, where = await self._in_thread(lambda: self._next(wanted, after), owner=wanted.account_id)
        self._note(where.last)
        return look

    def _next(self, wanted: PublishedFilter, after: int) -> tuple[EventLook, Positions]:
        with self._database.autocommit() as connection:
            where = published_events.positions(connection)
            # Of a database that was restored meanwhile: what it publishes next would be passed over.
            _require_published(after, where)
            look = published_events.page(connection, wanted, after, where.last, rows=ROWS_AT_A_TIME)
            # Looked at last: what is not kept any more by now may be missing in the page.
            _require_kept(after, published_events.positions(connection))
        return look, where

    def _positions(self) -> Positions:
        with self._database.autocommit() as connection:
            return published_events.positions(connection)

    async def moved_from(self, position: int, seconds: float) -> bool:
        """Wait until another position than one's own is the last; return False if it still is after so many seconds.

        It is a lower one where the database was restored, and for a moment where looks overtake each other.
        """
        self._readers += 1
        try:
            async with asyncio.timeout(seconds):
                while self._last == position:
                    await self._published.wait()
        except TimeoutError:
            return False
        finally:
            self._readers -= 1
        return True

    def _note(self, last: int) -> None:
        """Take in what was read. It may be less than before, of a database that was restored, or read a moment ago."""
        is_another, self._last = last != self._last, last
        if is_another:
            self._published.set()
            self._published = asyncio.Event()

    async def close(self) -> None:
        """Look no more; the streams have ended."""
        self._looking.cancel()

    async def _look_always(self) -> None:
        while True:
            await asyncio.sleep(LOOK_SECONDS)
            if not self._readers:
                continue
            try:
                self._note((await self._in_thread(self._positions)).last)
            except Exception as error:  # noqa: BLE001 - the looks must outlive any failure; each is logged and counted.
                self._failures.note(error)
            else:
                self._failures.over()


def _require_kept(after: int, where: Positions) -> None:
    if after < where.removed:
        raise EventsRemoved(after_position=after, removed_position=where.removed)


def _require_published(after: int, where: Positions) -> None:
    if after > where.last:
        raise PositionAhead(after_position=after, last_position=where.last)
