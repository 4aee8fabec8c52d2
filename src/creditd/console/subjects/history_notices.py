"""What an account's history tells beside its state: who suspended it, what brought debt, and payments not applied."""

from collections.abc import Iterable, Mapping
from typing import Final

from credit.v1.account_pb2 import Account, AccountStatus
from credit.v1.balance_pb2 import Wallet
from credit.v1.credit_service_pb2 import ListTransactionsRequest
from credit.v1.entry_pb2 import Entry, EntryKind
from credit.v1.history_item_pb2 import HistoryItem
from credit.v1.payment_event_pb2 import PaymentEventState
from credit.v1.support_service_pb2 import ListAccountHistoryRequest
from creditd.console.service_refusal import ServiceRefusal
from creditd.console.shapes.cells import CellWriter
from creditd.console.shapes.resource_paths import resource_path
from creditd.console.subjects.account_notices import Notice
from creditd.console.visit import Visit

_MOST_DEBTS: Final = 5
"""Wallets in debt whose cause is told: more stand out of no account."""

_MOST_ITEMS: Final = 100
"""Of the history, from the newest on: what is before them is no more news."""


async def told_history(visit: Visit, account: Account) -> list[HistoryItem]:
    """Return the newest of an account's history where something of it is told: none for one that is as it should be.

    Whoever reads payment events finds those that are parked without it. Nothing either if it cannot be read; raises
    ServiceRefusal for what concerns all of the page.
    """
    if account.status == AccountStatus.ACCOUNT_STATUS_ACTIVE and visit.may("finances.read"):
        return []
    request = ListAccountHistoryRequest(account_id=account.account_id, page_size=_MOST_ITEMS)
    try:
        answer = await visit.ask(visit.stubs.support.ListAccountHistory, request)
    except ServiceRefusal as refusal:
        if refusal.concerns_the_page:
            raise
        return []
    return list(answer.history_items)


async def debt_causes(visit: Visit, account_id: str, wallets: Iterable[Wallet]) -> Mapping[str, Entry]:
    """Return the last clawback of each wallet that is in debt, by credit type; nothing if they cannot be read.

    Raises ServiceRefusal for what concerns all of the page.
    """
    codes = [wallet.balance.credit_type for wallet in wallets if wallet.balance.debt][:_MOST_DEBTS]
    requests = [
        ListTransactionsRequest(
            account_id=account_id, credit_type=code, kinds=[EntryKind.ENTRY_KIND_CLAWBACK], page_size=1
        )
        for code in codes
    ]
    try:
        answers = await visit.ask_all(
            *(visit.ask(visit.stubs.credit.ListTransactions, request) for request in requests)
        )
    except ServiceRefusal as refusal:
        if refusal.concerns_the_page:
            raise
        return {}
    return {entry.credit_type: entry for answer in answers for entry in answer.entries}


def status_act(items: Iterable[HistoryItem], status: AccountStatus) -> HistoryItem | None:
    """Return the act that gave an account the status that it has, among items that are newest first."""
    found = None
    for item in items:
        if item.HasField("account_change"):
            if item.account_change.status != status:
                break
            found = item
    return found


def parked_notices(write: CellWriter, items: Iterable[HistoryItem]) -> list[Notice]:
    """Return the payments that wait for a person, each with the page of its purchase: for who opens no event."""
    parked = [
        item.payment_event
        for item in items
        if item.HasField("payment_event") and item.payment_event.state == PaymentEventState.PAYMENT_EVENT_STATE_PARKED
    ]
    return [
        Notice(
            "notice.parked",
            "bad",
            "stop",
            {"problem": write.said(event.problem).html},
            resource_path(write.visit, event.purchase),
        )
        for event in parked
    ]
