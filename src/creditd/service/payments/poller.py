"""The poller: open purchases are polled until they end, so that a lost webhook does no harm (requirement E8)."""

import logging
from typing import Final

from creditd.domain.errors import Refusal
from creditd.domain.instant import SECOND, Instant
from creditd.domain.payments.payment_facts import Fact, FactKind, PaymentStage
from creditd.domain.payments.purchase import PAYABLE, Purchase, PurchaseState
from creditd.ledger.clock import DatabaseClock
from creditd.payments.provider import CallRefused, PaymentProvider, Report, ReportMismatch
from creditd.service.payments.background import PASSING, Worker
from creditd.service.payments.cases import FoundCases, Misfit, UnknownPayment, problem_of
from creditd.service.payments.payment_requests import AskedElsewhere, PaymentRequests, order_of
from creditd.service.payments.providers import InThread
from creditd.service.payments.recorder import Recorder
from creditd.storage.database import Database
from creditd.storage.payments import purchases
from creditd.telemetry.statistics import PaymentStatistics

log = logging.getLogger(__name__)

PURCHASES_AT_A_TIME: Final = 16
"""Purchases polled per round; providers' rate limits (tens of calls per second) are shared."""

FIRST_PAUSE: Final = 60 * SECOND
"""The first pause, doubled with each poll: most payers pay within minutes."""

LONGEST_PAUSE_OF_A_DAY: Final = 1_800 * SECOND
"""The longest pause on the first day, in which most checkouts end: a late payer does not wait long."""

LONGEST_PAUSE: Final = 6 * 3_600 * SECOND
"""The longest pause afterwards: four polls a day of what may still be paid."""

MAX_AGE: Final = 30 * 86_400 * SECOND
"""When polling ends: no provider's checkout can be paid after a month."""

UNASKED_AGE: Final = 86_400 * SECOND
"""How long a purchase without a checkout stays open: callers repeat a request within a day."""

LATE_PAYMENT: Final = 3_600 * SECOND
"""A payment started just before expiry may complete a little after it."""

_PASSING = (*PASSING, AskedElsewhere)
_NOT_FIT = (UnknownPayment, ReportMismatch, Refusal, CallRefused)


class Poller(Worker[Purchase]):
    """Polls the open purchases of one provider; each provider has its own poller, so none delays another."""

    def __init__(
        self,
        database: Database,
        provider: PaymentProvider,
        payment_requests: PaymentRequests,
        recorder: Recorder,
        finds: FoundCases,
        clock: DatabaseClock,
        in_thread: InThread,
        statistics: PaymentStatistics,
        interval_seconds: float,
    ) -> None:
        """Look every ``interval_seconds`` for due purchases."""
        super().__init__(interval_seconds, f"polling {provider.provider.name}", at_once=False)
        self._statistics = statistics
        self._database = database
        self._provider = provider
        self._payment_requests = payment_requests
        self._recorder = recorder
        self._finds = finds
        self._clock = clock
        self._in_thread = in_thread

    async def _claim(self) -> list[Purchase]:
        return await self._in_thread(self._claim_in_thread)

    def _claim_in_thread(self) -> list[Purchase]:
        """Claim due purchases, and set the time of their next poll before they are polled."""
        now = self._clock.now()
        with self._database.transaction() as connection:
            due = purchases.due(connection, self._provider.provider, now, PURCHASES_AT_A_TIME)
            for purchase in due:
                # One that is paid is looked at once, since somebody asked for it.
                is_last = purchase.state not in PAYABLE or _is_over(purchase, now)
                next_look = None if is_last else Instant(now + _pause(purchase, now))
                purchases.postpone(connection, purchase.key, purchase.polls + 1, next_look)
        return due

    async def _attempt(self, purchase: Purchase) -> None:
        try:
            await self._look(purchase)
        except _PASSING as error:
            log.info("looked in vain at %s: %s", purchase.name, type(error).__name__)
        except _NOT_FIT as error:
            log.warning("what the provider says of %s does not fit: %s", purchase.name, problem_of(error))
        except Exception:
            # A bug that one purchase meets must not delay the others.
            log.exception("looking at %s failed", purchase.name)

    async def _look(self, purchase: Purchase) -> None:
        provider = self._provider
        if provider.live != purchase.live:
            return
        if not purchase.reference:
            purchase = await self._payment_requests.look(purchase.key)
        if not purchase.reference:
            await self._give_up(purchase)
            return
        for report in await provider.inspect(order_of(purchase)):
            try:
                changed = await self._record(report, "seen at the provider")
            except (UnknownPayment, Misfit) as error:
                await self._show(report, error)
                continue
            if changed:
                self._statistics.finds[provider.provider.name.lower(), "polled"] += 1
                log.warning("%s was found paid or changed at the provider before any webhook said so", purchase.name)

    async def _show(self, report: Report, error: UnknownPayment | Misfit) -> None:
        """Record a case for what the provider reports and cannot be recorded as facts."""
        if await self._in_thread(lambda: self._finds.show(report, error)):
            log.warning("what was seen at the provider does not fit: %s", problem_of(error))

    async def _give_up(self, purchase: Purchase) -> None:
        """Let a purchase expire that the provider does not know, once its caller had time to repeat the request."""
        if self._clock.now() - purchase.create_time < UNASKED_AGE or purchase.state != PurchaseState.PENDING:
            return
        fact = Fact(FactKind.PAYMENT, purchase.purchase_id, PaymentStage.EXPIRED, 0)
        report = Report(purchase.provider, purchase.live, (), purchase.key, None, (fact,))
        await self._record(report, "the provider was never asked")

    async def _record(self, report: Report, reason: str) -> bool:
        actor = report.provider.name.lower()
        applied = await self._in_thread(lambda: self._recorder.record(report, actor, reason))
        return applied.changed


def _pause(purchase: Purchase, now: Instant) -> int:
    """Return the pause until the next poll of a purchase, in microseconds."""
    is_young = now - purchase.create_time < UNASKED_AGE
    return min(LONGEST_PAUSE_OF_A_DAY if is_young else LONGEST_PAUSE, FIRST_PAUSE << min(purchase.polls, 20))


def _is_over(purchase: Purchase, now: Instant) -> bool:
    """Tell whether a purchase cannot be paid any more, or never could be."""
    age = now - purchase.create_time
    if purchase.state == PurchaseState.CANCELLED:
        return now > (purchase.payment_expire_time or purchase.create_time + UNASKED_AGE) + LATE_PAYMENT
    is_refused = purchase.state == PurchaseState.FAILED and not purchase.reference
    return age > MAX_AGE or (is_refused and age > UNASKED_AGE)
