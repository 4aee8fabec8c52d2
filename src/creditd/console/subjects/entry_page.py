"""The page that explains a movement. The service has no call for one: it is found by time, or from the newest on."""

from typing import Final

from google.protobuf.timestamp_pb2 import Timestamp
from starlette.responses import Response

from credit.v1.credit_service_pb2 import ListTransactionsRequest
from credit.v1.entry_pb2 import Entry
from creditd.console import limits
from creditd.console.failure_page import missing_page
from creditd.console.service_refusal import ServiceRefusal
from creditd.console.shapes.cells import CellWriter
from creditd.console.shapes.credit_types import credit_types
from creditd.console.subjects.wallet_pages import entry_detail
from creditd.console.visit import Visit

_MOST_DIGITS: Final = 19
"""Of a version."""

_MOST_PAGES: Final = 5
"""That are looked through for a movement whose time is not known: it is among the newest 500, or not found."""


async def entry_page(visit: Visit) -> Response:
    """Show a movement: what it moved, of which grants, and what brought it about."""
    version = visit.parts["version"]
    try:
        types, entry = await visit.ask_all(credit_types(visit), _entry(visit, _number(version)))
    except ServiceRefusal as refusal:
        if refusal.reason == "INVALID_FIELD":
            return await missing_page(visit)
        raise
    if entry is None:
        return await missing_page(visit)
    return visit.page("detail.html", detail=entry_detail(CellWriter(visit, types), entry), lists=(), offers=())


def _number(text: str) -> int:
    """Return the version that a path names; 0, which no movement has, if it names none."""
    is_number = text.isascii() and text.isdigit() and len(text) <= _MOST_DIGITS
    return int(text) if is_number else 0


async def _entry(visit: Visit, version: int) -> Entry | None:
    """Return a movement by its version; None if it is not found. Raises ServiceRefusal."""
    parts = visit.parts
    request = ListTransactionsRequest(
        account_id=parts["account_id"], credit_type=parts["credit_type"], page_size=limits.EXPORT_PAGE_SIZE
    )
    if start := _moment(visit.request.query_params.get("at", "")):
        request.start_time.CopyFrom(start)
        request.end_time.FromNanoseconds(start.ToNanoseconds() + 1_000)
    for _ in range(_MOST_PAGES):
        answer = await visit.ask(visit.stubs.credit.ListTransactions, request)
        found: Entry | None = next((entry for entry in answer.entries if entry.version == version), None)
        if found:
            return found
        is_past = answer.entries and answer.entries[-1].version < version
        if is_past or not answer.next_page_token:
            break
        request.page_token = answer.next_page_token
    return None


def _moment(text: str) -> Timestamp | None:
    moment = Timestamp()
    try:
        moment.FromJsonString(text)
        moment.ToNanoseconds()
    except ValueError:
        return None
    return moment
