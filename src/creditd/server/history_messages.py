"""What happened to an account, as messages of credit.v1."""

from credit.v1 import history_item_pb2 as pb
from creditd.domain.controls.account_flag import AccountFlag
from creditd.domain.controls.approval import Approval
from creditd.domain.instant import Instant
from creditd.domain.payments.payment_event import PaymentEvent
from creditd.domain.payments.purchase import PurchaseKey, purchase_name
from creditd.domain.resource_names import account_name, entry_name, payment_event_name
from creditd.server.alert_messages import alert_message
from creditd.server.approval_messages import approval_message
from creditd.server.credit_messages import labels, listed_entry_message, number, timestamp, write_plan
from creditd.server.flag_messages import flag_message
from creditd.server.limit_messages import limit_message
from creditd.server.payment_messages import change_message, event_message
from creditd.service.account_history import HistoryItem
from creditd.storage.accounts import AccountChange
from creditd.storage.payments.purchases import PlacedChange
from creditd.storage.rows import ListedEntry


def history_item_message(item: HistoryItem, account_id: str, now: Instant) -> pb.HistoryItem:
    """Write what happened to an account, as it stands at an instant."""
    message = pb.HistoryItem(create_time=timestamp(item.time), staff_note=item.note)
    match item.what:
        case ListedEntry():
            _write_entry(message, item.what)
        case PlacedChange():
            _write_purchase(message, account_id, item.what)
        case PaymentEvent():
            _write_payment_event(message, item.what)
        case AccountChange():
            _write_change(message, item.what)
        case Approval():
            _write_approval(message, item.what, now)
        case AccountFlag():
            message.name = item.what.name
            message.actor = "system"
            message.account_flag.CopyFrom(flag_message(item.what))
    return message


def _write_entry(message: pb.HistoryItem, listed: ListedEntry) -> None:
    entry = listed.entry
    message.entry.CopyFrom(listed_entry_message(listed))
    message.name = entry_name(entry.account_id, entry.credit_type, entry.version)
    message.actor, message.reason, message.request_id = entry.actor, entry.reason, entry.request_id or ""
    # What others state in their labels is not taken for a purchase.
    stated = labels(entry.metadata) if entry.metadata and not entry.request_id else {}
    message.cause = stated.get("purchase", "") or message.entry.reservation


def _write_purchase(message: pb.HistoryItem, account_id: str, placed: PlacedChange) -> None:
    change = placed.change
    message.purchase_change.CopyFrom(change_message(change))
    message.name = purchase_name(PurchaseKey(account_id, placed.purchase_id))
    message.actor, message.reason = change.actor, change.reason


def _write_payment_event(message: pb.HistoryItem, event: PaymentEvent) -> None:
    message.payment_event.CopyFrom(event_message(event))
    message.name = payment_event_name(event.event_id)
    message.cause = event.purchase
    message.actor = event.provider.name.lower()
    message.reason = event.event_type


def _write_change(message: pb.HistoryItem, change: AccountChange) -> None:
    account = change.account
    message.account_change.version = account.version
    message.account_change.status = number(account.status)
    message.account_change.limits.extend(map(limit_message, account.limits))
    message.account_change.alerts.extend(map(alert_message, account.alerts))
    write_plan(message.account_change.plan, account, account.update_time)
    message.name = account_name(account.account_id)
    message.actor, message.reason, message.request_id = change.actor, change.reason, change.request_id


def _write_approval(message: pb.HistoryItem, approval: Approval, now: Instant) -> None:
    message.approval.CopyFrom(approval_message(approval, now))
    message.name = approval.name
    message.cause = message.approval.purchase
    message.actor, message.reason, message.request_id = approval.maker.subject, approval.reason, approval.request_id
