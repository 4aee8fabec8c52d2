"""The worker of hints: asks the provider whether there is what they are about, files those, and drops all others."""

import asyncio
from collections.abc import Callable
from typing import Final

from creditd.domain.provider import Provider
from creditd.ledger.clock import DatabaseClock
from creditd.payments.provider import CallFailed, Delivery, PaymentProvider, Unsigned
from creditd.service.payments.background import Background
from creditd.service.payments.intake import Intake
from creditd.service.payments.providers import InThread
from creditd.storage import payment_hints
from creditd.storage.database import Database
from creditd.storage.payment_hints import Hint
from creditd.telemetry.statistics import PaymentStatistics

HINTS_AT_A_TIME: Final = 4
"""Asked about together: few, since strangers send them, and the provider's answers are needed for what is ours."""

MAX_TRIES: Final = 8
"""Some eight minutes of tries. What is real is found by polling and by comparison, and others wait for the place."""

IDLE_SECONDS: Final = 1.0
"""Between looks for hints whose time has come, or that another server kept."""


class HintWorker:
    """Sees to the hints of one provider that signs none, in the ``background``. Any number of processes may run one."""

    def __init__(
        self,
        database: Database,
        provider: PaymentProvider,
        unsigned: Unsigned,
        filing: Intake,
        clock: DatabaseClock,
        in_thread: InThread,
        statistics: PaymentStatistics,
        on_filed: Callable[[Provider], None],
    ) -> None:
        """See to what ``database`` keeps. ``on_filed`` is called for the provider when there is something to apply."""
        self._database = database
        self._provider = provider
        self._unsigned = unsigned
        self._intake = filing
        self._clock = clock
        self._in_thread = in_thread
        self._statistics = statistics
        self._on_filed = on_filed
        self.background = Background(self.work, IDLE_SECONDS, f"the hints of {provider.provider.name}")

    async def work(self) -> None:
        """See to all hints whose time has come."""
        while await self.work_once():
            pass

    async def work_once(self) -> int:
        """See to a few of them; return how many."""
        hints = await self._in_thread(self._claim)
        results = await asyncio.gather(*map(self._see_to, hints), return_exceptions=True)
        for result in results:
            if isinstance(result, BaseException):
                raise result
        return len(hints)

    def _claim(self) -> list[Hint]:
        with self._database.transaction() as connection:
            return payment_hints.claim(connection, self._provider.provider, self._clock.now(), HINTS_AT_A_TIME)

    async def _see_to(self, hint: Hint) -> None:
        delivery = Delivery(hint.subject, hint.event_type, hint.live, hint.body, is_of_interest=True)
        try:
            is_real = await self._unsigned.is_real(delivery)
        except CallFailed:
            if hint.tries >= MAX_TRIES:
                await self._drop(hint, "unread")
            return
        if not is_real:
            await self._drop(hint, "unknown")
            return
        await self._in_thread(lambda: self._file(hint, delivery))
        self._on_filed(self._provider.provider)

    async def _drop(self, hint: Hint, reason: str) -> None:
        self._statistics.hints_dropped[hint.provider.name.lower(), reason] += 1
        await self._in_thread(lambda: self._forget(hint))

    def _forget(self, hint: Hint) -> None:
        with self._database.transaction() as connection:
            payment_hints.drop(connection, hint)

    def _file(self, hint: Hint, delivery: Delivery) -> None:
        with self._database.transaction() as connection:
            self._intake.file(connection, self._provider, delivery)
            payment_hints.drop(connection, hint)
