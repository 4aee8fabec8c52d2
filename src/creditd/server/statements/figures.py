"""Amounts and times as statements write them."""

from datetime import UTC, datetime, timedelta, tzinfo
from typing import Final

from creditd.domain.instant import Instant

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


def local_time(instant: Instant, zone: tzinfo) -> datetime:
    """Return an instant as the clocks of a zone showed it."""
    return (_EPOCH + timedelta(microseconds=instant)).astimezone(zone)


def plain_amount(amount: int, decimals: int) -> str:
    """Write an amount of the smallest unit in whole units: 1250 of 2 decimals is 12.50. Exact, with no grouping."""
    if not decimals:
        return str(amount)
    sign, digits = ("-" if amount < 0 else ""), str(abs(amount)).rjust(decimals + 1, "0")
    return f"{sign}{digits[:-decimals]}.{digits[-decimals:]}"
