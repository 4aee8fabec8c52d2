"""Where an account's credits went: what it opened with, what came in and went out, and what is left; and by whom."""

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Final, NamedTuple

from credit.v1.credit_service_pb2 import GetUsageSummaryRequest
from credit.v1.usage_pb2 import CreditTypeUsage, UsageBalance, UsageFigures, UsageGranularity
from creditd.console.service_refusal import ServiceRefusal
from creditd.console.shapes.cells import NOTHING, Cell, CellWriter
from creditd.console.shapes.detail_page import DetailSection
from creditd.console.shapes.look_back import period_of

_MOST_PARTS: Final = 5
"""Of those that spent, the first that are named."""


class AccountUsage(NamedTuple):
    """What an account used in a period, by credit type; ``problem`` says why that could not be read.

    ``lapsed`` is what ended unused, by credit type.
    """

    section: DetailSection
    lapsed: Mapping[str, int] = MappingProxyType({})
    problem: ServiceRefusal | None = None


HEADS: Final = (
    ("credit_type", ""),
    ("opening", "n"),
    ("came_in", "n"),
    ("used", "n"),
    ("under_plan", "n"),
    ("lapsed", "n"),
    ("taken", "n"),
    ("closing", "n"),
    ("spenders", "wide"),
)


async def account_usage(write: CellWriter, account_id: str) -> AccountUsage:
    """Return where the credits of an account went. Raises ServiceRefusal for what concerns all of the page."""
    visit, period = write.visit, period_of(write.visit)
    request = GetUsageSummaryRequest(
        account_id=account_id,
        # Few points for each type, none of which is shown: the service has a limit of all together.
        granularity=UsageGranularity.USAGE_GRANULARITY_MONTH,
        time_zone=visit.reader.zone_name,
        start_time=period.start_time,
    )
    try:
        answer = await visit.ask(visit.stubs.credit.GetUsageSummary, request)
    except ServiceRefusal as refusal:
        if refusal.concerns_the_page:
            raise
        return AccountUsage(DetailSection("usage"), problem=refusal)
    rows = [_row(write, usage, answer.label) for usage in answer.usage]
    lapsed = {usage.credit_type: usage.figures.expired for usage in answer.usage if usage.figures.expired}
    return AccountUsage(DetailSection("usage", heads=HEADS, rows=rows, hint="section.usage.hint"), lapsed)


def _row(write: CellWriter, usage: CreditTypeUsage, label: str) -> Sequence[Cell]:
    figures, code = usage.figures, usage.credit_type

    def bare(amount: int) -> Cell:
        return write.credits(amount, code, is_bare=True)

    parts = [*usage.spenders[:_MOST_PARTS], *(usage.labels[:_MOST_PARTS] if label else ())]
    return (
        write.code(code),
        bare(_whole(usage.opening_balance)) if usage.HasField("opening_balance") else NOTHING,
        bare(_came_in(figures)),
        bare(figures.used),
        bare(figures.covered),
        bare(figures.expired),
        bare(figures.removed + figures.clawed_back),
        bare(_whole(usage.closing_balance)) if usage.HasField("closing_balance") else NOTHING,
        write.beside([write.text("used_by", who=part.value or "?", amount=bare(part.used)) for part in parts])
        if parts
        else NOTHING,
    )


def _whole(balance: UsageBalance) -> int:
    """Return what there was, held or not: what is held is not used."""
    return balance.available + balance.reserved


def _came_in(figures: UsageFigures) -> int:
    """Return what came in, of which some may have paid debt and is in no balance."""
    brought = figures.purchased + figures.granted + figures.promotional + figures.added + figures.restored
    return brought - figures.debt_paid
