"""Accounts that velocity rules have flagged, and clearing a flag."""

from typing import Final

from credit.v1.account_flag_pb2 import (
    AccountFlag,
    ClearAccountFlagRequest,
    ListAccountFlagsRequest,
    VelocityAction,
    VelocityKind,
)
from creditd.console.shapes.act_page import REASON, ActField, ActPage
from creditd.console.shapes.cells import Cell, CellWriter
from creditd.console.shapes.id_patterns import ACCOUNT_ID
from creditd.console.shapes.list_filters import ListFilter
from creditd.console.shapes.list_page import ListColumn, ListPage
from creditd.console.shapes.offered_acts import OfferedAct
from creditd.console.shapes.resource_names import account_name, flag_name
from creditd.console.shapes.resource_paths import page_of
from creditd.console.shapes.typed_form import TypedForm
from creditd.console.visit import Visit


def _rule(write: CellWriter, flag: AccountFlag) -> Cell:
    return write.text(
        "flag.rule",
        events=write.number(flag.event_count),
        most=write.number(flag.most),
        seconds=write.number(flag.window_seconds),
    )


def _raised(write: CellWriter, flag: AccountFlag) -> Cell:
    return write.waiting_time(flag.raise_time, waits=not flag.HasField("clear_time"), with_seconds=True)


def _cleared(write: CellWriter, flag: AccountFlag) -> Cell:
    if not flag.HasField("clear_time"):
        return write.tag(("t-warn", "flag"), write.text("flag.open"))
    return write.under(write.time(flag.clear_time), write.identifier(flag.cleared_by))


def _flag_id(flag: AccountFlag) -> str:
    return flag.name.rpartition("/")[2]


def _clear(visit: Visit, flag: AccountFlag) -> list[OfferedAct]:
    if flag.HasField("clear_time"):
        return []
    path = visit.account_path(flag.account_id, f"/flags/{_flag_id(flag)}/clear")
    return [OfferedAct("act.clear_flag.do", path, "account_flags.clear")]


FLAGS: Final = ListPage(
    "flags",
    "/flags",
    "accounts.search",
    lambda stubs: stubs.admin.ListAccountFlags,
    ListAccountFlagsRequest,
    "account_flags",
    (
        ListColumn("raised", _raised),
        ListColumn("account", lambda write, flag: write.account(flag.account_id)),
        ListColumn("kind", lambda write, flag: write.word(VelocityKind, flag.kind)),
        ListColumn("rule", _rule, "wide"),
        ListColumn("act", lambda write, flag: write.word(VelocityAction, flag.action)),
        ListColumn("suspended", lambda write, flag: write.yes_or_no(is_so=flag.suspended)),
        ListColumn("cleared", _cleared),
        ListColumn("reason", lambda write, flag: write.quoted(flag.clear_reason), "txt wide"),
    ),
    filters=(
        ListFilter("kind", "kind", VelocityKind),
        ListFilter("account", "account_id", pattern=ACCOUNT_ID),
        ListFilter("cleared", "show_cleared"),
    ),
    row_acts=_clear,
)


def _request(form: TypedForm) -> ClearAccountFlagRequest:
    return ClearAccountFlagRequest(
        name=flag_name(form.visit.parts),
        activate=bool(form.text("activate")),
        request_id=form.request_id,
        reason=form.reason(),
    )


CLEAR_FLAG: Final = ActPage(
    "clear_flag",
    "/accounts/{account_id}/flags/{flag_id}/clear",
    "account_flags.clear",
    lambda stubs: stubs.admin.ClearAccountFlag,
    _request,
    page_of(account_name),
    fields=(ActField("activate", "check"), REASON._replace(hint="")),
    subject="account_id",
    will=1,
)
