"""The search: one field that finds what somebody has in hand, and leads to its account."""

import re
from collections.abc import Mapping
from typing import Final, NamedTuple

from starlette.responses import Response

from credit.v1.support_service_pb2 import SearchHit, SearchHitKind, SearchRequest
from creditd.console.service_refusal import ServiceRefusal
from creditd.console.shapes.cells import Cell, CellWriter
from creditd.console.shapes.credit_types import credit_types
from creditd.console.shapes.id_patterns import ACCOUNT_ID
from creditd.console.shapes.list_page import read_list
from creditd.console.shapes.resource_paths import resource_path
from creditd.console.subjects.account_list import ACCOUNTS
from creditd.console.visit import Visit

_MAX_QUERY = 255

_KINDS: Final[Mapping[int, str]] = {
    number: name.removeprefix("SEARCH_HIT_KIND_").lower() for name, number in SearchHitKind.items()
}
"""The last words of each kind's name, which are the key of its text."""

_INEXACT: Final = frozenset({"account_id_prefix", "archived_request_id"})
"""What a hit has matched that is not just what was looked for, or leads elsewhere."""

MATCHES: Final = frozenset(
    {"provider_reference", "subscription_id", "delivery_key", "promo_code", "label", "correlation_id", "request_id"}
    | {"archived_request_id"}
)
"""What of a hit was matched, where that is not its own id: the last word of the key of its text."""


class FoundThing(NamedTuple):
    """Something that was found: what it is, what of it was matched, its name, its account, and where its page is."""

    kind: str
    matched: str
    name: Cell
    account: Cell | None
    path: str


async def search_page(visit: Visit) -> Response:
    """Show what was found, within an account if the URL names one; what is exact and alone is shown at once."""
    query = visit.request.query_params.get("q", "").strip()[:_MAX_QUERY]
    stated = visit.request.query_params.get("account", "")
    account_id = stated if re.fullmatch(ACCOUNT_ID, stated) else ""
    if not query:
        return visit.page("list.html", shown=await read_list(visit, ACCOUNTS, await credit_types(visit)))
    hits = await _found(visit, query, account_id)
    exact = [hit for hit in hits if hit.matched_field not in _INEXACT]
    if len(exact) == 1 and (path := _exact_path(visit, exact[0], account_id)):
        return visit.turned_to(path)
    write = CellWriter(visit, {})
    return visit.page("search.html", query=query, account_id=account_id, found=[_thing(write, hit) for hit in hits])


def _exact_path(visit: Visit, hit: SearchHit, account_id: str) -> str:
    """Return where the only exact hit leads: to its account, and within that account to itself; empty for nowhere."""
    if account_id:
        return _path(visit, hit)
    return visit.account_path(hit.account_id) if hit.account_id else ""


def _thing(write: CellWriter, hit: SearchHit) -> FoundThing:
    is_account = hit.kind == SearchHitKind.SEARCH_HIT_KIND_ACCOUNT
    return FoundThing(
        # A kind that a newer service knows has the text of none.
        _KINDS.get(hit.kind, _KINDS[0]),
        hit.matched_field if hit.matched_field in MATCHES else "",
        write.identifier(hit.account_id if is_account else hit.name, is_whole=True),
        write.identifier(hit.account_id) if hit.account_id and not is_account else None,
        _path(write.visit, hit),
    )


def _path(visit: Visit, hit: SearchHit) -> str:
    """Return the page of a hit; that of its account where it has none for whoever asks; empty for neither."""
    return resource_path(visit, hit.name) or (visit.account_path(hit.account_id) if hit.account_id else "")


async def _found(visit: Visit, query: str, account_id: str) -> list[SearchHit]:
    try:
        request = SearchRequest(query=query, account_id=account_id)
        answer = await visit.ask(visit.stubs.support.Search, request)
    except ServiceRefusal as refusal:
        if refusal.reason == "INVALID_FIELD":
            # What no id can look like belongs to nothing.
            return []
        raise
    return list(answer.hits)
