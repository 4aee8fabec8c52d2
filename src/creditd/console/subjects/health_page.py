"""How the system does: what the metrics say, each figure with the value from which to worry."""

from collections.abc import Sequence
from typing import Final, NamedTuple

from starlette.responses import Response

from credit.v1.status_figure_pb2 import StatusFigure
from credit.v1.support_service_pb2 import GetSystemStatusRequest, GetSystemStatusResponse
from creditd.console.shapes.cells import NOTHING, Cell, CellWriter
from creditd.console.visit import Visit

_BY_KIND: Final = ("bulkhead_waiting", "bulkhead_refused_total")
"""Figures that there are for each kind of thread, whose name is behind theirs."""


class StatusRow(NamedTuple):
    """A figure: what it is called, what it is, from when on to worry, and how it stands."""

    name: Cell
    value: Cell
    worrying_from: Cell
    state: Cell
    is_worrying: bool


async def health_page(visit: Visit) -> Response:
    """Show the status of the server that answers, with what it knows of the database that all share."""
    answer: GetSystemStatusResponse = await visit.ask(visit.stubs.support.GetSystemStatus, GetSystemStatusRequest())
    status, write = answer.system_status, CellWriter(visit, {})
    return visit.page("health.html", system=status, rows=status_rows(write, status), again=10)


def status_rows(write: CellWriter, status: object) -> Sequence[StatusRow]:
    """Return the figures of a status, those that are worrying first."""
    figures: Sequence[StatusFigure] = status.figures  # type: ignore[attr-defined]
    rows = [_row(write, figure) for figure in figures]
    # Then those that there may be something to worry about; those that only tell how much there is come last.
    return sorted(rows, key=lambda row: (not row.is_worrying, not row.worrying_from.plain))


def _row(write: CellWriter, figure: StatusFigure) -> StatusRow:
    name = _name(write, figure.name)
    if not figure.HasField("value"):
        state = write.tag(("", "ask"), write.text("health.unknown"))
    elif figure.is_worrying:
        state = write.tag(("t-warn", "alert"), write.text("health.worrying"))
    else:
        state = write.tag(("quiet", "check"), write.text("health.fine"))
    value = _number(write, figure.value) if figure.HasField("value") else NOTHING
    limit = _number(write, figure.worrying_from) if figure.HasField("worrying_from") else NOTHING
    return StatusRow(name, value, limit, state, figure.is_worrying)


def _name(write: CellWriter, name: str) -> Cell:
    """Return what a figure is called; of one that is newer than this page, the service's own name."""
    for part in _BY_KIND:
        if name.startswith(f"{part}_"):
            return write.text(f"figure.{part}", kind=name.removeprefix(f"{part}_"))
    key = f"figure.{name}"
    return write.text(key) if write.visit.reader.texts.knows(key) else write.code(name)


def _number(write: CellWriter, value: float) -> Cell:
    """Return a figure of measurement, to three digits behind the point."""
    return write.code(f"{value:,.3f}".rstrip("0").rstrip("."))
