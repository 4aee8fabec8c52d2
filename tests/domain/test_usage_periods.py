"""Hours, days, weeks and months by the clocks of time zones, those included that are put forward and back (C4)."""

from datetime import UTC, datetime
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from creditd.domain.errors import InvalidField
from creditd.domain.instant import SECOND, Instant
from creditd.domain.usage.usage import QUARTER
from creditd.domain.usage.usage_periods import (
    DAY,
    GRAINS,
    HOUR,
    Granularity,
    Period,
    RankingSpan,
    points,
    require_period,
    segments,
    span_of,
    usual_period,
    zone_of,
)

pytestmark = pytest.mark.requirement("C4", "C5")

ZONES = (
    *("UTC", "Asia/Bangkok", "Asia/Ho_Chi_Minh", "Asia/Jerusalem", "Asia/Kolkata", "Asia/Kathmandu"),
    *("America/New_York", "Australia/Lord_Howe", "America/Santiago", "Pacific/Apia", "Atlantic/Azores"),
    *("America/St_Johns", "Pacific/Chatham", "Africa/Casablanca"),
)


def at(text: str, zone: str = "UTC") -> Instant:
    """Return the instant at which a clock in a zone shows a time."""
    moment = datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(zone))
    return Instant(int(moment.timestamp()) * SECOND)


def days(start: str, end: str, zone: str) -> list[float]:
    """Return how many hours each day of a period has."""
    found = points(Period(at(start, zone), at(end, zone)), Granularity.DAY, ZoneInfo(zone), 400)
    return [(one.end - one.start) / HOUR for one in found]


def test_a_day_is_as_long_as_the_clock_in_its_zone_has_it() -> None:
    assert days("2026-03-26", "2026-03-29", "Asia/Jerusalem") == [24, 23, 24]
    assert days("2026-10-24", "2026-10-27", "Asia/Jerusalem") == [24, 25, 24]
    assert days("2026-03-26", "2026-03-29", "Asia/Bangkok") == [24, 24, 24]
    assert days("2026-04-04", "2026-04-07", "Australia/Lord_Howe") == [24, 24.5, 24]


def test_a_day_begins_with_its_first_instant_where_midnight_is_passed_over() -> None:
    zone = ZoneInfo("America/Santiago")
    start, end = at("2026-09-05", "America/Santiago"), at("2026-09-08", "America/Santiago")
    found = points(Period(start, end), Granularity.DAY, zone, 400)
    first = [datetime.fromtimestamp(one.start / SECOND, zone).strftime("%d %H:%M") for one in found]
    assert first == ["05 00:00", "06 01:00", "07 00:00"]


def test_a_day_that_a_zone_never_had_is_no_period() -> None:
    assert days("2011-12-29", "2012-01-01", "Pacific/Apia") == [24, 24]


@pytest.mark.parametrize(("zone", "minute"), [("Asia/Kolkata", 30), ("Asia/Kathmandu", 15), ("Asia/Bangkok", 0)])
def test_hours_and_days_begin_where_those_of_the_zone_do(zone: str, minute: int) -> None:
    period = usual_period(at("2026-06-15T10:20"), Granularity.HOUR, ZoneInfo(zone))
    assert period.start % HOUR == minute * 60 * SECOND
    assert len(points(period, Granularity.HOUR, ZoneInfo(zone), 400)) == 24
    day = usual_period(at("2026-06-15T10:20"), Granularity.DAY, ZoneInfo(zone))
    assert datetime.fromtimestamp(day.end / SECOND, ZoneInfo(zone)).strftime("%H:%M") == "00:00"
    assert len(points(day, Granularity.DAY, ZoneInfo(zone), 400)) == 30


def test_weeks_begin_on_mondays_and_months_on_the_first() -> None:
    zone = ZoneInfo("Asia/Jerusalem")
    for granularity, shape in ((Granularity.WEEK, "%u %H"), (Granularity.MONTH, "%d %H")):
        period = usual_period(at("2026-11-30T23:59"), granularity, zone)
        found = points(period, granularity, zone, 400)
        assert len(found) == 12
        starts = {datetime.fromtimestamp(one.start / SECOND, zone).strftime(shape) for one in found}
        assert starts in ({"1 00"}, {"01 00"})


@settings(settings.get_profile("short"))
@given(
    zone=st.sampled_from(ZONES),
    start=st.integers(at("2005-01-01") // QUARTER, at("2035-01-01") // QUARTER),
    length=st.integers(1, 4 * 24 * 300),
    granularity=st.sampled_from(Granularity),
)
def test_points_and_segments_cover_every_quarter_once(
    zone: str, start: int, length: int, granularity: Granularity
) -> None:
    period = Period(Instant(start * QUARTER), Instant((start + length) * QUARTER))
    if granularity == Granularity.HOUR:
        period = period._replace(end=min(period.end, Instant(period.start + 300 * HOUR)))
    found = points(period, granularity, ZoneInfo(zone), 400)
    assert (found[0].start, found[-1].end) == period
    assert all(one.end == other.start and one.start < one.end for one, other in pairwise(found))
    parts = sorted(segments(found), key=lambda one: one.start)
    assert [part.start for part in parts[1:]] == [part.end for part in parts[:-1]]
    assert (parts[0].start, parts[-1].end) == period
    for part in parts:
        assert part.start % GRAINS[part.grain] == part.end % GRAINS[part.grain] == 0
        assert found[part.point].start <= part.start < part.end <= found[part.point].end
    assert len(parts) <= 5 * len(found)


def test_of_whole_days_few_stretches_are_read() -> None:
    zone = ZoneInfo("Asia/Kathmandu")
    year = points(Period(at("2026-01-01", str(zone)), at("2027-01-01", str(zone))), Granularity.MONTH, zone, 400)
    assert len(segments(year)) == 5 * 12
    assert sum((one.end - one.start) // GRAINS[one.grain] for one in segments(year)) < 365 + 12 * (23 + 6)


def test_what_is_no_zone_or_no_period_is_refused() -> None:
    for name in ("Mars/Base", "Asia", "../UTC", "x" * 60):
        with pytest.raises(InvalidField) as refused:
            zone_of(name)
        assert refused.value.facts["field"] == "time_zone"
    assert zone_of("") is UTC
    for start, end, field in (
        ("2026-01-01", "2026-01-01", "end_time"),
        ("2026-01-01", "2025-12-31", "end_time"),
        ("2026-01-01T00:01", "2026-01-02", "start_time"),
        ("2026-01-01", "2026-01-02T00:00:01", "end_time"),
        ("1999-12-31", "2026-01-02", "start_time"),
        ("2026-01-01", "2200-01-02", "end_time"),
    ):
        with pytest.raises(InvalidField) as refused:
            require_period(Period(at(start), at(end)))
        assert refused.value.facts["field"] == field
    with pytest.raises(InvalidField):
        points(Period(at("2026-01-01"), at("2028-01-01")), Granularity.DAY, UTC, 400)


def test_a_zone_with_odd_minutes_is_refused() -> None:
    """Liberia was 44 minutes and 30 seconds behind until 1972; nobody is by now."""
    with pytest.raises(InvalidField):
        points(Period(Instant(0), Instant(2 * DAY)), Granularity.DAY, ZoneInfo("Africa/Monrovia"), 400)


def test_those_who_use_the_most_are_ranked_over_days_weeks_and_months_of_utc() -> None:
    moment = at("2026-11-26T13:14")
    assert span_of(moment, RankingSpan.DAY) == (at("2026-11-26"), at("2026-11-27"))
    assert span_of(moment, RankingSpan.WEEK) == (at("2026-11-23"), at("2026-11-30"))
    assert span_of(moment, RankingSpan.MONTH) == (at("2026-11-01"), at("2026-12-01"))
