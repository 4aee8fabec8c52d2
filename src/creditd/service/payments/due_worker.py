"""The worker of dues: does what follows from what is known and could not be done when it became known."""

import logging
from typing import Final

from creditd.domain.purchase import PurchaseKey
from creditd.ledger.clock import DatabaseClock
from creditd.service.payments.background import Background
from creditd.service.payments.providers import InThread
from creditd.service.payments.settlement import Applied, Settlement
from creditd.service.payments.subscriptions import Subscriptions
from creditd.storage import payment_dues
from creditd.storage.database import Database
from creditd.storage.payment_dues import PLAN, Due

log = logging.getLogger(__name__)

DUES_AT_A_TIME: Final = 8
"""Done one after the other: they are few, and others need the threads."""

IDLE_SECONDS: Final = 1.0
"""Between looks for what is due: who opens an account again sees its credits within a second or two."""

REASON: Final = "due from before"


class DueWorker:
    """Does what is due in the ``background``. Any number of processes may run one each."""

    def __init__(
        self,
        database: Database,
        settling: Settlement,
        subscriptions: Subscriptions,
        clock: DatabaseClock,
        in_thread: InThread,
    ) -> None:
        """Look for dues in ``database``."""
        self._database = database
        self._settling = settling
        self._subscriptions = subscriptions
        self._clock = clock
        self._in_thread = in_thread
        self.background = Background(self.work, IDLE_SECONDS, "what is due of payments")

    async def work(self) -> None:
        """Do all that is due and whose time has come."""
        while await self._in_thread(self._work_once):
            pass

    def _work_once(self) -> int:
        now = self._clock.now()
        with self._database.transaction() as connection:
            ready = payment_dues.ready(connection, now, DUES_AT_A_TIME)
            for tried in ready:
                payment_dues.put_off(connection, tried, now)
        for due, _ in ready:
            try:
                applied = self._resume(due)
            except Exception:
                # One that fails, for whatever reason, is put off already, and must not keep the others waiting.
                log.exception("what is due to %s failed", due.account_id)
                continue
            if applied.problem:
                log.info("still due to %s: %s", due.account_id, applied.problem)
        return len(ready)

    def _resume(self, due: Due) -> Applied:
        if due.subject == PLAN:
            return self._subscriptions.resume(due.account_id, REASON, live=due.live)
        return self._settling.resume(PurchaseKey(due.account_id, due.subject), REASON)
