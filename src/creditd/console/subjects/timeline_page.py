"""All that happened to an account, in one order: movements, purchases, what providers said, and what staff did."""

from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final

from credit.v1.account_flag_pb2 import VelocityKind
from credit.v1.account_pb2 import AccountStatus, PlanKind
from credit.v1.approval_pb2 import ApprovalKind, ApprovalState
from credit.v1.entry_pb2 import EntryKind
from credit.v1.history_item_pb2 import AccountChange, HistoryItem
from credit.v1.payment_event_pb2 import PaymentEvent, PaymentEventState
from credit.v1.purchase_pb2 import PurchaseChange, PurchaseState
from credit.v1.support_service_pb2 import ListAccountHistoryRequest
from creditd.console.shapes.cells import NOTHING, Cell, CellWriter
from creditd.console.shapes.enum_words import UNKNOWN
from creditd.console.shapes.list_page import ListColumn, ListPage
from creditd.console.shapes.resource_paths import resource_path
from creditd.console.subjects.wallet_pages import entry_amount, entry_path
from creditd.console.visit import Visit


def _purchase(write: CellWriter, change: PurchaseChange) -> Iterable[Cell]:
    return write.text("timeline.purchase"), write.state(PurchaseState, change.state)


def _said(write: CellWriter, event: PaymentEvent) -> Iterable[Cell]:
    said = write.text("timeline.payment_event", type=write.code(event.event_type))
    return said, write.state(PaymentEventState, event.state)


def _account(write: CellWriter, change: AccountChange) -> Iterable[Cell]:
    plan = write.word(PlanKind, change.plan.kind)
    return write.text("timeline.account"), write.word(AccountStatus, change.status), plan


_WHAT: Final[Mapping[str, Callable[[CellWriter, Any], Iterable[Cell]]]] = {
    "entry": lambda write, entry: (write.word(EntryKind, entry.kind), entry_amount(write, entry)),
    "purchase_change": _purchase,
    "payment_event": _said,
    "account_change": _account,
    "approval": lambda write, asked: (write.word(ApprovalKind, asked.kind), write.state(ApprovalState, asked.state)),
    "account_flag": lambda write, flag: (write.text("timeline.flag"), write.word(VelocityKind, flag.kind)),
}
"""What happened, in a few words, by the name of what an item is."""


def _what(write: CellWriter, item: HistoryItem) -> Cell:
    kind = item.WhichOneof("item") or ""
    return write.beside(_WHAT[kind](write, getattr(item, kind))) if kind in _WHAT else write.text(UNKNOWN)


def _opens(visit: Visit, item: HistoryItem) -> str:
    path = resource_path(visit, item.name)
    if item.HasField("entry"):
        path = entry_path(visit, item.entry)
    # What is about the account itself has no other page than the one that led here.
    return "" if item.HasField("account_change") else path


TIMELINE: Final = ListPage(
    "timeline",
    "/accounts/{account_id}/timeline",
    "accounts.search",
    lambda stubs: stubs.support.ListAccountHistory,
    ListAccountHistoryRequest,
    "history_items",
    (
        ListColumn("time", lambda write, item: write.time(item.create_time, with_seconds=True)),
        ListColumn("what", _what, "wide"),
        ListColumn("cause", lambda write, item: write.resource(item.cause) if item.cause else NOTHING),
        ListColumn("who", lambda write, item: write.identifier(item.actor)),
        ListColumn("reason", lambda write, item: write.quoted(item.reason), "txt wide"),
        ListColumn("staff_note", lambda write, item: write.quoted(item.staff_note), "txt wide"),
        ListColumn("request", lambda write, item: write.identifier(item.request_id), for_files=True),
    ),
    has_amounts=True,
    opens=_opens,
)
