"""The dashboard: what needs a person, what was bought, given and used, and how the system does."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final, NamedTuple

from google.protobuf.timestamp_pb2 import Timestamp
from starlette.responses import Response

from credit.v1.admin_service_pb2 import GetUsageAnalyticsRequest
from credit.v1.source_pb2 import Source
from credit.v1.support_service_pb2 import GetSystemStatusRequest
from credit.v1.usage_pb2 import CreditTypeAnalytics, UsageFigures, UsageGranularity
from creditd.console import limits
from creditd.console.service_refusal import ServiceRefusal
from creditd.console.shapes.cells import Cell, CellWriter
from creditd.console.shapes.chart import Chart, ChartDay, chart_of
from creditd.console.shapes.credit_types import credit_types
from creditd.console.shapes.detail_page import DetailSection
from creditd.console.shapes.list_page import ListPage, first_rows
from creditd.console.shapes.look_back import DAYS, LookBack, period_of
from creditd.console.subjects.account_list import ACCOUNTS
from creditd.console.subjects.approval_pages import APPROVALS
from creditd.console.subjects.flag_pages import FLAGS
from creditd.console.subjects.health_page import StatusRow, status_rows
from creditd.console.subjects.payment_event_pages import PAYMENT_EVENTS
from creditd.console.visit import Visit

IN_LOOKS: Final = ("bought", "given")
OUT_LOOKS: Final = ("used", "lapsed", "claw")


class WaitingList(NamedTuple):
    """A list of what waits for a person: the key of its text, its icon, the list, and what of it waits.

    That is stated twice: by fields of the request, and as the URL has it. ``since`` is the field of a row that says
    since when; empty if none does.
    """

    key: str
    icon: str
    page: ListPage
    fields: Mapping[str, Any]
    query: Mapping[str, str]
    since: str = ""


WAITING_LISTS: Final = (
    WaitingList(
        "waiting.parked",
        "stop",
        PAYMENT_EVENTS,
        {"state": "PAYMENT_EVENT_STATE_PARKED"},
        {"state": "parked"},
        "receive_time",
    ),
    WaitingList(
        "waiting.approvals",
        "approve",
        APPROVALS,
        {"state": "APPROVAL_STATE_PENDING"},
        {"state": "pending"},
        "create_time",
    ),
    WaitingList("waiting.flags", "flag", FLAGS, {}, {}, "raise_time"),
    WaitingList(
        "waiting.disputes", "alert", ACCOUNTS, {"concern": "ACCOUNT_CONCERN_DISPUTED"}, {"concern": "disputed"}
    ),
    WaitingList("waiting.debts", "claw", ACCOUNTS, {"concern": "ACCOUNT_CONCERN_IN_DEBT"}, {"concern": "in_debt"}),
)


class Waiting(NamedTuple):
    """What waits for a person, in words; whether that could be read, and where it is. ``oldest`` says since when."""

    text: Cell
    icon: str
    is_known: bool
    path: str
    oldest: Cell | None = None


class SumRow(NamedTuple):
    """The sums of a credit type, in the order of the table's heads, and by how much each has changed."""

    credit_type: str
    sums: Sequence[tuple[Cell, int | None]]
    balance: Cell
    debt: Cell | None


class Usage(NamedTuple):
    """What the dashboard says of credits; ``problem`` why it cannot."""

    rows: Sequence[SumRow] = ()
    chosen: CreditTypeAnalytics | None = None
    chart: Chart | None = None
    days: Sequence[Sequence[Cell]] = ()
    sources: DetailSection | None = None
    top: Sequence[tuple[Cell, Cell, str]] = ()
    problem: ServiceRefusal | None = None


HEADS: Final = ("purchased", "given", "used", "refunded", "expired", "clawed_back")


async def dashboard(visit: Visit) -> Response:
    """Show what there is for whoever has signed in; what cannot be read is said in its place."""
    types = await credit_types(visit)
    write, period = CellWriter(visit, types), period_of(visit)
    # A page that asks by itself takes what waits for a person, and drops the rest.
    more = () if visit.is_by_itself else (_usage(write, period), _status(write))
    waiting, *answers = await visit.ask_all(_waiting(write), *more)
    usage, worries = answers or (Usage(), ())
    return visit.page(
        "dashboard.html",
        waiting=waiting,
        usage=usage,
        worries=worries,
        days=DAYS,
        period=period,
        heads=HEADS,
        credit_type=usage.chosen.credit_type if usage.chosen else "",
    )


async def _waiting(write: CellWriter) -> list[Waiting]:
    """Return what waits for a person, of what whoever has signed in may see. Raises ServiceRefusal."""
    visit = write.visit
    looked_at = [one for one in WAITING_LISTS if visit.may(one.page.permission)]
    lists = await visit.ask_all(*(first_rows(visit, one.page, one.fields, limits.MOST_WAITING) for one in looked_at))
    found = []
    for one, listed in zip(looked_at, lists, strict=True):
        path = visit.path(one.page.path, **one.query)
        if listed is None:
            text = write.text("waiting.unread", what=write.text(f"list.{one.page.name}"))
            found.append(Waiting(text, one.icon, is_known=False, path=path))
        elif listed[0]:
            rows, has_more = listed
            text = write.text(one.key + (".more" if has_more else ""), count=len(rows))
            # Of more than are listed, which come newest first, the oldest is not known.
            oldest = None if has_more or not one.since else _oldest(write, [getattr(row, one.since) for row in rows])
            found.append(Waiting(text, one.icon, is_known=True, path=path, oldest=oldest))
    return found


def _oldest(write: CellWriter, times: Sequence[Timestamp]) -> Cell:
    return write.waiting_time(min(times, key=Timestamp.ToNanoseconds), waits=True)


async def _status(write: CellWriter) -> Sequence[StatusRow] | None:
    """Return the figures that are worrying; nothing for who may not see them, None if they cannot be read."""
    visit = write.visit
    if not visit.may("system_status.read"):
        return ()
    try:
        answer = await visit.ask(visit.stubs.support.GetSystemStatus, GetSystemStatusRequest())
    except ServiceRefusal as refusal:
        if refusal.concerns_the_page:
            raise
        return None
    return [row for row in status_rows(write, answer.system_status) if row.is_worrying]


async def _usage(write: CellWriter, period: LookBack) -> Usage:
    """Return what all accounts used and got. Raises ServiceRefusal for what concerns all of the page."""
    visit = write.visit
    if not visit.may("finances.read"):
        return Usage()
    chosen = _chosen(write)
    try:
        now, before, by_day = await visit.ask_all(
            *(
                visit.ask(visit.stubs.admin.GetUsageAnalytics, request)
                for request in _requests(visit.reader.zone_name, period, chosen)
            )
        )
    except ServiceRefusal as refusal:
        if refusal.concerns_the_page:
            raise
        return Usage(problem=refusal)
    earlier = {one.credit_type: one.figures for one in before.analytics}
    rows = [_row(write, one, earlier.get(one.credit_type)) for one in now.analytics]
    shown = next(iter(by_day.analytics), None)
    if shown is None:
        return Usage(rows)
    return Usage(rows, shown, _chart(write, shown), _days(write, shown), _sources(write, shown), _top(write, shown))


def _chosen(write: CellWriter) -> list[str]:
    """Return the credit type of the chart: the one that the URL states, else the first; none if there are none."""
    stated = write.visit.request.query_params.get("type", "")
    return [stated] if stated in write.types else sorted(write.types)[:1]


def _requests(zone: str, period: LookBack, chosen: list[str]) -> Iterator[GetUsageAnalyticsRequest]:
    """Yield the requests: all types now and before, with few points, of which the service has a limit; one by day."""
    months: dict[str, Any] = {"time_zone": zone, "granularity": UsageGranularity.USAGE_GRANULARITY_MONTH}
    yield GetUsageAnalyticsRequest(start_time=period.start_time, **months)
    yield GetUsageAnalyticsRequest(start_time=period.before_time, end_time=period.start_time, **months)
    yield GetUsageAnalyticsRequest(start_time=period.start_time, time_zone=zone, credit_types=chosen)


def _sums(figures: UsageFigures) -> tuple[int, ...]:
    """Return the sums of the table's heads."""
    given = figures.granted + figures.promotional + figures.added
    return figures.purchased, given, figures.used, figures.refunded, figures.expired, figures.clawed_back


def _row(write: CellWriter, one: CreditTypeAnalytics, before: UsageFigures | None) -> SumRow:
    code, balance = one.credit_type, one.balance
    earlier: tuple[int, ...] = _sums(before) if before else (0,) * len(HEADS)
    sums = [
        (write.credits(now, code, is_bare=True), round((now - then) * 100 / then) if then > 0 else None)
        for now, then in zip(_sums(one.figures), earlier, strict=True)
    ]
    debt = write.credits(balance.debt, code, is_bare=True) if balance.debt else None
    wallets = write.credits(balance.available + balance.reserved, code, is_bare=True)
    if balance.reserved:
        held = write.text("dashboard.held", amount=write.credits(balance.reserved, code, is_bare=True))
        wallets = write.under(wallets, held)
    return SumRow(code, sums, wallets, debt)


def _came_in(figures: UsageFigures) -> tuple[int, ...]:
    return figures.purchased, figures.granted + figures.promotional + figures.added + figures.restored


def _went_out(figures: UsageFigures) -> tuple[int, ...]:
    return max(figures.used, 0), figures.expired + figures.removed, figures.clawed_back


def _chart(write: CellWriter, one: CreditTypeAnalytics) -> Chart:
    reader = write.visit.reader
    decimals = write.types[one.credit_type].decimals if one.credit_type in write.types else 0
    days = [
        ChartDay(
            reader.day(point.start_time.ToDatetime(reader.zone), write.visit.now),
            _came_in(point.figures),
            _went_out(point.figures),
        )
        for point in one.points
    ]
    return chart_of(days, (IN_LOOKS, OUT_LOOKS), decimals, reader.language)


def _days(write: CellWriter, one: CreditTypeAnalytics) -> list[list[Cell]]:
    """Return the chart as a table, newest first."""
    reader, code = write.visit.reader, one.credit_type
    return [
        [
            write.said(reader.day(point.start_time.ToDatetime(reader.zone), write.visit.now)),
            *(
                write.credits(amount, code, is_bare=True)
                for amount in (*_came_in(point.figures), *_went_out(point.figures))
            ),
        ]
        for point in reversed(one.points)
    ]


def _sources(write: CellWriter, one: CreditTypeAnalytics) -> DetailSection:
    """Return what was used of each source, and what of it ended unused; plans are of none."""
    rows = [
        (
            write.word(Source, part.source),
            write.credits(part.figures.used, one.credit_type, is_bare=True),
            write.credits(part.figures.expired, one.credit_type, is_bare=True),
        )
        for part in one.sources
    ]
    return DetailSection("used_sources", heads=(("source", ""), ("used", "n"), ("lapsed", "n")), rows=rows)


def _top(write: CellWriter, one: CreditTypeAnalytics) -> list[tuple[Cell, Cell, str]]:
    """Return the accounts that used the most: each with what it used, and its share of the first one's, in per cent."""
    most = max((part.used + part.covered for part in one.top_accounts), default=0)
    return [
        (
            write.account(part.value),
            write.credits(part.used + part.covered, one.credit_type),
            f"{max(0, part.used + part.covered) * 100 // max(most, 1)}%",
        )
        for part in one.top_accounts
    ]
