"""An account's statement as a file: the service's own, passed on as it comes."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any, Final

import grpc
from starlette.responses import Response, StreamingResponse

from credit.v1.statement_service_pb2 import ExportTransactionsRequest, GetReceiptRequest, ReceiptKind, StatementFormat
from creditd.console import limits
from creditd.console.service_refusal import ServiceRefusal, refusal_of
from creditd.console.shapes.list_filters import ListFilter, wanted_of
from creditd.console.shapes.resource_names import purchase_name
from creditd.console.visit import Visit

_FILTERS = (ListFilter("from", "start_time", day="first"), ListFilter("to", "end_time", day="last"))


_FORMATS: Final = {
    "csv": (StatementFormat.STATEMENT_FORMAT_CSV, "text/csv; charset=utf-8"),
    "pdf": (StatementFormat.STATEMENT_FORMAT_PDF, "application/pdf"),
}
"""By the end of the path: the service's format, and the kind of file."""


async def statement_page(visit: Visit) -> Response:
    """Show the form that chooses the days of a statement, and the kind of file. Raises ServiceRefusal."""
    visit.require("statements.export")
    return visit.page("statement.html", account_id=visit.parts["account_id"])


async def statement_file(visit: Visit) -> Response:
    """Hand out the statement of an account: of the days in the URL, or of all. Raises ServiceRefusal."""
    end = visit.own_path.rpartition(".")[2]
    statement_format, kind = _FORMATS[end]
    account_id = visit.parts["account_id"]
    request = ExportTransactionsRequest(
        account_id=account_id,
        time_zone=visit.reader.zone_name,
        language=visit.reader.language,
        format=statement_format,
        **wanted_of(visit, _FILTERS).fields,
    )
    call = visit.stubs.statement.ExportTransactions(request, timeout=limits.EXPORT_SECONDS, metadata=visit.metadata)
    chunks = aiter(call)
    # The first chunk is there before anything is answered: what is refused has a page that says so.
    first = await _first(call, chunks)
    name = "".join(letter if letter.isalnum() else "-" for letter in account_id)
    headers = {"content-disposition": f'attachment; filename="statement-{name}.{end}"'}
    return StreamingResponse(_data(call, first, chunks), media_type=kind, headers=headers)


async def _first(call: Any, chunks: AsyncIterator[Any]) -> Any:
    """Return the first chunk, if it is there within limits.EXPORT_WAIT_SECONDS. Raises ServiceRefusal."""
    try:
        async with asyncio.timeout(limits.EXPORT_WAIT_SECONDS):
            return await anext(chunks)
    except grpc.aio.AioRpcError as error:
        raise refusal_of(error) from error
    except TimeoutError as error:
        # Nobody waits for the rest.
        call.cancel()
        raise ServiceRefusal(grpc.StatusCode.DEADLINE_EXCEEDED, "DEADLINE_EXCEEDED") from error


async def _data(call: Any, first: Any, chunks: AsyncIterator[Any]) -> AsyncIterator[bytes]:
    """Yield the bytes of the file. What breaks off leaves a download that has failed, and not a file that is short."""
    try:
        yield first.data
        async for chunk in chunks:
            yield chunk.data
    finally:
        # Whoever has left does not want the rest.
        call.cancel()


async def receipt_file(visit: Visit) -> Response:
    """Hand out the receipt of a purchase: that it was paid, or what was given back of it. Raises ServiceRefusal."""
    parts = visit.parts
    request = GetReceiptRequest(
        name=purchase_name(parts),
        kind=ReceiptKind.RECEIPT_KIND_REFUND if parts["kind"] == "refund" else ReceiptKind.RECEIPT_KIND_PAYMENT,
        time_zone=visit.reader.zone_name,
        language=visit.reader.language,
    )
    answer = await visit.ask(visit.stubs.statement.GetReceipt, request)
    headers = {"content-disposition": 'attachment; filename="receipt.pdf"'}
    return Response(answer.data, media_type="application/pdf", headers=headers)
