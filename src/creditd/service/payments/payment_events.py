"""Payment events for staff: listed, shown, replayed, dismissed; each act is recorded with actor and reason."""

from collections.abc import Callable
from typing import Any, NamedTuple

from creditd.domain.controls.audit_event import Act, Document
from creditd.domain.errors import Refusal
from creditd.domain.instant import SECOND, Instant
from creditd.domain.payments.payment_errors import (
    PaymentEventApplied,
    PaymentEventDismissed,
    PaymentEventNotFound,
    PaymentEventNotOfInterest,
    PaymentEventPending,
)
from creditd.domain.payments.payment_event import ParkedCause, PaymentEvent, PaymentEventAct, PaymentEventState
from creditd.domain.payments.provider import Provider
from creditd.domain.payments.rejected_webhooks import RejectedWebhooks
from creditd.domain.resource_names import payment_event_name
from creditd.ledger.clock import DatabaseClock
from creditd.service.call import Call
from creditd.service.pages import Asked, Page, PageTokens, Shown, query_of
from creditd.service.threads import Threads
from creditd.storage.controls import audit
from creditd.storage.database import Connection, Database
from creditd.storage.payments import payment_events, rejected_webhooks
from creditd.storage.payments.payment_events import EventFilter
from creditd.storage.payments.rejected_webhooks import RejectionPlace
from creditd.storage.requests import ClaimKind, once

REJECTIONS_AGE = 90 * 86_400 * SECOND
"""How far back counts are listed: a quarter of a year shows whether something is new."""


class _Change(NamedTuple):
    """What an act of staff does to an event: its name, the events it is allowed for, and what it changes."""

    event_id: str
    name: str
    kind: ClaimKind
    is_fit: Callable[[PaymentEvent], bool]
    changes: dict[str, object]


class Events:
    """The inbox for staff."""

    def __init__(
        self,
        database: Database,
        tokens: PageTokens,
        clock: DatabaseClock,
        make_id: Callable[[], str],
        threads: Threads,
    ) -> None:
        """Read and write through ``database``."""
        self._database = database
        self._threads = threads
        self._tokens = tokens
        self._clock = clock
        self._make_id = make_id

    async def page(
        self, call: Call, wanted: EventFilter, asked: Asked, show: Callable[[PaymentEvent], Shown]
    ) -> Page[Shown]:
        """Return a page of events without their bodies, newest first, each as ``show`` writes it.

        Raises PageTokenInvalid.
        """
        return await self._threads.surveys.submit(lambda: self._page(wanted, asked, show), owner=call.subject)

    def _page(self, wanted: EventFilter, asked: Asked, show: Callable[[PaymentEvent], Shown]) -> Page[Shown]:
        query = query_of(
            "payment_events",
            state=wanted.state,
            provider=wanted.provider,
            account=wanted.account,
            purchase=wanted.purchase,
            start_time=wanted.start_time,
            end_time=wanted.end_time,
        )
        before = self._tokens.open(query, asked.page_token) if asked.page_token else None
        with self._database.listing() as connection:
            found = payment_events.page(connection, wanted, before, asked.size + 1)
        return self._tokens.page(query, found, asked.size, show, lambda event: event.event_id)

    async def counts(self, call: Call) -> dict[PaymentEventState, int]:
        """Return how many events there are in each state, up to one more than MOST_COUNTED."""
        return await self._threads.surveys.submit(self._counts, owner=call.subject)

    def _counts(self) -> dict[PaymentEventState, int]:
        with self._database.listing() as connection:
            return payment_events.count_by_state(connection)

    async def get(self, call: Call, event_id: str) -> tuple[PaymentEvent, list[PaymentEventAct], int]:
        """Return an event, the last acts of staff on it, oldest first, and how many acts there are in all.

        Raises PaymentEventNotFound.
        """
        return await self._threads.surveys.submit(lambda: self._get(event_id), owner=call.subject)

    def _get(self, event_id: str) -> tuple[PaymentEvent, list[PaymentEventAct], int]:
        with self._database.snapshot() as connection:
            event = payment_events.find(connection, event_id)
            acts, act_count = payment_events.acts_of(connection, event_id)
        if event is None:
            raise PaymentEventNotFound(payment_event=payment_event_name(event_id))
        return event, acts, act_count

    async def replay(self, event_id: str, act: Act) -> tuple[PaymentEvent, bool]:
        """Have a parked or dismissed event tried again; tell whether the request id had done so before.

        Raises RequestIdReused, PaymentEventNotFound, PaymentEventPending, PaymentEventApplied,
        PaymentEventNotOfInterest.
        """
        changes: dict[str, object] = {
            "state": PaymentEventState.PENDING,
            "next_attempt_time": self._clock.now(),
            "attempts": 0,
            "problem": "",
            # The caller waits for it, so it goes before others.
            "is_ours": True,
            "waits_for": (),
        }
        change = _Change(event_id, "REPLAY", ClaimKind.EVENT_REPLAY, _may_be_replayed, changes)
        return await self._threads.changes.submit(lambda: self._act_once(change, act))

    async def dismiss(self, event_id: str, act: Act) -> tuple[PaymentEvent, bool]:
        """Dismiss a parked event; tell whether the request id had done so before.

        Raises RequestIdReused, PaymentEventNotFound, PaymentEventPending, PaymentEventApplied,
        PaymentEventNotOfInterest, PaymentEventDismissed.
        """
        changes: dict[str, object] = {"state": PaymentEventState.DISMISSED}
        change = _Change(event_id, "DISMISS", ClaimKind.EVENT_DISMISSAL, _is_parked, changes)
        return await self._threads.changes.submit(lambda: self._act_once(change, act))

    def _act_once(self, change: _Change, act: Act) -> tuple[PaymentEvent, bool]:
        now = self._clock.now()
        with self._database.transaction() as connection:
            return once(
                connection, act.origin, change.kind, now, lambda: self._act(connection, change, act, now), _event_of
            )

    def _act(self, connection: Connection, change: _Change, act: Act, now: Instant) -> PaymentEvent:
        event = payment_events.lock(connection, change.event_id)
        name = payment_event_name(change.event_id)
        if event is None:
            raise PaymentEventNotFound(payment_event=name)
        if not change.is_fit(event):
            raise _refusal_of(event)
        after = PaymentEvent(**(event._asdict() | change.changes))._replace(update_time=now)
        payment_events.write(connection, after)
        noted = PaymentEventAct(change.name, act.origin.actor, act.origin.reason, now)
        payment_events.add_act(connection, change.event_id, self._make_id(), noted)
        before_and_after = {"before": _facts(event), "after": _facts(after)}
        done = act.done(self._make_id(), now, name, account_id=event.account, **before_and_after)
        audit.append(connection, done)
        # The body is a webhook's, of any size, and no part of the answer; nor is what was read in it.
        return after._replace(body="", facts=())

    async def rejected(self, call: Call, asked: Asked, show: Callable[[RejectedWebhooks], Shown]) -> Page[Shown]:
        """Return a page of the counts of rejected webhooks, newest first, each as ``show`` writes it.

        Raises PageTokenInvalid.
        """
        return await self._threads.surveys.submit(lambda: self._rejected(asked, show), owner=call.subject)

    def _rejected(self, asked: Asked, show: Callable[[RejectedWebhooks], Shown]) -> Page[Shown]:
        query = query_of("rejected_webhooks")
        after = RejectionPlace(*self._tokens.open(query, asked.page_token)) if asked.page_token else None
        start = Instant(self._clock.now() - REJECTIONS_AGE)
        with self._database.listing() as connection:
            found = rejected_webhooks.page(connection, start, after, asked.size + 1)
        return self._tokens.page(query, found, asked.size, show, lambda item: list(_place(item)))


def _facts(event: PaymentEvent) -> Document:
    return {"state": event.state.name, "attempts": event.attempts, "problem": event.problem}


def _place(rejection: RejectedWebhooks) -> RejectionPlace:
    return RejectionPlace(rejection.hour, int(rejection.provider), rejection.reason.value)


def _is_parked(event: PaymentEvent) -> bool:
    return event.state == PaymentEventState.PARKED


def _may_be_replayed(event: PaymentEvent) -> bool:
    """Tell whether an event concerns credits and is not applied, also one that was given up as unknown."""
    is_given_up = event.state == PaymentEventState.NOT_OF_INTEREST and bool(event.problem)
    return is_given_up or event.state in {PaymentEventState.PARKED, PaymentEventState.DISMISSED}


def _refusal_of(event: PaymentEvent) -> Refusal:
    """Return why an event can be neither replayed nor dismissed."""
    name = payment_event_name(event.event_id)
    match event.state:
        case PaymentEventState.APPLIED:
            return PaymentEventApplied(payment_event=name)
        case PaymentEventState.NOT_OF_INTEREST:
            return PaymentEventNotOfInterest(payment_event=name)
        case PaymentEventState.DISMISSED:
            return PaymentEventDismissed(payment_event=name)
    return PaymentEventPending(payment_event=name, state=event.state.name)


def _event_of(fields: dict[str, Any]) -> PaymentEvent:
    """Return an event from its fields in JSON."""
    event = PaymentEvent(**fields)
    return event._replace(
        provider=Provider(event.provider),
        state=PaymentEventState(event.state),
        waits_for=tuple(event.waits_for),
        cause=ParkedCause(event.cause),
        facts=(),
    )
