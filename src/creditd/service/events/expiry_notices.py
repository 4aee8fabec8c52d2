"""Notices of grants that expire soon: once each, a configured time ahead (requirement H6).

They are given in the order in which grants expire, from the place that the last notice has come to. Nothing is noted
with a grant, so that spending costs no more. A grant is told of if it was made earlier than that time ahead: one that
is given for a day is not about to expire when it comes.
"""

from collections.abc import Callable
from typing import Final
from uuid import UUID

from creditd.domain.events.outbox import OutboxEvent, OutboxKind, expiring
from creditd.domain.instant import SECOND, Instant
from creditd.ledger.clock import DatabaseClock
from creditd.service.payments.background import Background
from creditd.service.payments.providers import InThread
from creditd.storage.database import Database
from creditd.storage.events import expiry_notices, outbox
from creditd.storage.events.expiry_notices import ExpiringGrant

LOOK_SECONDS: Final = 5.0
"""Seconds between looks: a notice is given days ahead."""

NOTICE_SECONDS: Final = 3 * 86_400
"""How long ahead; the default of a setting."""

HORIZON: Final = 300 * SECOND
"""How long a grant may be committed after it was made. No transaction lasts so long, whatever happens to its server; so
no grant appears at a place that the notices have passed."""

GRANTS_AT_A_TIME: Final = 500
"""Of one round, some 20 ms."""


class ExpiryNotices:
    """Gives notice in the ``background``."""

    def __init__(
        self,
        database: Database,
        clock: DatabaseClock,
        make_id: Callable[[], str],
        in_thread: InThread,
        notice_seconds: float = NOTICE_SECONDS,
    ) -> None:
        """Tell of the grants of ``database``, ``notice_seconds`` ahead and at most ``HORIZON`` later."""
        self._database = database
        self._clock = clock
        self._make_id = make_id
        self._in_thread = in_thread
        self._ahead = int(notice_seconds * SECOND)
        self.background = Background(self._round, LOOK_SECONDS, "giving notice of expiry")

    async def _round(self) -> None:
        if self._clock.is_read:
            while await self._in_thread(self.notify_once) == GRANTS_AT_A_TIME:
                pass

    def notify_once(self, count: int = GRANTS_AT_A_TIME) -> int:
        """Look at the next grants, up to ``count``, and tell of them; return how many there were. Blocks."""
        now = self._clock.now()
        upto = Instant(now + self._ahead - HORIZON)
        with self._database.transaction() as connection:
            place = expiry_notices.take_turn(connection)
            if place is None or place.expire_time >= upto:
                return 0
            found = expiry_notices.next_expiring(connection, place, upto, count)
            events = [self._event(one, now) for one in found if self._is_to_tell(one, now)]
            if events:
                outbox.announce(connection, *events)
            if found:
                expiry_notices.come_to(connection, found[-1].place)
        return len(found)

    def _is_to_tell(self, one: ExpiringGrant, now: Instant) -> bool:
        """Tell whether a grant is still to expire and was made before its notice; a grace is no grant of its own."""
        made = (UUID(one.grant.grant_id).int >> 80) * 1_000
        return now < one.expire_time and made < one.expire_time - self._ahead and not one.grant.graced

    def _event(self, one: ExpiringGrant, now: Instant) -> OutboxEvent:
        account_id, credit_type = one.wallet
        payload = expiring(one.grant)
        return OutboxEvent(account_id, self._make_id(), OutboxKind.GRANT_EXPIRING, credit_type, payload, now)
