"""Hints that anybody may have sent: kept until the provider has said whether there is what they are about."""

from typing import Final, NamedTuple

from sqlalchemy import ColumnElement, Connection, delete, func, select, update
from sqlalchemy.dialects.postgresql import insert

from creditd.domain.instant import SECOND, Instant
from creditd.domain.payments.provider import Provider
from creditd.storage.payments.payment_tables import payment_hints

FIRST_PAUSE: Final = 2 * SECOND
"""Before the second try; doubled for each one after."""


class PaymentHint(NamedTuple):
    """A hint about ``subject``, the provider's id of something. ``tries`` counts the one that it was claimed for."""

    provider: Provider
    live: bool
    subject: str
    event_type: str
    body: str
    tries: int
    next_try_time: Instant
    receive_time: Instant


def count(connection: Connection, provider: Provider) -> int:
    """Count a provider's hints."""
    query = select(func.count()).where(payment_hints.c.provider == int(provider))
    return connection.execute(query).scalar_one()


def add(connection: Connection, hint: PaymentHint) -> bool:
    """Keep a hint; return False if there is one about the same subject, which says as much."""
    values = hint._asdict() | {"provider": int(hint.provider)}
    statement = insert(payment_hints).values(values).on_conflict_do_nothing()
    return connection.execute(statement.returning(payment_hints.c.subject)).one_or_none() is not None


def claim(connection: Connection, provider: Provider, now: Instant, count: int) -> list[PaymentHint]:
    """Return hints whose time has come, oldest first, and put each off to its next try.

    What others are claiming is left out.
    """
    c = payment_hints.c
    query = select(*(c[name] for name in PaymentHint._fields)).where(
        c.provider == int(provider), c.next_try_time <= now
    )
    query = query.order_by(c.next_try_time).limit(count).with_for_update(skip_locked=True)
    claimed = [_put_off(PaymentHint._make(row), now) for row in connection.execute(query)]
    for hint in claimed:
        values = {"tries": hint.tries, "next_try_time": hint.next_try_time}
        connection.execute(update(payment_hints).where(*_same(hint)).values(values))
    return claimed


def drop(connection: Connection, hint: PaymentHint) -> None:
    """Forget a hint."""
    connection.execute(delete(payment_hints).where(*_same(hint)))


def _put_off(hint: PaymentHint, now: Instant) -> PaymentHint:
    next_try_time = Instant(now + (FIRST_PAUSE << min(hint.tries, 20)))
    return hint._replace(provider=Provider(hint.provider), tries=hint.tries + 1, next_try_time=next_try_time)


def _same(hint: PaymentHint) -> tuple[ColumnElement[bool], ...]:
    c = payment_hints.c
    return c.provider == int(hint.provider), c.live == hint.live, c.subject == hint.subject
