"""Periods of usage: hours, days, weeks and months as a clock on the wall of some time zone has them.

A day on which that clock is put forward has 23 hours and one on which it is put back 25; each is one period.
"""

from bisect import bisect_left
from collections.abc import Iterator, Sequence
from datetime import UTC, date, datetime, timedelta, tzinfo
from enum import IntEnum
from typing import Final, NamedTuple
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from creditd.domain import errors
from creditd.domain.instant import SECOND, Instant
from creditd.domain.usage.usage import QUARTER

HOUR: Final = 3_600 * SECOND
DAY: Final = 24 * HOUR

LONGEST_ZONE_NAME: Final = 64
"""Twice that of the longest in the database of time zones."""

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND: Final = timedelta(microseconds=1)

FIRST: Final = Instant(946_684_800 * SECOND)
LAST: Final = Instant(7_258_118_400 * SECOND)
"""The years 2000 to 2199: long before the first entry, and long after the last one. Some zones had odd minutes once."""


class Granularity(IntEnum):
    """How long each period is. The numbers are those of the proto."""

    HOUR = 1
    DAY = 2
    WEEK = 3
    MONTH = 4


class Period(NamedTuple):
    """From an instant, and before another one."""

    start: Instant
    end: Instant


USUAL: Final = {Granularity.HOUR: 24, Granularity.DAY: 30, Granularity.WEEK: 12, Granularity.MONTH: 12}
"""How many periods there are if no start is stated."""


def zone_of(name: str) -> tzinfo:
    """Return a time zone by its IANA name; UTC if empty. Raises InvalidField for what is none."""
    if not name:
        return UTC
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        # OSError: a name of a folder of that database, such as Asia.
        raise errors.InvalidField(field="time_zone", rule="the name of an IANA time zone") from error


def usual_period(now: Instant, granularity: Granularity, zone: tzinfo) -> Period:
    """Return the period that is meant if none is stated: the current one and the usual number before it."""
    start = _start_of(now, granularity, zone)
    end = _following(start, granularity, zone)
    for _ in range(USUAL[granularity] - 1):
        start = _start_of(Instant(start - 1), granularity, zone)
    return Period(start, end)


def require_period(period: Period) -> None:
    """Raise InvalidField for a period that is empty, or does not begin and end with a quarter of an hour."""
    for field, instant in zip(("start_time", "end_time"), period, strict=True):
        if not FIRST <= instant <= LAST:
            raise errors.InvalidField(field=field, rule="from the year 2000 to 2199")
        if instant % QUARTER:
            raise errors.InvalidField(field=field, rule="at a quarter of an hour, such as 10:15:00")
    if period.start >= period.end:
        raise errors.InvalidField(field="end_time", rule="after start_time")


def points(period: Period, granularity: Granularity, zone: tzinfo, most: int) -> list[Period]:
    """Return the periods that a period is made of, in order; the first and the last may be cut by it.

    Raises InvalidField for more than ``most``, and for a zone that differs from UTC by odd minutes.
    """
    found: list[Period] = []
    start, end = period
    while start < end:
        if len(found) == most:
            raise errors.InvalidField(field="end_time", rule=f"at most {most} points; ask for a coarser granularity")
        following = min(end, _following(start, granularity, zone))
        if following % QUARTER:
            raise errors.InvalidField(field="time_zone", rule="one that differs from UTC by quarters of an hour")
        found.append(Period(start, following))
        start = following
    return found


def _start_of(instant: Instant, granularity: Granularity, zone: tzinfo) -> Instant:
    """Return when the period began that an instant lies in."""
    if granularity == Granularity.HOUR:
        return _start_of_hour(instant, zone)
    day = (_EPOCH + instant * _MICROSECOND).astimezone(zone).date()
    if granularity == Granularity.WEEK:
        day -= timedelta(days=day.weekday())
    if granularity == Granularity.MONTH:
        day = day.replace(day=1)
    return _midnight(day, zone)


def _following(instant: Instant, granularity: Granularity, zone: tzinfo) -> Instant:
    """Return when the period ends that an instant lies in."""
    if granularity == Granularity.HOUR:
        return Instant(_start_of_hour(instant, zone) + HOUR)
    day = (_EPOCH + instant * _MICROSECOND).astimezone(zone).date()
    if granularity == Granularity.DAY:
        day += timedelta(days=1)
    elif granularity == Granularity.WEEK:
        day += timedelta(days=7 - day.weekday())
    else:
        day = (day.replace(day=1) + timedelta(days=31)).replace(day=1)
    return _midnight(day, zone)


def _start_of_hour(instant: Instant, zone: tzinfo) -> Instant:
    """Return when an hour of that zone began: its offset says at which minute of UTC.

    Each lasts an hour, also where the clock goes through one of them twice.
    """
    offset = (_EPOCH + instant * _MICROSECOND).astimezone(zone).utcoffset() or timedelta()
    odd = (offset // _MICROSECOND) % HOUR
    return Instant(instant - (instant + odd) % HOUR)


def _midnight(day: date, zone: tzinfo) -> Instant:
    """Return when a day begins. Where the clock passes over midnight it begins with the first instant that it has."""
    naive = datetime(day.year, day.month, day.day, tzinfo=zone)
    instant = Instant((naive - _EPOCH) // _MICROSECOND)
    # Of a midnight that is passed over, ``fold`` 0 means what was before: the day's first instant is where it changes.
    there = (_EPOCH + instant * _MICROSECOND).astimezone(zone)
    if there.replace(tzinfo=None) == naive.replace(tzinfo=None):
        return instant
    return _first_of(day, zone, instant)


def _first_of(day: date, zone: tzinfo, near: Instant) -> Instant:
    quarters = [Instant(near - near % QUARTER + n * QUARTER) for n in range(-12, 13)]
    return quarters[bisect_left(quarters, day, key=lambda i: (_EPOCH + i * _MICROSECOND).astimezone(zone).date())]


class Grain(IntEnum):
    """How long the stretches are that usage of all accounts is added up by. The numbers are those of the rows."""

    QUARTER = 1
    HOUR = 2
    DAY = 3
    EVER = 4


GRAINS: Final = {Grain.DAY: DAY, Grain.HOUR: HOUR, Grain.QUARTER: QUARTER}
"""Their lengths, the longest first."""


class Segment(NamedTuple):
    """A part of the ``point``-th period that consists of whole stretches of a grain."""

    point: int
    grain: Grain
    start: Instant
    end: Instant


def segments(periods: Sequence[Period]) -> list[Segment]:
    """Cut periods into stretches as long as there are: whole days of UTC, and hours and quarters around them."""
    return [part for point, period in enumerate(periods) for part in _cut(point, period, tuple(GRAINS.items()))]


def _cut(point: int, period: Period, grains: Sequence[tuple[Grain, int]]) -> Iterator[Segment]:
    start, end = period
    if start >= end:
        return
    (grain, length), *finer = grains
    first, last = Instant(-(-start // length) * length), Instant(end - end % length)
    if first < last:
        yield from _cut(point, Period(start, first), finer) if finer else ()
        yield Segment(point, grain, first, last)
        yield from _cut(point, Period(last, end), finer) if finer else ()
    elif finer:
        yield from _cut(point, period, finer)


class RankingSpan(IntEnum):
    """A day, week or month of UTC, by which those are ranked that use the most. The numbers are those of the proto."""

    DAY = 1
    WEEK = 2
    MONTH = 3


_GRANULARITIES: Final = {
    RankingSpan.DAY: Granularity.DAY,
    RankingSpan.WEEK: Granularity.WEEK,
    RankingSpan.MONTH: Granularity.MONTH,
}


def span_of(instant: Instant, span: RankingSpan) -> Period:
    """Return the day, week or month of UTC that an instant lies in."""
    granularity = _GRANULARITIES[span]
    return Period(_start_of(instant, granularity, UTC), _following(instant, granularity, UTC))
