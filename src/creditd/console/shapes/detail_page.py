"""Pages of one thing: each is a declaration of what is asked for, the parts that it has, and what can be done to it."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from starlette.responses import Response

from creditd.console.channel import Stubs
from creditd.console.failure_page import missing_page
from creditd.console.service_refusal import ServiceRefusal
from creditd.console.shapes.cells import Cell, CellWriter
from creditd.console.shapes.credit_types import credit_types
from creditd.console.shapes.list_filters import all_rows
from creditd.console.shapes.list_page import ListPage, ShownList, read_list
from creditd.console.shapes.offered_acts import OfferedAct
from creditd.console.visit import Visit


class KnownFact(NamedTuple):
    """One thing that is known: the key of its name, and what it is."""

    name: str
    cell: Cell


class DetailSection(NamedTuple):
    """A part of a page: facts; or a table, with the keys of its heads; or a text as it came."""

    name: str
    facts: Sequence[KnownFact] = ()
    heads: Sequence[tuple[str, str]] = ()
    rows: Sequence[Sequence[Cell]] = ()
    raw: str = ""
    hint: str = ""


class ShownDetail(NamedTuple):
    """What a page of one thing shows: its title, its tags, what is known of it beneath, and its parts.

    ``alert`` is what somebody should know before all else. ``lists`` are read for it, with fields for their requests.
    """

    title: Cell
    tags: Sequence[Cell] = ()
    beneath: Sequence[Cell] = ()
    alert: Cell | None = None
    sections: Sequence[DetailSection] = ()
    aside: Sequence[DetailSection] = ()
    lists: Sequence[tuple[ListPage, Mapping[str, Any]]] = ()
    acts: Sequence[OfferedAct] = ()


@dataclass(frozen=True)
class DetailPage:
    """A page of one thing, at a path. ``method`` is called with what ``request`` makes of the parts of the path.

    ``more`` returns the answer with what else is asked for once it is there; ``detail`` makes the page of that.
    """

    path: str
    method: Callable[[Stubs], Any]
    request: Callable[[Mapping[str, str]], Any]
    detail: Callable[[CellWriter, Any], ShownDetail]
    more: Callable[[Visit, Any], Awaitable[Any]] | None = None


def detail_page(page: DetailPage) -> Callable[[Visit], Any]:
    """Return what shows a page of one thing."""

    async def shown(visit: Visit) -> Response:
        try:
            types, answer = await visit.ask_all(
                credit_types(visit), visit.ask(page.method(visit.stubs), page.request(visit.parts))
            )
            answer = await page.more(visit, answer) if page.more else answer
        except ServiceRefusal as refusal:
            if refusal.reason == "INVALID_FIELD":
                # What no name can look like is no page.
                return await missing_page(visit)
            raise
        write = CellWriter(visit, types)
        detail = page.detail(write, answer)
        lists: list[ShownList] = await visit.ask_all(
            *(read_list(visit, one, types, wanted=all_rows(fields)) for one, fields in detail.lists)
        )
        offers = [offer for offer in detail.acts if visit.may(offer.permission)]
        return visit.page("detail.html", detail=detail, lists=lists, offers=offers)

    return shown
