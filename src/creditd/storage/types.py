"""Column types that speak the domain's language."""

from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import TIMESTAMP, Dialect, TypeDecorator

from creditd.domain.instant import Instant

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


class InstantColumn(TypeDecorator[Instant]):
    """A timestamptz whose values are the domain's instants."""

    impl = TIMESTAMP(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: Instant | None, dialect: Dialect) -> datetime | None:
        """Turn an instant into what the driver takes."""
        del dialect
        return None if value is None else _EPOCH + timedelta(microseconds=value)

    def process_result_value(self, value: Any, dialect: Dialect) -> Instant | None:
        """Turn what the driver gives into an instant."""
        del dialect
        return None if value is None else Instant((value - _EPOCH) // _MICROSECOND)
