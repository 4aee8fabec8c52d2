"""Which days were compared with which provider."""

from typing import NamedTuple

from sqlalchemy import Connection, func, select, update
from sqlalchemy.dialects.postgresql import insert

from creditd.domain.instant import Instant
from creditd.domain.payments.provider import Provider
from creditd.storage.payments.payment_tables import reconciliations


class Day(NamedTuple):
    """The comparison of one day with one provider; ``day`` is its beginning."""

    provider: Provider
    live: bool
    day: Instant


def begin(connection: Connection, day: Day, now: Instant, given_up: Instant) -> bool:
    """Take a day's comparison upon oneself; return False if it is made, or another server is at it.

    One that was begun before ``given_up`` and did not end is made again.
    """
    c = reconciliations.c
    statement = insert(reconciliations).values(_values(day) | {"start_time": now})
    is_left = c.end_time.is_(None) & (c.start_time < given_up)
    again = statement.on_conflict_do_update(constraint="reconciliations_pkey", set_={"start_time": now}, where=is_left)
    # SQLAlchemy counts no rows of an insert; it returns them.
    return connection.execute(again.returning(c.day)).one_or_none() is not None


def end(connection: Connection, day: Day, now: Instant) -> None:
    """Note that a day's comparison is made."""
    c = reconciliations.c
    same = c.provider == int(day.provider), c.live == day.live, c.day == day.day
    connection.execute(update(reconciliations).where(*same).values(end_time=now))


def last_start(connection: Connection, provider: Provider, *, live: bool) -> Instant | None:
    """Return when the last comparison that was made to its end began; None if there was none."""
    c = reconciliations.c
    made = c.provider == int(provider), c.live == live, c.end_time.is_not(None)
    start: Instant | None = connection.execute(select(func.max(c.start_time)).where(*made)).scalar_one()
    return start


def _values(day: Day) -> dict[str, object]:
    return {"provider": int(day.provider), "live": day.live, "day": day.day}
