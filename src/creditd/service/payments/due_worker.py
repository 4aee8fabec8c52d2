"""The worker of dues: completes what recorded facts call for, but could not be done when they were recorded."""

import logging
from typing import Final

from creditd.ledger.clock import DatabaseClock
from creditd.service.payments.background import Worker
from creditd.service.payments.providers import InThread
from creditd.service.payments.recorder import Recorder
from creditd.storage.database import Database
from creditd.storage.payments import payment_dues
from creditd.storage.payments.payment_dues import Tried

log = logging.getLogger(__name__)

DUES_AT_A_TIME: Final = 8
"""Dues of one round, done one by one: they are few, and others need the threads."""

IDLE_SECONDS: Final = 1.0
"""Seconds between rounds: the credits of a reopened account arrive within a second or two."""

REASON: Final = "due from before"


class DueWorker(Worker[Tried]):
    """Completes the dues of payments."""

    def __init__(self, database: Database, recorder: Recorder, clock: DatabaseClock, in_thread: InThread) -> None:
        """Look for dues in ``database``."""
        super().__init__(IDLE_SECONDS, "what is due of payments", at_once=False)
        self._database = database
        self._recorder = recorder
        self._clock = clock
        self._in_thread = in_thread

    async def _claim(self) -> list[Tried]:
        return await self._in_thread(self._claim_in_thread)

    def _claim_in_thread(self) -> list[Tried]:
        now = self._clock.now()
        with self._database.transaction() as connection:
            ready = payment_dues.ready(connection, now, DUES_AT_A_TIME)
            for tried in ready:
                payment_dues.put_off(connection, tried, now)
        return ready

    async def _attempt(self, tried: Tried) -> None:
        due = tried.due
        try:
            recorded = await self._in_thread(lambda: self._recorder.resume(due, REASON))
        except Exception:
            # A due that fails is already postponed, and must not delay the others.
            log.exception("what is due to %s failed", due.account_id)
            return
        if recorded.problem:
            log.info("still due to %s: %s", due.account_id, recorded.problem)
