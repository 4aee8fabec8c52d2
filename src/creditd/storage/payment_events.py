"""The inbox: what providers said by webhooks, stored before it is applied."""

from collections.abc import Sequence
from enum import IntEnum
from typing import Any, NamedTuple

from sqlalchemy import ARRAY, Connection, Select, Text, cast, func, insert, literal, select, update
from sqlalchemy.dialects.postgresql import insert as upsert

from creditd.domain.instant import Instant
from creditd.domain.purchase import Provider
from creditd.storage.payment_tables import payment_event_acts, payment_events


class EventState(IntEnum):
    """What became of an event. The numbers are those of the proto and of the rows."""

    PENDING = 1
    APPLIED = 2
    NOT_OF_INTEREST = 3
    PARKED = 4
    DISMISSED = 5


class PaymentEvent(NamedTuple):
    """What a provider said. ``waits_for`` are its ids of a payment that nobody knows yet, if it waits for one."""

    provider: Provider
    delivery_key: str
    event_id: str
    event_type: str
    live: bool
    body: str
    state: EventState
    attempts: int
    next_attempt_time: Instant | None
    waits_for: tuple[str, ...]
    problem: str
    purchase: str
    receive_time: Instant
    update_time: Instant


def add(connection: Connection, event: PaymentEvent) -> bool:
    """Store an event; return False if it was stored before."""
    values = event._asdict() | {
        "provider": int(event.provider),
        "state": int(event.state),
        "waits_for": list(event.waits_for),
    }
    statement = upsert(payment_events).values(values).on_conflict_do_nothing()
    # SQLAlchemy counts no rows of an insert; it returns them.
    return connection.execute(statement.returning(payment_events.c.event_id)).one_or_none() is not None


def claim(
    connection: Connection, provider: Provider, now: Instant, lease_end: Instant, count: int
) -> list[PaymentEvent]:
    """Return events of a provider whose time has come, and put them off to the end of a lease.

    Whoever dies loses them again. Those that others are claiming are left out.
    """
    c = payment_events.c
    # Materialized, so that it is gone through once: a second time would lock others than are returned.
    wanted = (
        select(c.event_id)
        .where(c.state == int(EventState.PENDING), c.provider == int(provider), c.next_attempt_time <= now)
        .order_by(c.next_attempt_time, c.event_id)
        .limit(count)
        .with_for_update(skip_locked=True)
        .cte("wanted")
        .prefix_with("MATERIALIZED")
    )
    statement = (
        update(payment_events)
        .where(c.event_id == wanted.c.event_id)
        .values(next_attempt_time=lease_end, attempts=c.attempts + 1)
        .returning(*_COLUMNS)
    )
    found = [_event_from(row) for row in connection.execute(statement)]
    return sorted(found, key=lambda event: event.event_id)


def settle(connection: Connection, event: PaymentEvent) -> None:
    """Write what became of a try, unless the event was taken by another one meanwhile, or by a person."""
    c = payment_events.c
    is_still_ours = c.attempts == event.attempts, c.state == int(EventState.PENDING)
    connection.execute(update(payment_events).where(c.event_id == event.event_id, *is_still_ours).values(_fate(event)))


def write(connection: Connection, event: PaymentEvent) -> None:
    """Write an event whose row is locked."""
    connection.execute(update(payment_events).where(payment_events.c.event_id == event.event_id).values(_fate(event)))


def _fate(event: PaymentEvent) -> dict[str, Any]:
    changing = ("attempts", "next_attempt_time", "problem", "purchase", "update_time")
    values = {name: getattr(event, name) for name in changing}
    return values | {"state": int(event.state), "waits_for": list(event.waits_for)}


def wake(connection: Connection, provider: Provider, references: Sequence[str], now: Instant) -> None:
    """Have the events that wait for one of these references tried at once."""
    c = payment_events.c
    waiting = c.waits_for.op("&&")(cast(literal(list(references), ARRAY(Text)), ARRAY(Text)))
    pending = c.state == int(EventState.PENDING), c.provider == int(provider), c.next_attempt_time > now
    connection.execute(update(payment_events).where(*pending, waiting).values(next_attempt_time=now))


def find(connection: Connection, event_id: str) -> PaymentEvent | None:
    """Return an event, or None."""
    return _one(connection, select(*_COLUMNS).where(payment_events.c.event_id == event_id))


def lock(connection: Connection, event_id: str) -> PaymentEvent | None:
    """Return an event and hold its row until the transaction ends."""
    return _one(connection, select(*_COLUMNS).where(payment_events.c.event_id == event_id).with_for_update())


class EventFilter(NamedTuple):
    """Which events; None lets all pass."""

    state: EventState | None
    provider: Provider | None


def page(connection: Connection, wanted: EventFilter, before: str | None, count: int) -> list[PaymentEvent]:
    """Return up to ``count`` events older than one, newest first, without their bodies."""
    c = payment_events.c
    query = select(*_COLUMNS_LISTED).order_by(c.event_id.desc()).limit(count)
    if wanted.state is not None:
        query = query.where(c.state == int(wanted.state))
    if wanted.provider is not None:
        query = query.where(c.provider == int(wanted.provider))
    if before is not None:
        query = query.where(c.event_id < before)
    return [_event_from(row) for row in connection.execute(query)]


class Backlog(NamedTuple):
    """How many events wait, since when the oldest does, and how many are parked."""

    pending: int
    oldest_receive_time: Instant | None
    parked: int


def backlog(connection: Connection) -> Backlog:
    """Count what is not applied."""
    c = payment_events.c
    pending = c.state == int(EventState.PENDING)
    parked = c.state == int(EventState.PARKED)
    query = select(
        func.count().filter(pending), func.min(c.receive_time).filter(pending), func.count().filter(parked)
    ).where(pending | parked)
    return Backlog(*connection.execute(query).one())


MAX_ACTS = 100
"""Shown of one event: a quarter of a megabyte with the longest reasons, beside its body."""


class EventAct(NamedTuple):
    """What a member of staff did with an event."""

    act: str
    actor: str
    reason: str
    create_time: Instant


def add_act(connection: Connection, event_id: str, act_id: str, act: EventAct) -> None:
    """Record what a member of staff did with an event."""
    connection.execute(insert(payment_event_acts).values(event_id=event_id, act_id=act_id, **act._asdict()))


def acts_of(connection: Connection, event_id: str) -> list[EventAct]:
    """Return what staff did with an event, oldest first: the last MAX_ACTS acts."""
    c = payment_event_acts.c
    query = select(*(c[name] for name in EventAct._fields)).where(c.event_id == event_id)
    rows = connection.execute(query.order_by(c.act_id.desc()).limit(MAX_ACTS)).all()
    return [EventAct(*row) for row in reversed(rows)]


_COLUMNS_LISTED = tuple(
    literal("").label("body") if name == "body" else payment_events.c[name] for name in PaymentEvent._fields
)

_COLUMNS = tuple(payment_events.c[name] for name in PaymentEvent._fields)


def _one(connection: Connection, query: Select[Any]) -> PaymentEvent | None:
    row = connection.execute(query).one_or_none()
    return _event_from(row) if row else None


def _event_from(row: Any) -> PaymentEvent:
    event = PaymentEvent._make(row)
    return event._replace(
        provider=Provider(event.provider), state=EventState(event.state), waits_for=tuple(event.waits_for)
    )
