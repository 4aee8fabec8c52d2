"""How much waits in the inbox, looked at from time to time for the metrics."""

from typing import Final

from creditd.domain.instant import SECOND
from creditd.ledger.clock import DatabaseClock
from creditd.service.payments.background import Background
from creditd.service.payments.providers import InThread
from creditd.storage import payment_events
from creditd.storage.database import Database
from creditd.storage.payment_events import Backlog
from creditd.telemetry.statistics import PaymentStatistics

LOOK_SECONDS: Final = 5.0
"""Between looks: as often as metrics are usually read."""


class BacklogWatch:
    """Looks at the inbox in the ``background``."""

    def __init__(
        self, database: Database, clock: DatabaseClock, in_thread: InThread, statistics: PaymentStatistics
    ) -> None:
        """Note in ``statistics`` what is seen."""
        self._database = database
        self._clock = clock
        self._in_thread = in_thread
        self._statistics = statistics
        self.background = Background(self._note, LOOK_SECONDS, "looking at the inbox")

    async def _note(self) -> None:
        pending, oldest, waiting, parked = await self._in_thread(self._look)
        waited = self._clock.now() - oldest if oldest is not None else 0
        self._statistics.pending, self._statistics.waiting, self._statistics.parked = pending, waiting, parked
        self._statistics.oldest_pending_seconds = max(0, waited) / SECOND

    def _look(self) -> Backlog:
        with self._database.autocommit() as connection:
            return payment_events.backlog(connection)
