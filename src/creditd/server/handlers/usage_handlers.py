"""CreditService and AdminService: what was used, of one account and of all."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Final

from credit.v1 import admin_service_pb2, credit_service_pb2, usage_pb2
from creditd.domain import errors
from creditd.domain.grants import Source
from creditd.domain.usage.usage import COVERED, USED, Measure
from creditd.domain.usage.usage_periods import (
    Granularity,
    Period,
    RankingSpan,
    points,
    require_period,
    usual_period,
    zone_of,
)
from creditd.ledger.clock import DatabaseClock
from creditd.server.chunks import SMALL_ITEMS, chunked
from creditd.server.credit_messages import instant, number, write_time
from creditd.service.call import Call
from creditd.service.catalogue import Catalogue
from creditd.service.usage.usage import Figures, TypeAnalytics, TypeUsage, UsageBalance, UsageReports
from creditd.storage.usage.usage import PartUsage
from creditd.storage.usage.usage_contributions import Dimension

MAX_POINTS: Final = 400
"""Of one credit type: a year of days, or a bit more than two weeks of hours."""

USUAL_TOP: Final = 10
"""How many accounts and labels are ranked if it is not said how many."""

_LARGEST: Final = 2**63 - 1

_FIELDS: Final[Mapping[str, Mapping[Measure, int]]] = {
    "used": USED,
    "spent": {Measure.SPENT: 1},
    "refunded": {Measure.REFUNDED: 1},
    "covered": COVERED,
    "purchased": {Measure.PURCHASED: 1},
    "granted": {Measure.GRANTED: 1},
    "promotional": {Measure.PROMOTED: 1},
    "added": {Measure.ADDED: 1},
    "restored": {Measure.RESTORED: 1},
    "removed": {Measure.REMOVED: 1},
    "expired": {Measure.EXPIRED: 1},
    "clawed_back": {Measure.CLAWED_BACK: 1},
    "debt_incurred": {Measure.INDEBTED: 1},
    "debt_paid": {Measure.REPAID: 1},
    "debt_written_off": {Measure.WRITTEN_OFF: 1},
}
"""The fields of UsageFigures, and the measures that each adds up, with their signs."""

_OF_MEASURE: Final = {
    measure: [(field, signs[measure]) for field, signs in _FIELDS.items() if measure in signs] for measure in Measure
}


class UsageHandlers:
    """Usage, of one account and of all."""

    def __init__(self, reports: UsageReports, catalogue: Catalogue, clock: DatabaseClock) -> None:
        """Read ``reports``; what is not stated of a period goes by ``clock``."""
        self._reports = reports
        self._catalogue = catalogue
        self._clock = clock

    async def get_usage_summary(
        self, request: credit_service_pb2.GetUsageSummaryRequest, call: Call
    ) -> credit_service_pb2.GetUsageSummaryResponse:
        """Answer GetUsageSummary."""
        del call
        codes = await self._catalogue.chosen(request.credit_types) if request.credit_types else ()
        periods = self._periods(request)
        found = await self._reports.summary(request.account_id, codes, periods)
        answer = credit_service_pb2.GetUsageSummaryResponse(label=found.label)
        _write_period(answer, periods)
        for one in found.types:
            await _write_type(answer.usage.add(), one, periods)
        return answer

    async def get_usage_analytics(
        self, request: admin_service_pb2.GetUsageAnalyticsRequest, call: Call
    ) -> admin_service_pb2.GetUsageAnalyticsResponse:
        """Answer GetUsageAnalytics."""
        codes = await self._catalogue.chosen(request.credit_types)
        periods = self._periods(request)
        span = RankingSpan(request.ranking or RankingSpan.MONTH)
        found = await self._reports.analytics(call, codes, periods, span, request.top_size or USUAL_TOP)
        answer = admin_service_pb2.GetUsageAnalyticsResponse(label=found.label)
        _write_period(answer, periods)
        write_time(answer.ranking_start_time, found.ranking.start)
        write_time(answer.ranking_end_time, found.ranking.end)
        for one in found.types:
            await _write_analytics(answer.analytics.add(), one, periods)
        return answer

    def _periods(
        self, request: credit_service_pb2.GetUsageSummaryRequest | admin_service_pb2.GetUsageAnalyticsRequest
    ) -> list[Period]:
        """Return the periods of the chart. Raises InvalidField."""
        granularity = Granularity(request.granularity or Granularity.DAY)
        zone = zone_of(request.time_zone)
        period = usual_period(self._clock.now(), granularity, zone)
        if request.HasField("start_time"):
            period = period._replace(start=instant(request.start_time, "start_time"))
        if request.HasField("end_time"):
            period = period._replace(end=instant(request.end_time, "end_time"))
            if not request.HasField("start_time"):
                raise errors.InvalidField(field="start_time", rule="required with end_time")
        require_period(period)
        return points(period, granularity, zone, MAX_POINTS)


def _write_period(
    answer: credit_service_pb2.GetUsageSummaryResponse | admin_service_pb2.GetUsageAnalyticsResponse,
    periods: Sequence[Period],
) -> None:
    write_time(answer.start_time, periods[0].start)
    write_time(answer.end_time, periods[-1].end)


async def _write_type(message: usage_pb2.CreditTypeUsage, one: TypeUsage, periods: Sequence[Period]) -> None:
    message.credit_type = one.credit_type
    for of_message, balance in ((message.opening_balance, one.opening), (message.closing_balance, one.closing)):
        if balance is not None:
            _write_balance(of_message, balance)
    message.held = one.held
    await _write_figures(message, one.points, periods)
    _write_parts(message.labels, one.parts, Dimension.LABEL)
    _write_parts(message.spenders, one.parts, Dimension.SPENDER)


async def _write_analytics(
    message: usage_pb2.CreditTypeAnalytics, one: TypeAnalytics, periods: Sequence[Period]
) -> None:
    message.credit_type = one.credit_type
    _write_balance(message.balance, one.balance)
    await _write_figures(message, one.points, periods)
    _write_parts(message.top_accounts, one.top, Dimension.ACCOUNT)
    _write_parts(message.top_labels, one.top, Dimension.LABEL)


async def _write_figures(
    message: usage_pb2.CreditTypeUsage | usage_pb2.CreditTypeAnalytics,
    figures: Sequence[Figures],
    periods: Sequence[Period],
) -> None:
    """Write the points, and what they add up to: in all, and by source."""
    total: Counter[tuple[Measure, int]] = Counter()
    for of_point in figures:
        for key, amount in of_point.items():
            total[key] += amount
    write_figures(message.figures, total)
    for source in Source:
        of_source = {key: amount for key, amount in total.items() if key[1] == source and amount}
        if of_source:
            write_figures(message.sources.add(source=number(source)).figures, of_source)
    async for some in chunked(list(zip(periods, figures, strict=True)), SMALL_ITEMS):
        for (start, end), of_point in some:
            point = message.points.add()
            write_time(point.start_time, start)
            write_time(point.end_time, end)
            write_figures(point.figures, of_point)


def write_figures(message: usage_pb2.UsageFigures, figures: Figures) -> None:
    """Write amounts by measure and source as the figures that they come to, over all sources."""
    sums: Counter[str] = Counter()
    for (measure, _), amount in figures.items():
        for field, sign in _OF_MEASURE[measure]:
            sums[field] += sign * amount
    message.SetInParent()
    for field, amount in sums.items():
        setattr(message, field, _shown(amount))


def _write_balance(message: usage_pb2.UsageBalance, balance: UsageBalance) -> None:
    message.SetInParent()
    message.available, message.reserved, message.debt = map(_shown, balance)


def _write_parts(messages: object, parts: Iterable[PartUsage], dimension: Dimension) -> None:
    for part in parts:
        if part.dimension == dimension:
            messages.add(value=part.value, used=_shown(part.used), covered=_shown(part.covered))  # type: ignore[attr-defined]


def _shown(amount: int) -> int:
    """Return an amount as far as an int64 can show it."""
    return max(-_LARGEST, min(_LARGEST, amount))
