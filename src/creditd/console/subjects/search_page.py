"""The search: one field that finds what an id belongs to, and leads to its account."""

from starlette.responses import Response

from credit.v1.support_service_pb2 import SearchHit, SearchHitKind, SearchRequest
from creditd.console.service_refusal import ServiceRefusal
from creditd.console.shapes.credit_types import credit_types
from creditd.console.shapes.list_page import read_list
from creditd.console.shapes.resource_paths import resource_path
from creditd.console.subjects.account_list import ACCOUNTS
from creditd.console.visit import Visit

_MAX_QUERY = 255


async def search_page(visit: Visit) -> Response:
    """Show what was found; if it is all of one account and exact, show that account at once."""
    query = visit.request.query_params.get("q", "").strip()[:_MAX_QUERY]
    if not query:
        return visit.page("list.html", shown=await read_list(visit, ACCOUNTS, await credit_types(visit)))
    hits = await _found(visit, query)
    exact = [hit for hit in hits if _is_exact(hit, query)]
    accounts = {hit.account_id for hit in exact}
    if len(accounts) == 1 and len(exact) == 1 and all(accounts):
        return visit.turned_to(visit.account_path(accounts.pop()))
    paths = [_path(visit, hit) for hit in hits]
    return visit.page("search.html", query=query, hits=hits, names=_names(hits), paths=paths)


def _path(visit: Visit, hit: SearchHit) -> str:
    """Return the page of a hit; that of its account where it has none; empty for neither."""
    return resource_path(visit, hit.name) or (visit.account_path(hit.account_id) if hit.account_id else "")


async def _found(visit: Visit, query: str) -> list[SearchHit]:
    try:
        answer = await visit.ask(visit.stubs.support.Search, SearchRequest(query=query))
    except ServiceRefusal as refusal:
        if refusal.reason == "INVALID_FIELD":
            # What no id can look like belongs to nothing.
            return []
        raise
    return list(answer.hits)


def _is_exact(hit: SearchHit, query: str) -> bool:
    """Tell whether a hit is what was looked for, and not an account whose id only begins so."""
    return hit.kind != SearchHitKind.SEARCH_HIT_KIND_ACCOUNT or hit.account_id == query


def _names(hits: list[SearchHit]) -> dict[int, str]:
    """Return the last words of each kind's name, by its number, which are the key of its text."""
    known = set(SearchHitKind.values())
    # A kind that a newer service knows has the text of none.
    named = {hit.kind: SearchHitKind.Name(hit.kind if hit.kind in known else 0) for hit in hits}
    return {kind: name.removeprefix("SEARCH_HIT_KIND_").lower() for kind, name in named.items()}
