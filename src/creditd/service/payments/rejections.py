"""Rejected webhooks: security events, counted by the hour; their content is not kept."""

import asyncio
import logging
import time
from collections import Counter
from typing import Final

from creditd.domain.instant import SECOND, Instant
from creditd.domain.payments.provider import Provider
from creditd.domain.payments.rejected_webhooks import RejectedWebhooks
from creditd.ledger.clock import DatabaseClock
from creditd.payments.provider import InvalidWebhook
from creditd.service.payments.background import Background
from creditd.service.payments.providers import InThread
from creditd.storage.database import Database
from creditd.storage.payments import rejected_webhooks
from creditd.telemetry.statistics import PaymentStatistics

log = logging.getLogger(__name__)

HOUR: Final = 3_600 * SECOND

WRITE_SECONDS: Final = 0.5
"""Seconds between writes: a flood of forged webhooks costs two statements a second, not one each."""

LINE_SECONDS: Final = 1.0
"""Seconds between log lines for one reason: forged webhooks must not fill the disk."""

MAX_UNWRITTEN: Final = 1_000
"""Counts kept while the database cannot be reached: two days, for three providers and a handful of reasons."""

_UNPRINTABLE: Final = str.maketrans(dict.fromkeys(range(32), "?") | {127: "?"})

_Key = tuple[Provider, str, Instant]


class Rejections:
    """Counts rejected webhooks. Used on one event loop."""

    def __init__(
        self, database: Database, clock: DatabaseClock, in_thread: InThread, statistics: PaymentStatistics
    ) -> None:
        """Keep the counts in ``database``."""
        self._database = database
        self._clock = clock
        self._in_thread = in_thread
        self._statistics = statistics
        self._unwritten: dict[_Key, RejectedWebhooks] = {}
        self._writing: asyncio.Task[None] | None = None
        self._untold: Counter[tuple[str, str]] = Counter()
        self._next_line: dict[tuple[str, str], float] = {}
        self.background = Background(self._write_once, WRITE_SECONDS, "counting rejected webhooks")

    def count(self, provider: Provider, rejection: InvalidWebhook, remote_address: str) -> None:
        """Count a rejected webhook: in the metrics at once, in the log and the database soon after."""
        address = remote_address.translate(_UNPRINTABLE)
        name, reason = provider.name.lower(), rejection.reason
        self._statistics.rejected[name, reason] += 1
        self._log(name, reason, address)
        now = self._clock.now()
        self._keep(RejectedWebhooks(provider, reason, Instant(now - now % HOUR), 1, now, address))

    def _log(self, provider: str, reason: str, address: str) -> None:
        """Log a rejection with the count since the last line, at most once in LINE_SECONDS."""
        kind = provider, reason
        self._untold[kind] += 1
        if time.monotonic() < self._next_line.get(kind, 0.0):
            return
        rejections = self._untold.pop(kind)
        said = {"provider": provider, "reason": reason, "remote_address": address, "rejections": rejections}
        log.warning("a webhook of %s was rejected: %s", provider, reason, extra=said)
        self._next_line[kind] = time.monotonic() + LINE_SECONDS

    async def flush(self) -> None:
        """Write the remaining counts, to the log if the database does not take them."""
        # First the write under way, which may fail and leave its counts to be written.
        for _ in range(2):
            try:
                await self._write_once()
            except Exception as error:  # noqa: BLE001 - whatever it is, the process is to end in order.
                self.background.failures.note(error)
        for row in self._unwritten.values():
            _tell("could not be written", row)

    async def _write_once(self) -> None:
        """Write the counts; those that could not be written are kept for the next time."""
        if self._writing is None and self._unwritten:
            rows, self._unwritten = self._unwritten, {}
            self._writing = asyncio.create_task(self._written(rows))
        if self._writing is not None:
            # Cancelling the wait, at the end of the process, must not lose the counts.
            await asyncio.shield(self._writing)

    async def _written(self, rows: dict[_Key, RejectedWebhooks]) -> None:
        try:
            await self._in_thread(lambda: self._write(list(rows.values())))
        except BaseException:
            # Counts whose COMMIT got no answer are counted twice: better too many than too few.
            for row in rows.values():
                self._keep(row)
            raise
        finally:
            self._writing = None

    def _keep(self, row: RejectedWebhooks) -> None:
        """Add to the unwritten counts; if there are too many, the oldest are only logged."""
        key = row.provider, row.reason, row.hour
        known = self._unwritten.get(key)
        if known is not None:
            row = max(row, known, key=_last_time)._replace(rejections=row.rejections + known.rejections)
        self._unwritten[key] = row
        if len(self._unwritten) > MAX_UNWRITTEN:
            _tell("are too many to keep", self._unwritten.pop(min(self._unwritten, key=lambda known: known[2])))

    def _write(self, rows: list[RejectedWebhooks]) -> None:
        with self._database.transaction() as connection:
            for row in sorted(rows):
                rejected_webhooks.add(connection, row)


def _last_time(row: RejectedWebhooks) -> Instant:
    return row.last_time


def _tell(why: str, row: RejectedWebhooks) -> None:
    log.error(
        "counts of rejected webhooks %s",
        why,
        extra={"provider": row.provider.name.lower(), "reason": row.reason, "rejections": row.rejections},
    )
