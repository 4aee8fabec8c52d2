"""Webhooks that are rejected: security events, counted by the hour; nothing of what they say is kept."""

import contextlib
import logging
from typing import Final

from creditd.domain.instant import SECOND, Instant
from creditd.domain.purchase import Provider
from creditd.ledger.clock import DatabaseClock
from creditd.ledger.work import DatabaseUnavailable, VersionConflict
from creditd.payments.provider import WebhookRejected
from creditd.service.purchases.background import Background
from creditd.service.purchases.providers import InThread
from creditd.service.purchases.statistics import PaymentStatistics
from creditd.storage import rejected_webhooks
from creditd.storage.database import Database
from creditd.storage.rejected_webhooks import Rejection

log = logging.getLogger(__name__)

HOUR: Final = 3_600 * SECOND

WRITE_SECONDS: Final = 0.5
"""Between two writes: a flood of forged webhooks costs the database two statements a second, not one each."""

_UNPRINTABLE: Final = str.maketrans(dict.fromkeys(range(32), "?") | {127: "?"})

_Key = tuple[Provider, str, Instant]


class Rejecting:
    """Counts rejected webhooks. Used on one event loop."""

    def __init__(
        self, database: Database, clock: DatabaseClock, in_thread: InThread, statistics: PaymentStatistics
    ) -> None:
        """Keep the counts in ``database``."""
        self._database = database
        self._clock = clock
        self._in_thread = in_thread
        self._statistics = statistics
        self._unwritten: dict[_Key, Rejection] = {}
        self.background = Background(self._write_once, WRITE_SECONDS, "counting rejected webhooks")

    def count(self, provider: Provider, rejection: WebhookRejected, remote_address: str) -> None:
        """Note that a webhook was rejected: in the log and the metrics now, in the database soon after."""
        address = remote_address.translate(_UNPRINTABLE)
        name, reason = provider.name.lower(), rejection.reason
        self._statistics.rejected[name, reason] += 1
        log.warning(
            "a webhook of %s was rejected: %s",
            name,
            reason,
            extra={"provider": name, "reason": reason, "remote_address": address},
        )
        now = self._clock.now()
        key = provider, reason, Instant(now - now % HOUR)
        known = self._unwritten.get(key)
        self._unwritten[key] = Rejection(*key, known.rejections + 1 if known else 1, now, address)

    async def flush(self) -> None:
        """Write what is not written yet; counts that cannot be written are lost, as they are when a process dies."""
        with contextlib.suppress(DatabaseUnavailable, VersionConflict):
            await self._write_once()

    async def _write_once(self) -> None:
        rows, self._unwritten = self._unwritten, {}
        if rows:
            await self._in_thread(lambda: self._write(list(rows.values())))

    def _write(self, rows: list[Rejection]) -> None:
        with self._database.transaction() as connection:
            for row in sorted(rows):
                rejected_webhooks.add(connection, row)
