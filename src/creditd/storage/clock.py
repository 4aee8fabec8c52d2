"""The database's clock."""

from sqlalchemy import Connection, text

from creditd.domain.instant import Instant
from creditd.storage.rows import micros

_CLOCK = text(f"SELECT {micros('clock_timestamp()')}")


def read_clock(connection: Connection) -> Instant:
    """Return the database's time at some moment between question and answer."""
    return Instant(connection.execute(_CLOCK).scalar_one())
