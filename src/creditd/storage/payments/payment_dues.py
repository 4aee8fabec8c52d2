"""Dues: what follows from what is known of a payment or a plan, and could not be done yet."""

from typing import Final, NamedTuple

from sqlalchemy import Connection, delete, select, update
from sqlalchemy.dialects.postgresql import insert

from creditd.domain.instant import SECOND, Instant
from creditd.storage.payments.payment_tables import payment_dues

PLAN: Final = "plan"
"""The subject of a due that is about an account's plan; any other is a purchase's id."""

FIRST_PAUSE: Final = 60 * SECOND
"""Before the second try; doubled for each one after."""

LONGEST_PAUSE: Final = 86_400 * SECOND
"""An account that stays closed is looked at once a day; to open it is no matter of waiting: that wakes what is due."""


class Due(NamedTuple):
    """What is due to an account: a purchase's credits, by the purchase's id, or its plan, in test or live mode."""

    account_id: str
    subject: str
    live: bool


def put(connection: Connection, due: Due, problem: str, now: Instant) -> None:
    """Remember that something is due, and why it could not be done; one that is known stays as it is."""
    values = due._asdict() | {"tries": 0, "next_try_time": Instant(now + FIRST_PAUSE), "problem": problem}
    statement = insert(payment_dues).values(values | {"create_time": now})
    connection.execute(statement.on_conflict_do_nothing())


def drop(connection: Connection, due: Due) -> bool:
    """Forget what is done; return whether it was due."""
    c = payment_dues.c
    same = c.account_id == due.account_id, c.subject == due.subject, c.live == due.live
    statement = delete(payment_dues).where(*same).returning(c.subject)
    return connection.execute(statement).one_or_none() is not None


def drop_plans(connection: Connection, account_id: str) -> list[bool]:
    """Forget that an account's plan is due, to whoever sees to it now; return in which modes it was, live or not."""
    c = payment_dues.c
    statement = delete(payment_dues).where(c.account_id == account_id, c.subject == PLAN).returning(c.live)
    return sorted(connection.execute(statement).scalars())


def wake(connection: Connection, account_id: str, now: Instant) -> None:
    """Have what is due to an account tried at once."""
    connection.execute(update(payment_dues).where(payment_dues.c.account_id == account_id).values(next_try_time=now))


class Tried(NamedTuple):
    """What is due, and how often it was tried."""

    due: Due
    tries: int


def ready(connection: Connection, now: Instant, count: int) -> list[Tried]:
    """Return what is due and whose time has come, and hold its rows; what others hold is left out."""
    c = payment_dues.c
    query = select(*(c[name] for name in Due._fields), c.tries).where(c.next_try_time <= now)
    query = query.order_by(c.next_try_time).limit(count).with_for_update(skip_locked=True)
    return [Tried(Due(*row[:-1]), row.tries) for row in connection.execute(query)]


def put_off(connection: Connection, tried: Tried, now: Instant) -> None:
    """Put what is tried now off to its next try."""
    c, due = payment_dues.c, tried.due
    pause = min(LONGEST_PAUSE, FIRST_PAUSE << min(tried.tries + 1, 20))
    same = c.account_id == due.account_id, c.subject == due.subject, c.live == due.live
    values = {"tries": tried.tries + 1, "next_try_time": Instant(now + pause)}
    connection.execute(update(payment_dues).where(*same).values(values))
