"""The publisher: gives the events of the outbox their positions, after the commit of what they tell of (decision 0055).

Whoever holds the row that says how far it has come publishes, one server at a time, for one short transaction. Who dies
in it has published nothing, and the next one does. Nothing that writes events ever waits for it.
"""

import time
from typing import Final

from creditd.domain.instant import SECOND, Instant
from creditd.ledger.clock import DatabaseClock
from creditd.service.payments.background import Background
from creditd.service.payments.providers import InThread
from creditd.storage.database import Database
from creditd.storage.events import outbox, published_events
from creditd.telemetry.statistics import EventStatistics

PUBLISH_SECONDS: Final = 0.5
"""Seconds between looks of a server at the outbox; the default of a setting. With several servers events wait less."""

EVENTS_AT_A_TIME: Final = 500
"""Published by one transaction: some 20 ms, in which another server's look is turned away."""

RETENTION_DAYS: Final = 30
"""For who was away: a month, the default of a setting."""

PRUNED_AT_A_TIME: Final = 1_000
"""Removed by one statement, of some ten milliseconds."""

PRUNING_SECONDS: Final = 60.0
"""Seconds between looks for what is older; one that finds a thousand has the next follow at once."""


class EventPublisher:
    """Publishes in the ``background``, and removes what has been kept for long enough."""

    def __init__(
        self,
        database: Database,
        clock: DatabaseClock,
        in_thread: InThread,
        statistics: EventStatistics,
        interval_seconds: float = PUBLISH_SECONDS,
        retention_seconds: float = RETENTION_DAYS * 86_400,
    ) -> None:
        """Publish what is in ``database``, every ``interval_seconds``; keep it for ``retention_seconds`` at least."""
        self._database = database
        self._clock = clock
        self._in_thread = in_thread
        self._statistics = statistics
        self._retention = int(retention_seconds * SECOND)
        self._next_pruning = 0.0
        self.background = Background(self._round, interval_seconds, "publishing events")

    async def _round(self) -> None:
        if not self._clock.is_read:
            return
        while await self._in_thread(self.publish_once) == EVENTS_AT_A_TIME:
            pass
        if time.monotonic() >= self._next_pruning and await self._in_thread(self.prune_once) < PRUNED_AT_A_TIME:
            self._next_pruning = time.monotonic() + PRUNING_SECONDS

    def publish_once(self, count: int = EVENTS_AT_A_TIME) -> int:
        """Publish up to ``count`` events; return how many, 0 if another server publishes. Blocks."""
        now = self._clock.now()
        with self._database.transaction() as connection:
            oldest = outbox.oldest(connection)
            self._statistics.lag_seconds = max(0, now - oldest) / SECOND if oldest is not None else 0.0
            if oldest is None:
                return 0
            where = published_events.take_turn(connection)
            if where is None:
                return 0
            last = published_events.publish(connection, where.last, now, count)
        published = last - where.last
        self._statistics.published += published
        if published < count:
            # All that was waiting has left. Else the next look says how old the rest is.
            self._statistics.lag_seconds = 0.0
        return published

    def prune_once(self) -> int:
        """Remove a bounded number of events that were kept for long enough; return how many. Blocks."""
        before = Instant(self._clock.now() - self._retention)
        with self._database.transaction() as connection:
            where = published_events.take_turn(connection)
            if where is None:
                return 0
            return published_events.prune(connection, where, before, where.last, PRUNED_AT_A_TIME)
