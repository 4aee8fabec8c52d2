"""The inbox: what providers said by webhooks, stored before it is applied."""

from collections.abc import Iterable, Iterator, Sequence
from typing import Any, Final, NamedTuple

from sqlalchemy import (
    ARRAY,
    Boolean,
    ColumnElement,
    Connection,
    Select,
    Text,
    case,
    cast,
    func,
    insert,
    literal,
    null,
    select,
    text,
    update,
)
from sqlalchemy.dialects.postgresql import insert as upsert

from creditd.domain.instant import SECOND, Instant
from creditd.domain.payments.payment_event import ParkedCause, PaymentEvent, PaymentEventAct, PaymentEventState
from creditd.domain.payments.payment_facts import Fact, FactKind
from creditd.domain.payments.provider import Provider
from creditd.storage.arrays import numbers
from creditd.storage.event_ids import first_id
from creditd.storage.payments.payment_tables import payment_event_acts, payment_events
from creditd.storage.types import InstantColumn


def add(connection: Connection, event: PaymentEvent) -> bool:
    """Store an event; return False if it was stored before."""
    statement = upsert(payment_events).values(_values(event)).on_conflict_do_nothing()
    # SQLAlchemy counts no rows of an insert; it returns them.
    return connection.execute(statement.returning(payment_events.c.event_id)).one_or_none() is not None


def show_again(connection: Connection, event: PaymentEvent) -> None:
    """Store a parked event of our own making; one that had ended is parked again, since it is met again."""
    statement = upsert(payment_events).values(_values(event))
    ended = [int(PaymentEventState.APPLIED), int(PaymentEventState.NOT_OF_INTEREST)]
    fate = {name: statement.excluded[name] for name in ("state", "problem", "cause", "waits_for", "update_time")}
    again = statement.on_conflict_do_update(
        constraint="payment_events_pkey", set_=fate, where=payment_events.c.state.in_(ended)
    )
    connection.execute(again)


def claim(
    connection: Connection, provider: Provider, now: Instant, lease_end: Instant, count: int
) -> list[PaymentEvent]:
    """Return events of a provider whose time has come, ours first, and put them off to the end of a lease.

    Whoever dies loses them again. Those that others are claiming are left out.
    """
    ours = _claim(connection, provider, now, lease_end, count, is_ours=True)
    if len(ours) == count:
        return ours
    return ours + _claim(connection, provider, now, lease_end, count - len(ours), is_ours=False)


def _claim(
    connection: Connection, provider: Provider, now: Instant, lease_end: Instant, count: int, *, is_ours: bool
) -> list[PaymentEvent]:
    c = payment_events.c
    is_due = c.provider == int(provider), c.next_attempt_time <= now
    # Materialized, so that it is gone through once: a second time would lock others than are returned.
    wanted = (
        select(c.event_id)
        .where(*is_due, c.is_ours == is_ours)
        .order_by(c.next_attempt_time)
        .limit(count)
        .with_for_update(skip_locked=True)
        .cte("wanted")
        .prefix_with("MATERIALIZED")
    )
    statement = (
        update(payment_events)
        .where(c.event_id == wanted.c.event_id)
        .values(
            state=int(PaymentEventState.PENDING), next_attempt_time=lease_end, attempts=c.attempts + 1, update_time=now
        )
        .returning(*_COLUMNS)
    )
    found = [_event_from(row) for row in connection.execute(statement)]
    return sorted(found, key=lambda event: event.event_id)


def end_try(connection: Connection, event: PaymentEvent, *, is_counted: bool = True) -> None:
    """Write what became of a try, unless the event was taken by another one meanwhile, or by a person.

    One that is not ``is_counted`` was no try: what it needed was held by others, or away.
    """
    c = payment_events.c
    is_still_ours = c.attempts == event.attempts, c.state == int(PaymentEventState.PENDING)
    values = _fate(event if is_counted else event._replace(attempts=event.attempts - 1))
    connection.execute(update(payment_events).where(c.event_id == event.event_id, *is_still_ours).values(values))


def write(connection: Connection, event: PaymentEvent) -> None:
    """Write an event whose row is locked."""
    connection.execute(update(payment_events).where(payment_events.c.event_id == event.event_id).values(_fate(event)))


def _fate(event: PaymentEvent) -> dict[str, Any]:
    changing = ("attempts", "next_attempt_time", "problem", "purchase", "account", "is_ours", "update_time")
    values = {name: getattr(event, name) for name in changing}
    values |= {"state": int(event.state), "cause": int(event.cause), "waits_for": list(event.waits_for)}
    return values | {"facts": _document(event.facts), "currency": event.currency}


def _document(facts: Iterable[Fact]) -> list[list[Any]] | None:
    """Return facts as a column has them, but for what PostgreSQL's texts cannot hold."""
    return [[part.replace("\x00", "?") if isinstance(part, str) else part for part in fact] for fact in facts] or None


def wake(connection: Connection, provider: Provider, references: Sequence[str], now: Instant) -> None:
    """Have the events that wait for one of these references tried at once, those that nobody could place included.

    One whose purchase is known is read again in its time: two of one payment would have each other read without end.
    """
    c = payment_events.c
    is_put_off = (c.next_attempt_time > now) & (c.purchase == "")
    is_unplaced = (c.state == int(PaymentEventState.PARKED)) & (c.cause == int(ParkedCause.UNPLACED))
    waiting = c.provider == int(provider), _overlap(references), is_put_off | is_unplaced
    tried = {"state": int(PaymentEventState.PENDING), "next_attempt_time": now, "is_ours": True}
    connection.execute(update(payment_events).where(*waiting).values(tried))


HINT_PAUSE: Final = 1 * SECOND
"""Between two reads of one hint that comes again and again, by whoever sends it: a payer does not notice."""


def hint_again(
    connection: Connection, provider: Provider, delivery_key: str, now: Instant, *, is_signed: bool = True
) -> None:
    """Have a hint read soon that came again: what it is about may have changed since it was read.

    That is at once, or HINT_PAUSE after it was last claimed or tried. One that is not signed stands for all that may
    ever be said of its subject: it begins anew if what was said before is applied.
    """
    c = payment_events.c
    states = [PaymentEventState.PENDING, PaymentEventState.WAITING, PaymentEventState.NOT_OF_INTEREST]
    if not is_signed:
        states.append(PaymentEventState.APPLIED)
    may_change = c.state.in_([int(state) for state in states]), c.body != ""
    same = c.provider == int(provider), c.delivery_key == delivery_key
    rested = c.update_time + text(f"interval '{HINT_PAUSE} microseconds'")
    soon = func.greatest(literal(now, InstantColumn), rested)
    is_over = c.state == int(PaymentEventState.APPLIED)
    tried = {
        "state": int(PaymentEventState.PENDING),
        "next_attempt_time": soon,
        "attempts": case((is_over, 0), else_=c.attempts),
        "receive_time": case((is_over, literal(now, InstantColumn)), else_=c.receive_time),
    }
    connection.execute(update(payment_events).where(*same, *may_change).values(tried))


def end_recorded(connection: Connection, account: str, purchase: str, now: Instant) -> None:
    """End the cases of a purchase, or for an empty one of an account's plan: there is nothing left to do."""
    ended = {"state": int(PaymentEventState.APPLIED), "problem": "", "cause": int(ParkedCause.OTHER), "waits_for": []}
    of_whom = _is_recorded(account, purchase)
    connection.execute(update(payment_events).where(*of_whom).values(ended | {"update_time": now}))


def end_unplaced(connection: Connection, provider: Provider, references: Sequence[str], now: Instant) -> None:
    """End the cases of what nobody could place: nothing of it is left to be placed."""
    c = payment_events.c
    unplaced = (
        c.state == int(PaymentEventState.PARKED),
        c.cause == int(ParkedCause.UNPLACED),
        c.provider == int(provider),
    )
    ended = {
        "state": int(PaymentEventState.NOT_OF_INTEREST),
        "cause": int(ParkedCause.OTHER),
        "waits_for": [],
        "update_time": now,
    }
    ended["problem"] = "nothing of it is with us"
    connection.execute(update(payment_events).where(*unplaced, _overlap(references)).values(ended))


def has_recorded(connection: Connection, account: str, purchase: str) -> bool:
    """Tell whether a person is already shown the case of a purchase, or of an account's plan."""
    found = connection.execute(select(literal(1)).where(*_is_recorded(account, purchase)).limit(1))
    return found.one_or_none() is not None


def _is_recorded(account: str, purchase: str) -> tuple[Any, ...]:
    c = payment_events.c
    return (
        c.account == account,
        c.purchase == purchase,
        c.state == int(PaymentEventState.PARKED),
        # In words, so that the index of these alone is used whatever the plan.
        text("cause = 1"),
    )


def shown(connection: Connection, provider: Provider, references: Sequence[str]) -> PaymentEventState | None:
    """Return PARKED if a person is shown what has one of these references, DISMISSED if one has put it aside."""
    c = payment_events.c
    states = [int(PaymentEventState.PARKED), int(PaymentEventState.DISMISSED)]
    query = select(func.min(c.state)).where(c.provider == int(provider), _overlap(references), c.state.in_(states))
    state = connection.execute(query).scalar_one()
    return None if state is None else PaymentEventState(state)


def _overlap(references: Sequence[str]) -> ColumnElement[bool]:
    wanted = cast(literal(list(references), ARRAY(Text)), ARRAY(Text))
    return payment_events.c.waits_for.op("&&", return_type=Boolean())(wanted)


def find(connection: Connection, event_id: str) -> PaymentEvent | None:
    """Return an event, or None."""
    return _one(connection, select(*_COLUMNS).where(payment_events.c.event_id == event_id))


def lock(connection: Connection, event_id: str) -> PaymentEvent | None:
    """Return an event and hold its row until the transaction ends."""
    return _one(connection, select(*_COLUMNS).where(payment_events.c.event_id == event_id).with_for_update())


class EventFilter(NamedTuple):
    """Which events; None and an empty text let all pass. Times are of when they came in, the end is no part of it."""

    state: PaymentEventState | None
    provider: Provider | None
    account: str = ""
    purchase: str = ""
    start_time: Instant | None = None
    end_time: Instant | None = None


def page(connection: Connection, wanted: EventFilter, before: str | None, count: int) -> list[PaymentEvent]:
    """Return up to ``count`` events older than one, newest first, without their bodies."""
    c = payment_events.c
    query = select(*_COLUMNS_LISTED).where(*_passes(wanted)).order_by(c.event_id.desc()).limit(count)
    if before is not None:
        query = query.where(c.event_id < before)
    return [_event_from(row) for row in connection.execute(query)]


def _passes(wanted: EventFilter) -> Iterator[ColumnElement[bool]]:
    c = payment_events.c
    if wanted.state is not None:
        yield c.state == int(wanted.state)
    if wanted.provider is not None:
        yield c.provider == int(wanted.provider)
    if wanted.account:
        yield c.account == wanted.account
    if wanted.purchase:
        yield c.purchase == wanted.purchase
    # Ids sort by the time that they were made at, which is found by key; the event's own time says exactly.
    if wanted.start_time is not None:
        yield c.event_id >= first_id(Instant(wanted.start_time - CLOCK_DIFFERENCE))
        yield c.receive_time >= wanted.start_time
    if wanted.end_time is not None:
        yield c.event_id < first_id(Instant(wanted.end_time + CLOCK_DIFFERENCE))
        yield c.receive_time < wanted.end_time


CLOCK_DIFFERENCE: Final = 3_600 * SECOND
"""The clock that an event's id was made by may be so far from the one that says when it came in."""


MOST_COUNTED: Final = 1_000
"""Events of a state that are counted: beyond it, one more makes no difference to whoever reads it."""

_COUNTS = text(f"""
SELECT k.state, n.events FROM unnest(:states ::smallint[]) AS k (state)
CROSS JOIN LATERAL (
    SELECT count(*) AS events FROM (
        SELECT 1 FROM payment_events WHERE state = k.state ORDER BY event_id LIMIT {MOST_COUNTED + 1}
    ) AS e
) AS n
ORDER BY k.state
""")


def count_by_state(connection: Connection) -> dict[PaymentEventState, int]:
    """Count the events in each state, up to one more than MOST_COUNTED."""
    return _counts_of(connection, PaymentEventState)


def _counts_of(connection: Connection, states: Iterable[PaymentEventState]) -> dict[PaymentEventState, int]:
    rows = connection.execute(_COUNTS, {"states": numbers(states)})
    return {PaymentEventState(state): events for state, events in rows}


class Backlog(NamedTuple):
    """How many events are to be applied, and since when the oldest is; how many wait for something, or for a person.

    Of each state one more than MOST_COUNTED are counted; the oldest is the oldest of those.
    """

    pending: int
    oldest_receive_time: Instant | None
    waiting: int
    parked: int


def backlog(connection: Connection) -> Backlog:
    """Count what is not applied. Every server does so every few seconds, so it costs no more the more there is."""
    states = PaymentEventState.PENDING, PaymentEventState.WAITING, PaymentEventState.PARKED
    counts = _counts_of(connection, states)
    pending, waiting, parked = (counts[state] for state in states)
    c = payment_events.c
    first = select(c.receive_time).where(c.state == int(PaymentEventState.PENDING)).order_by(c.event_id)
    oldest = connection.execute(select(func.min(first.limit(MOST_COUNTED + 1).subquery().c.receive_time)))
    return Backlog(pending, oldest.scalar_one(), waiting, parked)


MAX_ACTS = 100
"""Shown of one event: a quarter of a megabyte with the longest reasons, beside its body."""


def add_act(connection: Connection, event_id: str, act_id: str, act: PaymentEventAct) -> None:
    """Record what a member of staff did with an event."""
    connection.execute(insert(payment_event_acts).values(event_id=event_id, act_id=act_id, **act._asdict()))


def acts_of(connection: Connection, event_id: str) -> tuple[list[PaymentEventAct], int]:
    """Return the last MAX_ACTS acts of staff on an event, oldest first, and how many acts there are in all."""
    c = payment_event_acts.c
    columns = (c[name] for name in PaymentEventAct._fields)
    query = select(*columns, func.count().over()).where(c.event_id == event_id)
    rows = connection.execute(query.order_by(c.act_id.desc()).limit(MAX_ACTS)).all()
    return [PaymentEventAct(*row[:-1]) for row in reversed(rows)], rows[0][-1] if rows else 0


_LEFT_OUT = {"body": literal(""), "facts": null()}
"""What is not listed, as it is of an event that has none."""

_COLUMNS_LISTED = tuple(
    _LEFT_OUT[name].label(name) if name in _LEFT_OUT else payment_events.c[name] for name in PaymentEvent._fields
)

_COLUMNS = tuple(payment_events.c[name] for name in PaymentEvent._fields)


def _one(connection: Connection, query: Select[Any]) -> PaymentEvent | None:
    row = connection.execute(query).one_or_none()
    return _event_from(row) if row else None


def _event_from(row: Any) -> PaymentEvent:
    event = PaymentEvent._make(row)
    return event._replace(
        provider=Provider(event.provider),
        event_id=str(event.event_id),
        state=PaymentEventState(event.state),
        waits_for=tuple(event.waits_for),
        cause=ParkedCause(event.cause),
        facts=tuple(_fact_from(*fact) for fact in row.facts or ()),
    )


def _fact_from(kind: int, *rest: Any) -> Fact:
    return Fact(FactKind(kind), *rest)


def _values(event: PaymentEvent) -> dict[str, Any]:
    return event._asdict() | {
        "provider": int(event.provider),
        "state": int(event.state),
        "waits_for": list(event.waits_for),
        "cause": int(event.cause),
        "facts": _document(event.facts),
    }
