"""Answers that come bit by bit: a page that is sent as they come, so that long work shows how far it is.

Whoever leaves the page ends the work: its call is given up.
"""

import asyncio
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
    """Return a page that shows what a call streams. Raises ServiceRefusal if it is refused within a moment."""
    visit = write.visit
    call = method(request, timeout=limits.STREAM_SECONDS, metadata=visit.metadata)
    first = asyncio.create_task(_next(call))
    await asyncio.wait({first}, timeout=limits.STREAM_WAIT_SECONDS)
    if first.done() and (error := first.exception()):
        raise refusal_of(error) if isinstance(error, grpc.aio.AioRpcError) else error
    page = visit.pages.html("streamed.html", visit, values | {"heads": rows.heads})
    return StreamingResponse(_page(write, rows, call, first, page), media_type="text/html; charset=utf-8")


async def _next(call: Any) -> Any:
    """Return the next message of a call; None at its end. Raises grpc.aio.AioRpcError."""
    message = await call.read()
    return None if message is grpc.aio.EOF else message


async def _page(
    write: CellWriter, rows: StreamedRows, call: Any, first: asyncio.Task[Any], page: str
) -> AsyncIterator[str]:
    before, after = page.split(_PLACE)
    try:
        yield before
        async for part in _parts(write, rows, call, first):
            yield part
    finally:
        first.cancel()
        call.cancel()
    yield after


async def _parts(write: CellWriter, rows: StreamedRows, call: Any, first: asyncio.Task[Any]) -> AsyncIterator[str]:
    """Yield the rows, limits.MAX_STREAMED_ROWS at most, and what the end says, or why there was none."""
    count, last = 0, None
    broken = write.text("stream.broken").html
    try:
        message = await first
        while message is not None:
            last, count = message, count + 1
            if count <= limits.MAX_STREAMED_ROWS:
                yield _row(write, rows, message)
            message = await _next(call)
    except grpc.aio.AioRpcError as error:
        yield _line(len(rows.heads), refusal_of(error).text or broken)
        return
    yield _line(len(rows.heads), broken if last is None else rows.end(write, last).html)


def _row(write: CellWriter, rows: StreamedRows, message: Any) -> str:
    cells = rows.row(write, message)
    if cells is None:
        return ""
    looks = [look for _, look in rows.heads]
    shown = [Markup('<td class="{}">{}</td>').format(look, cell.html) for look, cell in zip(looks, cells, strict=True)]
    return str(Markup("<tr>{}</tr>\n").format(Markup("").join(shown)))


def _line(width: int, text: str) -> str:
    return str(Markup('<tr><td class="strong" colspan="{}">{}</td></tr>\n').format(width, text))
