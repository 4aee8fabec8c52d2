"""The list of accounts, by their ids."""

from typing import Final

from credit.v1.account_pb2 import AccountOverview, AccountStatus, PlanKind
from credit.v1.admin_service_pb2 import ListAccountsRequest
from creditd.console.shapes.cells import NOTHING, Cell, CellWriter
from creditd.console.shapes.id_patterns import ACCOUNT_ID
from creditd.console.shapes.list_filters import ListFilter
from creditd.console.shapes.list_page import ListColumn, ListPage


def _stands_out(write: CellWriter, one: AccountOverview) -> Cell:
    found = [
        (one.open_flags, "notice.flags"),
        (one.open_disputes, "notice.disputes"),
        (one.extra_payments, "notice.extra_payments"),
    ]
    parts = [write.text(key, count=count) for count, key in found if count]
    return write.beside(parts) if parts else NOTHING


ACCOUNTS: Final = ListPage(
    "accounts",
    "/accounts",
    "accounts.search",
    lambda stubs: stubs.admin.ListAccounts,
    ListAccountsRequest,
    "account_overviews",
    (
        ListColumn("account", lambda write, one: write.account(one.account.account_id)),
        ListColumn("state", lambda write, one: write.state(AccountStatus, one.account.status)),
        ListColumn("plan", lambda write, one: write.word(PlanKind, one.account.plan.kind)),
        ListColumn("stands_out", _stands_out, "wide"),
        ListColumn("opened", lambda write, one: write.time(one.account.create_time)),
        ListColumn("changed", lambda write, one: write.time(one.account.update_time)),
    ),
    filters=(
        ListFilter("state", "status", AccountStatus),
        ListFilter("prefix", "account_id_prefix", pattern=ACCOUNT_ID),
    ),
    opens=lambda visit, one: visit.account_path(one.account.account_id),
)
