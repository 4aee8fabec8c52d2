"""Answers that come bit by bit: a page that is sent as they come, so that long work shows how far it is.

Whoever leaves the page ends the work: its call is given up.
"""

from collections.abc import AsyncIterator, Callable, Sequence
from typing import Any, Final, NamedTuple

import grpc
from markupsafe import Markup
from starlette.responses import Response, StreamingResponse

from creditd.console import limits
from creditd.console.service_refusal import refusal_of
from creditd.console.shapes.cells import Cell, CellWriter

_PLACE: Final = "<!-- rows -->"
"""Where the rows come in the page's template. Nobody else's words have it: what they write is escaped."""


class StreamedRows(NamedTuple):
    """What is shown of a stream: the heads of its table, a row for a message, if it is one, and what its end says."""

    heads: Sequence[tuple[str, str]]
    row: Callable[[CellWriter, Any], Sequence[Cell] | None]
    end: Callable[[CellWriter, Any], Cell]


async def streamed_page(write: CellWriter, rows: StreamedRows, method: Any, request: Any, **values: Any) -> Response:
    """Return a page that shows what a call streams. Raises ServiceRefusal if it is refused at once."""
    visit = write.visit
    call = method(request, timeout=limits.STREAM_SECONDS, metadata=visit.metadata)
    messages = aiter(call)
    try:
        first = [await anext(messages)]
    except StopAsyncIteration:
        first = []
    except grpc.aio.AioRpcError as error:
        raise refusal_of(error) from error
    page = visit.pages.html("streamed.html", visit, values | {"heads": rows.heads})
    before, after = page.split(_PLACE)
    parts = _parts(write, rows, first, messages)
    return StreamingResponse(_whole(before, parts, after), media_type="text/html; charset=utf-8")


async def _whole(before: str, parts: AsyncIterator[str], after: str) -> AsyncIterator[str]:
    yield before
    async for part in parts:
        yield part
    yield after


async def _parts(
    write: CellWriter, rows: StreamedRows, first: Sequence[Any], messages: AsyncIterator[Any]
) -> AsyncIterator[str]:
    """Yield the rows, limits.MAX_STREAMED_ROWS at most, and what the end says; or that there was none."""
    count = 0
    last = None
    try:
        for message in first:
            last = message
            yield _row(write, rows, message)
        async for message in messages:
            last = message
            count += 1
            if count < limits.MAX_STREAMED_ROWS:
                yield _row(write, rows, message)
    except grpc.aio.AioRpcError as error:
        refusal = refusal_of(error)
        text = write.visit.reader.texts
        yield _line(len(rows.heads), refusal.text or text("stream.broken"))
        return
    yield _line(len(rows.heads), rows.end(write, last).html if last is not None else write.text("stream.broken").html)


def _row(write: CellWriter, rows: StreamedRows, message: Any) -> str:
    cells = rows.row(write, message)
    if cells is None:
        return ""
    looks = [look for _, look in rows.heads]
    shown = [Markup('<td class="{}">{}</td>').format(look, cell.html) for look, cell in zip(looks, cells, strict=True)]
    return str(Markup("<tr>{}</tr>\n").format(Markup("").join(shown)))


def _line(width: int, text: str) -> str:
    return str(Markup('<tr><td class="strong" colspan="{}">{}</td></tr>\n').format(width, text))
