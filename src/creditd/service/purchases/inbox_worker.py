"""The worker of the inbox: applies what was stored, tries again what failed, parks what a person has to look at."""

import asyncio
import logging
import random
from typing import Final

from creditd.domain.errors import Refusal
from creditd.domain.instant import SECOND, Instant
from creditd.ledger.clock import DatabaseClock
from creditd.payments.provider import Delivery, PaymentProvider, ProviderRefused, Said, Unfit
from creditd.service.purchases.applier import Applier
from creditd.service.purchases.background import PASSING, Background
from creditd.service.purchases.problems import problem_of
from creditd.service.purchases.providers import InThread
from creditd.service.purchases.settling import Applied, NotYetKnown
from creditd.service.purchases.statistics import PaymentStatistics
from creditd.storage import payment_events, payment_references
from creditd.storage.database import Database
from creditd.storage.payment_events import EventState, PaymentEvent

log = logging.getLogger(__name__)

EVENTS_AT_A_TIME: Final = 8
"""Claimed and read together, so that none waits for the provider's answer about another."""

APPLIED_AT_ONCE: Final = 2
"""Events that one process writes at the same time: more would take threads and connections from callers."""

LEASE: Final = 60 * SECOND
"""After it an event that a worker claimed is anybody's again. Where a provider takes longer to answer, two workers
apply the same event, which does no harm."""

IDLE_SECONDS: Final = 1.0
"""Between looks for events whose time has come, or that another server stored."""

FIRST_PAUSE: Final = 2 * SECOND
"""Before the second try; doubled for each one after, with jitter over half of it."""

LONGEST_PAUSE: Final = 3_600 * SECOND
"""A provider that is down is asked at least once an hour."""

MAX_ATTEMPTS: Final = 84
"""About three days of tries, which is how long Stripe itself repeats a webhook; then the event is parked."""

_FOR_A_PERSON = (Unfit, Refusal, ProviderRefused)


class InboxWorker:
    """Applies the stored events of one provider in the ``background``, so that none waits for another one's provider.

    Any number of processes may run one each. Events of a provider that is not configured wait until it is.
    """

    def __init__(
        self,
        database: Database,
        provider: PaymentProvider,
        applier: Applier,
        clock: DatabaseClock,
        in_thread: InThread,
        turns: asyncio.Semaphore,
        statistics: PaymentStatistics,
    ) -> None:
        """Apply by ``applier`` what the inbox of ``database`` holds; workers share the ``turns`` to do so."""
        self._statistics = statistics
        self._database = database
        self._provider = provider
        self._turns = turns
        self._applier = applier
        self._clock = clock
        self._in_thread = in_thread
        self.background = Background(self.work, IDLE_SECONDS, f"the inbox of {provider.provider.name}")

    async def work(self) -> None:
        """Apply all events whose time has come."""
        while await self.work_once():
            pass

    async def work_once(self) -> int:
        """Apply a few of them; return how many."""
        events = await self._in_thread(self._claim)
        await asyncio.gather(*map(self._take, events))
        return len(events)

    def _claim(self) -> list[PaymentEvent]:
        now = self._clock.now()
        with self._database.transaction() as connection:
            return payment_events.claim(
                connection, self._provider.provider, now, Instant(now + LEASE), EVENTS_AT_A_TIME
            )

    async def _take(self, event: PaymentEvent) -> None:
        try:
            applied = await self._apply(event)
        except NotYetKnown as unknown:
            after = self._again(event, unknown, unknown.references)
        except PASSING as error:
            after = self._again(event, error)
        except _FOR_A_PERSON as error:
            after = _parked(event, error)
        except Exception as error:
            # A defect of ours: it may be mended before the tries are over, and nothing may be lost meanwhile.
            log.exception("a payment event failed", extra={"event_id": event.event_id})
            after = self._again(event, error)
        else:
            state = EventState.NOT_OF_INTEREST if applied is None else EventState.APPLIED
            after = event._replace(state=state, purchase=applied.purchase if applied else "", problem="")
        if after.state is not EventState.PENDING:
            after = after._replace(next_attempt_time=None, waits_for=())
        self._statistics.applied[event.provider.name.lower(), after.state.name.lower()] += 1
        await self._in_thread(lambda: self._settle(after._replace(update_time=self._clock.now())))

    async def _apply(self, event: PaymentEvent) -> Applied | None:
        provider = self._provider
        if event.live != provider.live:
            raise Unfit(f"live is {event.live}, this service takes live {provider.live}")
        delivery = Delivery(
            event.delivery_key,
            event.event_type,
            event.live,
            event.body,
            is_of_interest=True,
            receive_time=event.receive_time,
        )
        said: Said | None = await provider.interpret(delivery)
        if said is None:
            return None
        async with self._turns:
            return await self._in_thread(
                lambda: self._applier.apply(said, provider.provider.name.lower(), event.event_type)
            )

    def _again(self, event: PaymentEvent, error: Exception, waits_for: tuple[str, ...] = ()) -> PaymentEvent:
        """Return an event that is to be tried again, or parked if that was its last try."""
        if event.attempts >= MAX_ATTEMPTS:
            if isinstance(error, NotYetKnown) and not error.names_ours:
                # Another sale on the same account at the provider.
                return event._replace(state=EventState.NOT_OF_INTEREST, problem=problem_of(error))
            return _parked(event, error)
        pause = min(LONGEST_PAUSE, FIRST_PAUSE * 2 ** min(event.attempts - 1, 20))
        pause = int(pause * random.uniform(0.5, 1.0))  # noqa: S311 - jitter is no secret.
        next_attempt_time = Instant(self._clock.now() + pause)
        return event._replace(next_attempt_time=next_attempt_time, waits_for=waits_for, problem=problem_of(error))

    def _settle(self, event: PaymentEvent) -> None:
        with self._database.transaction() as connection:
            payment_events.settle(connection, event)
        if not event.waits_for:
            return
        with self._database.transaction() as connection:
            # Whoever learned of the payment in between woke those alone that said by then what they wait for.
            if payment_references.referred(connection, event.provider, event.waits_for, live=event.live):
                payment_events.wake(connection, event.provider, event.waits_for, self._clock.now())


def _parked(event: PaymentEvent, error: Exception) -> PaymentEvent:
    log.warning("payment event parked: %s", problem_of(error), extra={"event_id": event.event_id})
    return event._replace(state=EventState.PARKED, problem=problem_of(error))
