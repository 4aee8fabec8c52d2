"""Everybody's usage, as a desk tells it."""

import asyncio
from typing import Any
from zoneinfo import ZoneInfo

from creditd.domain.usage.usage_periods import Granularity, Period, RankingSpan, points, usual_period
from creditd.service.usage.usage import TypeAnalytics
from tests.support.desk import Desk
from tests.support.usage_rolling import reports_at

ZONE = "Asia/Kathmandu"


def periods(desk: Desk, zone: str = ZONE) -> list[Period]:
    """Return the last 30 days by a zone's clock."""
    period = usual_period(desk.clock.now(), Granularity.DAY, ZoneInfo(zone))
    return points(period, Granularity.DAY, ZoneInfo(zone), 400)


def analytics(desk: Desk, zone: str = ZONE, top_size: int = 50) -> TypeAnalytics:
    """Return everybody's usage of chat credits."""
    call: Any = type("Asker", (), {"subject": "staff"})
    reports = reports_at(desk)
    found = asyncio.run(reports.analytics(call, ["chat"], periods(desk, zone), RankingSpan.MONTH, top_size))
    return found.types[0]
