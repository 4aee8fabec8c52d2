"""A period of days that ends with today, by the reader's calendar, as dashboards look back."""

from datetime import UTC, datetime, time, timedelta
from typing import Final, NamedTuple

from google.protobuf.timestamp_pb2 import Timestamp

from creditd.console.visit import Visit

DAYS: Final = (7, 30, 90)
"""That can be looked back; the second one if none is stated."""


class LookBack(NamedTuple):
    """How many days, from when on, and when the period of as many days before it began."""

    days: int
    start_time: Timestamp
    before_time: Timestamp


def period_of(visit: Visit) -> LookBack:
    """Return the period that the URL states."""
    stated = visit.request.query_params.get("days", "")
    days = next((days for days in DAYS if str(days) == stated), DAYS[1])
    today = datetime.fromtimestamp(visit.now, visit.reader.zone).date()
    first = today - timedelta(days=days - 1)
    return LookBack(days, _beginning(visit, first), _beginning(visit, first - timedelta(days=days)))


def _beginning(visit: Visit, day: object) -> Timestamp:
    moment = Timestamp()
    moment.FromDatetime(datetime.combine(day, time(), visit.reader.zone).astimezone(UTC))  # type: ignore[arg-type]
    return moment
