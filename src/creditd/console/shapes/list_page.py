"""Lists: each is a declaration, and all are read, shown, filtered, paged and handed out as CSV in the same way."""

import re
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, NamedTuple
from urllib.parse import quote, urlencode

from starlette.responses import Response, StreamingResponse

from credit.v1.credit_type_pb2 import CreditType
from creditd.console import limits
from creditd.console.channel import Stubs
from creditd.console.service_refusal import ServiceRefusal
from creditd.console.shapes.archived_entries import archived_cells
from creditd.console.shapes.cells import Cell, CellWriter
from creditd.console.shapes.credit_types import credit_types
from creditd.console.shapes.list_filters import ListFilter, WantedRows, all_rows, wanted_of
from creditd.console.shapes.offered_acts import OfferedAct
from creditd.console.visit import Visit
from creditd.csv_cells import text_cell


class ListColumn(NamedTuple):
    """A column: the key of its heading, how it is written, and how it looks (``n`` for figures).

    One that ``has_unit`` has another column for it in a CSV file; one that is ``for_files`` is in no page.
    """

    name: str
    cell: Callable[[CellWriter, Any], Cell]
    look: str = ""
    has_unit: bool = False
    for_files: bool = False


@dataclass(frozen=True)
class ListPage:
    """A list. ``name`` is the key of its texts; ``method`` is called with a ``request``, whose answer has ``rows``.

    ``needs`` is the filter without which the service lists nothing, and ``given`` are fields of each request, beside
    the account and the credit type of the path, if there are any; ``of_path`` are those by its other parts. ``more``
    returns the rows with what else is asked for all of them at once. ``counts`` are those of an answer, by the words of
    the first filter; on the list's own page they are asked for, and so is the total where ``totals`` says, by the
    fields of the request, that the service need not count it row by row. ``opens`` is the path of a row's own page,
    ``row_acts`` what can be done to a row, and ``acts`` what can be done beside.
    """

    name: str
    path: str
    permission: str
    method: Callable[[Stubs], Any]
    request: Any
    rows: str
    columns: Sequence[ListColumn]
    filters: Sequence[ListFilter] = ()
    needs: str = ""
    given: Mapping[str, Any] = field(default_factory=dict)
    of_path: Callable[[Mapping[str, str]], Mapping[str, Any]] | None = None
    has_amounts: bool = False
    more: Callable[[Visit, Sequence[Any]], Awaitable[Sequence[Any]]] | None = None
    counts: Callable[[CellWriter, Any], Mapping[str, Cell]] | None = None
    totals: Callable[[Mapping[str, Any]], bool] | None = None
    opens: Callable[[Visit, Any], str] | None = None
    row_acts: Callable[[Visit, Any], Sequence[OfferedAct]] | None = None
    acts: Sequence[OfferedAct] = ()

    async def rows_of(self, visit: Visit, answer: Any) -> Sequence[Any]:
        """Return the rows of an answer, with all that is written of them. Raises ServiceRefusal."""
        rows: Sequence[Any] = getattr(answer, self.rows)
        return await self.more(visit, rows) if self.more and rows else rows

    def can_ask(self, visit: Visit, wanted: WantedRows) -> bool:
        """Return whether the URL states all that has to be, and nothing that cannot be.

        Raises ServiceRefusal, as the service would, where it is not asked at all.
        """
        if not wanted.unreadable and (not self.needs or self.needs in wanted.stated):
            return True
        visit.require(self.permission)
        return False

    @property
    def shown_columns(self) -> Sequence[ListColumn]:
        """The columns that a page has."""
        return tuple(column for column in self.columns if not column.for_files)


class ShownRow(NamedTuple):
    """A row as it is shown: its cells, the path of its page, and what can be done to it."""

    cells: Sequence[Cell]
    path: str
    acts: Sequence[OfferedAct]


class ShownList(NamedTuple):
    """A page of a list as it is shown; ``problem`` says why it could not be read, ``archived`` where its rest is.

    ``path`` is that of its own page, and ``all_path`` leads to all of what is shown here a part of.
    """

    page: ListPage
    path: str
    wanted: WantedRows
    rows: Sequence[ShownRow]
    next_page_token: str = ""
    problem: ServiceRefusal | None = None
    counts: Mapping[str, Cell] = MappingProxyType({})
    archived: Sequence[Cell] = ()
    all_path: str = ""
    total: Cell | None = None


async def read_list(
    visit: Visit, page: ListPage, types: Mapping[str, CreditType], *, wanted: WantedRows | None = None, size: int = 0
) -> ShownList:
    """Return a page of a list; none of it, and why, if it could not be read. Raises ServiceRefusal for all alike."""
    is_own = wanted is None
    wanted = wanted or wanted_of(visit, page.filters)
    path = _path(visit, page)
    if not page.can_ask(visit, wanted):
        return ShownList(page, path, wanted, ())
    try:
        answer = await _asked(visit, page, wanted, size or limits.PAGE_SIZE, counts=is_own)
        found = await page.rows_of(visit, answer)
    except ServiceRefusal as refusal:
        if refusal.concerns_the_page:
            raise
        return ShownList(page, path, wanted, (), problem=refusal)
    write = CellWriter(visit, types)
    rows = [_row(write, page, row) for row in found]
    counts = page.counts(write, answer) if page.counts else {}
    archived, everything = archived_cells(write, answer), _all_path(path, page, wanted)
    total = total_cell(write, answer) if page.totals else None
    return ShownList(page, path, wanted, rows, answer.next_page_token, None, counts, archived, everything, total)


def total_cell(write: CellWriter, answer: Any) -> Cell | None:
    """Return how many rows there are in all; None if it was not counted."""
    if not answer.HasField("total_size"):
        return None
    total = write.number(answer.total_size)
    return write.text("at_least", number=total) if answer.total_size_is_minimum else total


async def first_rows(
    visit: Visit, page: ListPage, fields: Mapping[str, Any], most: int
) -> tuple[Sequence[Any], bool] | None:
    """Return the rows of a list, up to ``most``, and whether there are more; None if they cannot be read.

    Raises ServiceRefusal for what concerns all of the page.
    """
    try:
        answer = await _asked(visit, page, all_rows(fields), most)
    except ServiceRefusal as refusal:
        if refusal.concerns_the_page:
            raise
        return None
    return getattr(answer, page.rows), bool(answer.next_page_token)


def list_page(page: ListPage) -> Callable[[Visit], Any]:
    """Return what shows a list as a page of its own."""

    async def shown(visit: Visit) -> Response:
        types = await credit_types(visit) if page.has_amounts else {}
        return visit.page("list.html", shown=await read_list(visit, page, types))

    return shown


def list_file(page: ListPage) -> Callable[[Visit], Any]:
    """Return what hands a list out as a CSV file, as it is filtered: up to limits.MAX_EXPORT_ROWS rows."""

    async def exported(visit: Visit) -> Response:
        types = await credit_types(visit) if page.has_amounts else {}
        wanted = wanted_of(visit, page.filters)._replace(page_token="")
        write = CellWriter(visit, types)
        # The first rows are there before anything is answered: what is refused has a page that says so.
        first = await _asked(visit, page, wanted, limits.EXPORT_PAGE_SIZE) if page.can_ask(visit, wanted) else None
        headers = {"content-disposition": f'attachment; filename="{page.name}.csv"'}
        lines = _lines(write, page, wanted, first)
        return StreamingResponse(lines, media_type="text/csv; charset=utf-8", headers=headers)

    return exported


async def _lines(write: CellWriter, page: ListPage, wanted: WantedRows, answer: Any) -> AsyncIterator[str]:
    """Yield the lines of a CSV file, those of a page of the service's at a time."""
    texts = write.visit.reader.texts
    heads = [[texts.plain(f"col.{one.name}"), *([texts.plain("col.unit")] * one.has_unit)] for one in page.columns]
    yield _line(text_cell(cell) for head in heads for cell in head)
    calls = 0
    while answer is not None:
        calls += 1
        rows = await page.rows_of(write.visit, answer)
        yield "".join(_csv_row(write, page, row) for row in rows)
        if not answer.next_page_token:
            for cell in archived_cells(write, answer):
                yield _line([text_cell(cell.plain)])
            return
        # Calls, and not rows: where a filter matches nothing, pages come without any, and each has cost a search.
        if calls >= limits.MAX_EXPORT_ROWS // limits.EXPORT_PAGE_SIZE:
            yield _line([text_cell(texts.plain("csv.more"))])
            return
        wanted = wanted._replace(page_token=answer.next_page_token)
        answer = await _asked(write.visit, page, wanted, limits.EXPORT_PAGE_SIZE)


def _csv_row(write: CellWriter, page: ListPage, row: Any) -> str:
    cells: list[str] = []
    for column in page.columns:
        cell = column.cell(write, row)
        cells += [cell.in_file, text_cell(cell.unit)] if column.has_unit else [cell.in_file]
    return _line(cells)


def _line(cells: Iterable[str]) -> str:
    return ",".join(cells) + "\r\n"


async def _asked(visit: Visit, page: ListPage, wanted: WantedRows, size: int, *, counts: bool = False) -> Any:
    """Return the service's answer. Raises ServiceRefusal."""
    parts = visit.parts
    of_path = {name: parts[name] for name in ("account_id", "credit_type") if f"{{{name}}}" in page.path}
    if page.of_path:
        of_path |= page.of_path(parts)
    fields = {**page.given, **wanted.fields, **of_path}
    if counts and page.counts:
        fields["show_counts"] = True
    if counts and page.totals and page.totals(fields):
        fields["include_total_size"] = True
    request = page.request(**fields, page_size=size, page_token=wanted.page_token)
    return await visit.ask(page.method(visit.stubs), request)


def _row(write: CellWriter, page: ListPage, row: Any) -> ShownRow:
    visit = write.visit
    acts = [act for act in page.row_acts(visit, row) if visit.may(act.permission)] if page.row_acts else ()
    cells = [column.cell(write, row) for column in page.shown_columns]
    return ShownRow(cells, page.opens(visit, row) if page.opens else "", acts)


def _path(visit: Visit, page: ListPage) -> str:
    """Return the path of a list's own page, for what the page that is asked for is about."""
    parts = {name: quote(str(value), safe="") for name, value in visit.parts.items()}
    return visit.path(re.sub(r"\{(\w+)\}", lambda part: parts.get(part[1], ""), page.path))


def _all_path(path: str, page: ListPage, wanted: WantedRows) -> str:
    """Return the path of a list with the filters that make of it what was asked for."""
    query = {one.name: wanted.fields.get(one.field) for one in page.filters}
    stated = urlencode({name: value for name, value in query.items() if isinstance(value, str) and value})
    return f"{path}?{stated}" if stated else path
