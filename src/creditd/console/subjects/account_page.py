"""The page of one account: what it has, what is held, and all that moved it."""

import re
from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any, Final, NamedTuple

from starlette.responses import Response

from credit.v1.account_pb2 import Account, AccountOverview, AccountStatus
from credit.v1.admin_service_pb2 import GetAccountRequest
from credit.v1.balance_pb2 import Wallet
from credit.v1.credit_service_pb2 import (
    GetBalanceRequest,
    ListReservationsRequest,
    ListTransactionsRequest,
    ListTransactionsResponse,
)
from credit.v1.credit_type_pb2 import CreditType
from credit.v1.reservation_pb2 import ReservationState
from creditd.console import limits
from creditd.console.failure_page import missing_page
from creditd.console.service_refusal import ServiceRefusal
from creditd.console.shapes.archived_entries import archived_cells
from creditd.console.shapes.cells import CellWriter
from creditd.console.shapes.credit_types import credit_types
from creditd.console.shapes.id_patterns import ACCOUNT_ID, CREDIT_TYPE, MAX_PAGE_TOKEN
from creditd.console.shapes.list_filters import all_rows
from creditd.console.shapes.list_page import ListPage, ShownList, read_list, total_cell
from creditd.console.shapes.look_back import DAYS, period_of
from creditd.console.shapes.offered_acts import OfferedAct
from creditd.console.shapes.resource_paths import resource_path
from creditd.console.subjects.account_looks import GROUPS, entry_rows, wallet_rows
from creditd.console.subjects.account_notices import Notice, account_notices, lapsed_notices, worst_first
from creditd.console.subjects.account_usage import account_usage
from creditd.console.subjects.approval_pages import APPROVALS
from creditd.console.subjects.flag_pages import FLAGS
from creditd.console.subjects.history_notices import debt_causes, parked_notices, status_act, told_history
from creditd.console.subjects.payment_notices import payment_notices
from creditd.console.subjects.purchase_pages import PURCHASES
from creditd.console.subjects.subscription_list import SUBSCRIPTIONS
from creditd.console.subjects.wallet_pages import entry_path
from creditd.console.visit import Visit
from creditd.domain.resource_names import account_name

_MOST_NOTICES: Final = 6
"""Of what stands out: more would hide the first."""


class Filter(NamedTuple):
    """What of the ledger is shown, as the URL has it; what it cannot be is nothing."""

    group: str
    credit_type: str
    page_token: str


async def account_page(visit: Visit) -> Response:
    """Show an account. What cannot be read of its ledger is said there; the rest of the page stays."""
    account_id = visit.parts["account_id"]
    if not re.fullmatch(ACCOUNT_ID, account_id):
        return await missing_page(visit)
    stubs, wanted = visit.stubs, _filter_of(visit)
    overview, balance, types, holds, (entries, problem) = await visit.ask_all(
        visit.ask(stubs.admin.GetAccount, GetAccountRequest(name=account_name(account_id))),
        visit.ask(stubs.credit.GetBalance, GetBalanceRequest(account_id=account_id)),
        credit_types(visit),
        visit.ask(stubs.credit.ListReservations, _held(account_id)),
        _entries(visit, account_id, wanted),
    )
    wallets = balance.account_balance.wallets
    write = CellWriter(visit, types)
    account = overview.account_overview.account
    lists, usage, notices = await visit.ask_all(
        _lists(visit, types),
        account_usage(write, account_id),
        _notices(write, overview.account_overview, wallets),
    )
    notices += lapsed_notices(write, usage.lapsed, period_of(visit).days)
    return visit.page(
        "account.html",
        lists=lists,
        usage=usage,
        acts=[act for act in _offers(visit, account) if visit.may(act.permission)],
        entry_path=partial(entry_path, visit),
        page_path=partial(resource_path, visit),
        days=DAYS,
        period=period_of(visit),
        account=account,
        overview=overview.account_overview,
        notices=worst_first(notices)[:_MOST_NOTICES],
        wallets=wallet_rows(wallets),
        types=types,
        holds=holds.reservations,
        has_more_holds=bool(holds.next_page_token),
        entries=entry_rows(entries.entries),
        next_page_token=entries.next_page_token,
        total=total_cell(write, entries),
        archived=archived_cells(write, entries),
        problem=problem,
        wanted=wanted,
        groups=tuple(GROUPS),
    )


async def _notices(write: CellWriter, overview: AccountOverview, wallets: Sequence[Wallet]) -> list[Notice]:
    """Return what stands out of an account, of its payments, and why it is as it is. Raises ServiceRefusal."""
    visit, account = write.visit, overview.account
    paid, told, causes = await visit.ask_all(
        payment_notices(write, account.account_id),
        told_history(visit, account),
        debt_causes(visit, account.account_id, wallets),
    )
    parked = [] if visit.may("finances.read") else parked_notices(write, told)
    act = status_act(told, account.status)
    return [*paid, *parked, *account_notices(write, overview, wallets, act, causes)]


async def _lists(visit: Visit, types: Mapping[str, CreditType]) -> list[ShownList]:
    """Return the first rows of what else there is of an account. Raises ServiceRefusal."""
    account = {"account_id": visit.parts["account_id"]}
    parts: list[tuple[ListPage, Mapping[str, Any]]] = [(PURCHASES, {}), (SUBSCRIPTIONS, {}), (FLAGS, account)]
    if visit.may("approvals.read"):
        parts.append((APPROVALS, account))
    lists = await visit.ask_all(
        *(read_list(visit, page, types, wanted=all_rows(fields), size=limits.PANEL_SIZE) for page, fields in parts)
    )
    # An account that was never flagged needs no empty panel to say so.
    return [shown for shown in lists if shown.rows or shown.problem or shown.page is PURCHASES]


def _offers(visit: Visit, account: Account) -> list[OfferedAct]:
    """Return what can be done to an account, the dangerous last."""

    def path(further: str, **query: str) -> str:
        return visit.account_path(account.account_id, further, **query)

    seen = {"version": str(account.version)}
    acts = [
        OfferedAct("act.set_plan.do", path("/plan", **seen), "accounts.change", "pencil"),
        OfferedAct("rules", path("/rules"), "accounts.search", "half"),
        OfferedAct("statement", path("/statement"), "statements.export", "list"),
        OfferedAct("act.verify_account.do", path("/verify"), "finances.read", "check"),
        OfferedAct("act.write_off.do", path("/debt/write-off"), "credits.remove", "pencil"),
        OfferedAct("act.remove_credits.do", path("/credits/remove"), "credits.remove", "minus", is_danger=True),
    ]
    suspend = OfferedAct("act.suspend_account.do", path("/suspend", **seen), "accounts.change", "ban", is_danger=True)
    activate = OfferedAct("act.activate_account.do", path("/activate", **seen), "accounts.change", "check")
    acts.append(suspend if account.status == AccountStatus.ACCOUNT_STATUS_ACTIVE else activate)
    if account.status != AccountStatus.ACCOUNT_STATUS_CLOSED:
        close = path("/close", **seen)
        acts.append(OfferedAct("act.close_account.do", close, "accounts.change", "lock", is_danger=True))
    return acts


def _filter_of(visit: Visit) -> Filter:
    query = visit.request.query_params
    group, credit_type = query.get("show", ""), query.get("type", "")
    return Filter(
        group if group in GROUPS else "",
        credit_type if re.fullmatch(CREDIT_TYPE, credit_type) else "",
        query.get("page", "")[:MAX_PAGE_TOKEN],
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
        # By kinds it would be counted row by row, and the page asks whenever something moves.
        include_total_size=not wanted.group,
        page_size=limits.PAGE_SIZE,
        page_token=wanted.page_token,
    )
    try:
        return await visit.ask(visit.stubs.credit.ListTransactions, request), None
    except ServiceRefusal as refusal:
        if refusal.concerns_the_page:
            raise
        return ListTransactionsResponse(), refusal
