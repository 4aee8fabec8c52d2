"""The page of one account: what it has, what is held, and all that moved it."""

import re
from collections.abc import Mapping
from typing import Any, Final, NamedTuple

from starlette.responses import Response

from credit.v1.admin_service_pb2 import GetAccountRequest
from credit.v1.credit_service_pb2 import (
    GetBalanceRequest,
    ListCreditTypesRequest,
    ListReservationsRequest,
    ListTransactionsRequest,
    ListTransactionsResponse,
)
from credit.v1.credit_type_pb2 import CreditType
from credit.v1.reservation_pb2 import ReservationState
from creditd.console import limits
from creditd.console.account_looks import GROUPS, entry_rows, notices, wallet_rows
from creditd.console.failure_page import missing_page
from creditd.console.service_refusal import ServiceRefusal
from creditd.console.visit import Visit

ACCOUNT_ID: Final = re.compile(r"[A-Za-z0-9._:@+-]{1,128}")

_CREDIT_TYPE: Final = re.compile(r"[A-Za-z][A-Za-z0-9_]{0,31}")

_MAX_TOKEN: Final = 8_192


class Filter(NamedTuple):
    """What of the ledger is shown, as the URL has it; what it cannot be is nothing."""

    group: str
    credit_type: str
    page_token: str


async def account_page(visit: Visit) -> Response:
    """Show an account. What cannot be read of its ledger is said there; the rest of the page stays."""
    account_id = visit.request.path_params["account_id"]
    if not ACCOUNT_ID.fullmatch(account_id):
        return await missing_page(visit)
    stubs, wanted = visit.stubs, _filter_of(visit)
    overview, balance, types, holds, (entries, problem) = await visit.ask_all(
        visit.ask(stubs.admin.GetAccount, GetAccountRequest(name=f"accounts/{account_id}")),
        visit.ask(stubs.credit.GetBalance, GetBalanceRequest(account_id=account_id)),
        credit_types(visit),
        visit.ask(stubs.credit.ListReservations, _held(account_id)),
        _entries(visit, account_id, wanted),
    )
    wallets = balance.account_balance.wallets
    return visit.page(
        "account.html",
        account=overview.account_overview.account,
        overview=overview.account_overview,
        notices=notices(overview.account_overview, wallets),
        wallets=wallet_rows(wallets),
        types=types,
        holds=holds.reservations,
        has_more_holds=bool(holds.next_page_token),
        entries=entry_rows(entries.entries),
        next_page_token=entries.next_page_token,
        problem=problem,
        wanted=wanted,
        groups=tuple(GROUPS),
    )


async def credit_types(visit: Visit) -> Mapping[str, CreditType]:
    """Return the credit types, by code; at most limits.MAX_CREDIT_TYPES. Raises ServiceRefusal."""
    request = ListCreditTypesRequest(page_size=limits.MAX_CREDIT_TYPES)
    answer = await visit.ask(visit.stubs.credit.ListCreditTypes, request)
    return {credit_type.code: credit_type for credit_type in answer.credit_types}


def _filter_of(visit: Visit) -> Filter:
    query = visit.request.query_params
    group, credit_type = query.get("show", ""), query.get("type", "")
    return Filter(
        group if group in GROUPS else "",
        credit_type if _CREDIT_TYPE.fullmatch(credit_type) else "",
        query.get("page", "")[:_MAX_TOKEN],
    )


def _held(account_id: str) -> ListReservationsRequest:
    return ListReservationsRequest(
        account_id=account_id, state=ReservationState.RESERVATION_STATE_PENDING, page_size=limits.PAGE_SIZE
    )


async def _entries(visit: Visit, account_id: str, wanted: Filter) -> tuple[Any, ServiceRefusal | None]:
    """Return a page of the ledger; none, and why, if it could not be read. Raises ServiceRefusal for all alike."""
    request = ListTransactionsRequest(
        account_id=account_id,
        credit_type=wanted.credit_type,
        kinds=GROUPS.get(wanted.group, ()),
        page_size=limits.PAGE_SIZE,
        page_token=wanted.page_token,
    )
    try:
        return await visit.ask(visit.stubs.credit.ListTransactions, request), None
    except ServiceRefusal as refusal:
        if refusal.needs_sign_in or refusal.reason == "PERMISSION_DENIED":
            raise
        return ListTransactionsResponse(), refusal
