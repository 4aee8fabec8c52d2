"""The worker of dues: does what follows from what is known and could not be done when it became known."""

import logging
from typing import Final

from creditd.ledger.clock import DatabaseClock
from creditd.service.payments.background import Worker
from creditd.service.payments.providers import InThread
from creditd.service.payments.recorder import Recorder
from creditd.storage import payment_dues
from creditd.storage.database import Database
from creditd.storage.payment_dues import Tried

log = logging.getLogger(__name__)

DUES_AT_A_TIME: Final = 8
"""Done one after the other: they are few, and others need the threads."""

IDLE_SECONDS: Final = 1.0
"""Between looks for what is due: who opens an account again sees its credits within a second or two."""

REASON: Final = "due from before"


class DueWorker(Worker[Tried]):
    """Does what is due of payments."""

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
            # One that fails, for whatever reason, is put off already, and must not keep the others waiting.
            log.exception("what is due to %s failed", due.account_id)
            return
        if recorded.problem:
            log.info("still due to %s: %s", due.account_id, recorded.problem)
