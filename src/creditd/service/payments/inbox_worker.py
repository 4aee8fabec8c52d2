"""The worker of the inbox: records stored events, retries failed ones, and parks those that need staff."""

import asyncio
import logging
import random
from typing import Final

from creditd.domain.errors import Refusal
from creditd.domain.instant import SECOND, Instant
from creditd.domain.payments.payment_event import WAIT, ParkedCause, PaymentEvent, PaymentEventState
from creditd.ledger.clock import DatabaseClock
from creditd.ledger.work import DatabaseUnavailable, Overloaded, ShuttingDown, VersionConflict
from creditd.payments.provider import (
    CallFailed,
    CallRefused,
    Delivery,
    PaymentProvider,
    Report,
    ReportMismatch,
    Said,
)
from creditd.service.payments.background import Worker
from creditd.service.payments.cases import FOUND, Misfit, Recorded, UnknownPayment, problem_of, said_in
from creditd.service.payments.providers import InThread
from creditd.service.payments.recorder import Recorder
from creditd.storage.database import Database
from creditd.storage.payments import payment_events, payment_references
from creditd.telemetry.statistics import PaymentStatistics

log = logging.getLogger(__name__)

EVENTS_AT_A_TIME: Final = 8
"""Events claimed and interpreted together, so that none waits for the provider's answer about another."""

APPLIED_AT_ONCE: Final = 2
"""Events that one process records at the same time: more would take threads and connections from callers."""

LEASE: Final = 60 * SECOND
"""How long a claim lasts.

If a provider takes longer to answer, two workers record the same event, which does no harm.
"""

IDLE_SECONDS: Final = 1.0
"""Seconds between looks for due events, also those that another server stored."""

MAX_ATTEMPTS: Final = 84
"""About three days of tries, as long as Stripe repeats a webhook. The event is then parked, but not before its WAIT has
passed."""

_FOR_A_PERSON = (ReportMismatch, Refusal, CallRefused)

_NO_TRY = (DatabaseUnavailable, VersionConflict, Overloaded, ShuttingDown)
"""Locked rows, or a database that cannot be reached: no fault of the event, and not counted as a try of it."""


class InboxWorker(Worker[PaymentEvent]):
    """Records the stored events of one provider; each provider has its own worker, so none delays another.

    Events of a provider that is not configured wait until it is.
    """

    def __init__(
        self,
        database: Database,
        provider: PaymentProvider,
        recorder: Recorder,
        clock: DatabaseClock,
        in_thread: InThread,
        turns: asyncio.Semaphore,
        statistics: PaymentStatistics,
    ) -> None:
        """Record the inbox of ``database`` by ``recorder``; the workers of a process share the ``turns``."""
        super().__init__(IDLE_SECONDS, f"the inbox of {provider.provider.name}", at_once=True)
        self._statistics = statistics
        self._database = database
        self._provider = provider
        self._turns = turns
        self._recorder = recorder
        self._clock = clock
        self._in_thread = in_thread

    async def _claim(self) -> list[PaymentEvent]:
        return await self._in_thread(self._claim_in_thread)

    def _claim_in_thread(self) -> list[PaymentEvent]:
        now = self._clock.now()
        with self._database.transaction() as connection:
            return payment_events.claim(
                connection, self._provider.provider, now, Instant(now + LEASE), EVENTS_AT_A_TIME
            )

    async def _attempt(self, event: PaymentEvent) -> None:
        """Try an event.

        The recorder writes the state of a recorded one in its own commit; any other is written here.
        """
        is_counted = True
        ended: tuple[str, ...] = ()
        try:
            said = await self._said_by(event)
            if isinstance(said, Report):
                event = event.reading(said.facts, said.currency)
            outcome = await self._record(event, said)
        except UnknownPayment as unknown:
            outcome, ended = self._unplaced(event, unknown), unknown.references if unknown.is_over else ()
        except _NO_TRY as error:
            outcome, is_counted = event.tried_again(problem_of(error), self._clock.now(), _jitter()), False
        except CallFailed as error:
            outcome = self._again(event, error)
        except _FOR_A_PERSON as error:
            outcome = self._parked(event, error)
        except Exception as error:
            # A bug of ours: it may be fixed before the tries end, and nothing may be lost until then.
            log.exception("a payment event failed", extra={"event_id": event.event_id})
            outcome = self._again(event, error)
        if isinstance(outcome, Recorded):
            self._count(event, PaymentEventState.PARKED if outcome.problem else PaymentEventState.APPLIED)
            return
        self._count(event, outcome.state)
        after = outcome
        await self._in_thread(lambda: self._end_try(after, ended, is_counted=is_counted))

    def _count(self, event: PaymentEvent, state: PaymentEventState) -> None:
        self._statistics.applied[event.provider.name.lower(), state.name.lower()] += 1

    async def _record(self, event: PaymentEvent, said: Said | None) -> Recorded | PaymentEvent:
        """Record what an event says, or return it as one that does not concern credits."""
        provider = self._provider
        if said is None:
            return event.of_no_interest("", self._clock.now())
        async with self._turns:
            return await self._in_thread(
                lambda: self._recorder.record(said, provider.provider.name.lower(), event.event_type, event)
            )

    async def _said_by(self, event: PaymentEvent) -> Said | None:
        provider = self._provider
        if event.live != provider.live:
            raise ReportMismatch(f"live is {event.live}, this service takes live {provider.live}")
        if event.event_type == FOUND:
            return said_in(event.body)
        delivery = Delivery(
            event.delivery_key,
            event.event_type,
            event.live,
            event.body,
            is_of_interest=True,
            receive_time=event.receive_time,
        )
        return await provider.interpret(delivery)

    def _unplaced(self, event: PaymentEvent, unknown: UnknownPayment) -> PaymentEvent:
        """Return an event about an unknown payment: parked if it is ours, else waiting."""
        if unknown.is_ours and unknown.is_over:
            return event.of_no_interest("nothing of it is with us", self._clock.now())
        if unknown.is_ours:
            return self._parked(event, unknown, ParkedCause.UNPLACED, unknown.references)
        return event.waiting(unknown.references, problem_of(unknown), self._clock.now())

    def _again(self, event: PaymentEvent, error: Exception) -> PaymentEvent:
        """Return an event to be tried again, or parked after its last try."""
        # A repeated hint is tried more often; the number of tries alone does not end it.
        if event.attempts >= MAX_ATTEMPTS and self._clock.now() - event.receive_time >= WAIT:
            return self._parked(event, error)
        return event.tried_again(problem_of(error), self._clock.now(), _jitter())

    def _parked(
        self,
        event: PaymentEvent,
        error: Exception,
        cause: ParkedCause = ParkedCause.OTHER,
        references: tuple[str, ...] = (),
    ) -> PaymentEvent:
        log.warning("payment event parked: %s", problem_of(error), extra={"event_id": event.event_id})
        if isinstance(error, Misfit):
            event = event._replace(account=error.account_id, purchase=error.purchase)
        return event.parked(problem_of(error), self._clock.now(), cause, references)

    def _end_try(self, event: PaymentEvent, ended: tuple[str, ...], *, is_counted: bool) -> None:
        with self._database.transaction() as connection:
            payment_events.end_try(connection, event, is_counted=is_counted)
            if ended:
                payment_events.end_unplaced(connection, event.provider, ended, event.update_time)
        if not event.waits_for:
            return
        with self._database.transaction() as connection:
            # Whoever linked the payment meanwhile woke only the events that were already waiting for it.
            if payment_references.referred(connection, event.provider, event.waits_for, live=event.live):
                payment_events.wake(connection, event.provider, event.waits_for, self._clock.now())


def _jitter() -> float:
    """Return the share of the pause to wait, so that events that failed together are not retried together."""
    return random.uniform(0.5, 1.0)  # noqa: S311 - jitter is no secret.
