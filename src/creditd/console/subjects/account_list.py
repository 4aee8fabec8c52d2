"""The list of accounts: all, or those that somebody should look at, each with what it has."""

from collections.abc import Iterable, Sequence
from typing import Final, NamedTuple

from credit.v1.account_pb2 import AccountOverview, AccountStatus, PlanKind
from credit.v1.admin_service_pb2 import AccountConcern, AccountOrder, ListAccountsRequest
from credit.v1.balance_pb2 import Balance
from credit.v1.credit_service_pb2 import BatchGetBalancesRequest
from creditd.console.shapes.cells import NOTHING, Cell, CellWriter
from creditd.console.shapes.id_patterns import ACCOUNT_ID
from creditd.console.shapes.list_filters import ListFilter
from creditd.console.shapes.list_page import ListColumn, ListPage
from creditd.console.visit import Visit

_MOST_BALANCES: Final = 4
"""That are shown of an account; its page has all."""


class ListedAccount(NamedTuple):
    """An account of the list, and the balances of it that have ever moved."""

    overview: AccountOverview
    balances: Sequence[Balance]


async def _with_balances(visit: Visit, overviews: Sequence[AccountOverview]) -> Sequence[ListedAccount]:
    """Return accounts with their balances. Raises ServiceRefusal."""
    request = BatchGetBalancesRequest(account_ids=[one.account.account_id for one in overviews])
    answer = await visit.ask(visit.stubs.credit.BatchGetBalances, request)
    moved = {
        one.account_id: [wallet.balance for wallet in one.wallets if wallet.balance.version]
        for one in answer.account_balances
    }
    return [ListedAccount(one, moved.get(one.account.account_id, ())) for one in overviews]


def _stands_out(write: CellWriter, one: ListedAccount) -> Cell:
    overview = one.overview
    found = [
        (overview.open_flags, "notice.flags"),
        (overview.open_disputes, "notice.disputes"),
        (overview.extra_payments, "notice.extra_payments"),
    ]
    parts = [write.text(key, count=count) for count, key in found if count]
    return write.beside([*parts, *_debts(write, one.balances)])


def _debts(write: CellWriter, balances: Iterable[Balance]) -> Iterable[Cell]:
    for one in balances:
        if one.debt:
            yield write.text("account.debt", debt=write.credits(one.debt, one.credit_type))


def _balances(write: CellWriter, one: ListedAccount) -> Cell:
    """Return what can be spent, of the first types that have ever moved."""
    shown = one.balances[:_MOST_BALANCES]
    if not shown:
        return NOTHING
    parts = [write.credits(balance.available, balance.credit_type) for balance in shown]
    rest = len(one.balances) - len(shown)
    return write.beside([*parts, *([write.text("account.further", count=rest)] if rest else [])])


ACCOUNTS: Final = ListPage(
    "accounts",
    "/accounts",
    "accounts.search",
    lambda stubs: stubs.admin.ListAccounts,
    ListAccountsRequest,
    "account_overviews",
    (
        ListColumn("account", lambda write, one: write.account(one.overview.account.account_id)),
        ListColumn("state", lambda write, one: write.state(AccountStatus, one.overview.account.status)),
        ListColumn("plan", lambda write, one: write.word(PlanKind, one.overview.account.plan.kind)),
        ListColumn("available", _balances, "wide"),
        ListColumn("stands_out", _stands_out, "wide"),
        ListColumn("last_movement", lambda write, one: write.time(one.overview.last_movement_time)),
        ListColumn("opened", lambda write, one: write.time(one.overview.account.create_time)),
        ListColumn("changed", lambda write, one: write.time(one.overview.account.update_time), for_files=True),
    ),
    filters=(
        ListFilter("concern", "concern", AccountConcern, drops=("state", "order")),
        ListFilter("state", "status", AccountStatus, drops=("concern", "order")),
        ListFilter("order", "order", AccountOrder, drops=("concern", "state", "prefix")),
        ListFilter("prefix", "account_id_prefix", pattern=ACCOUNT_ID, drops=("order",)),
    ),
    has_amounts=True,
    more=_with_balances,
    opens=lambda visit, one: visit.account_path(one.overview.account.account_id),
)
