"""Amounts and times as statements write them."""

from datetime import UTC, datetime, timedelta
from typing import Final
from zoneinfo import ZoneInfo

from creditd.domain.instant import Instant
from creditd.server.refusals import InvalidFields

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


def zone_of(name: str) -> ZoneInfo:
    """Return the time zone of an IANA name, UTC for an empty one. Raises InvalidFields for a name of none."""
    try:
        return ZoneInfo(name or "UTC")
    except (LookupError, ValueError, OSError) as error:
        # A folder of zones, or a file beside them, is none either.
        rule = "the IANA name of a time zone, such as Asia/Bangkok"
        raise InvalidFields([("time_zone", "time_zone", rule)]) from error


def local_time(instant: Instant, zone: ZoneInfo) -> datetime:
    """Return an instant as the clocks of a zone showed it."""
    return (_EPOCH + timedelta(microseconds=instant)).astimezone(zone)


def plain_amount(amount: int, decimals: int) -> str:
    """Write an amount of the smallest unit in whole units: 1250 of 2 decimals is 12.50. Exact, with no grouping."""
    if not decimals:
        return str(amount)
    sign, digits = ("-" if amount < 0 else ""), str(abs(amount)).rjust(decimals + 1, "0")
    return f"{sign}{digits[:-decimals]}.{digits[-decimals:]}"
