"""Which days were compared with which provider."""

from sqlalchemy import Connection
from sqlalchemy.dialects.postgresql import insert

from creditd.domain.instant import Instant
from creditd.domain.purchase import Provider
from creditd.storage.payment_tables import reconciliations


def begin(connection: Connection, provider: Provider, *, live: bool, day: Instant, now: Instant) -> bool:
    """Take a day's comparison upon oneself; return False if another server has."""
    values = {"provider": int(provider), "live": live, "day": day, "start_time": now}
    made = insert(reconciliations).values(values).on_conflict_do_nothing().returning(reconciliations.c.day)
    return connection.execute(made).one_or_none() is not None
