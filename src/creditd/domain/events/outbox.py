"""What others are told: the kinds of outbox events, and what each says (docs/events.md has the schemas)."""

from collections.abc import Iterator, Mapping
from enum import IntEnum
from typing import Any, Final, NamedTuple

from creditd.domain.account import Account
from creditd.domain.controls.account_flag import AccountFlag
from creditd.domain.entry import Entry, EntryKind
from creditd.domain.events.balance_alert import BalanceAlert
from creditd.domain.grants import Grant
from creditd.domain.instant import Instant, instant_text
from creditd.domain.reservation import reservation_name

SCHEMA_VERSION: Final = 1
"""Of every kind so far. What an event says is only added to; what is taken away or changed makes another version."""


class OutboxKind(IntEnum):
    """What an outbox event announces. The numbers are those of the proto and of the rows."""

    TOP_UP_SUCCEEDED = 1
    PURCHASE_FAILED = 2
    CREDITS_REVERSED = 3
    PLAN_CHANGED = 4
    RECONCILED = 5
    LOW_BALANCE = 6
    RESERVATION_EXPIRED = 7
    GRANT_EXPIRING = 8
    GRANT_EXPIRED = 9
    LIMIT_REACHED = 10
    ACCOUNT_FLAGGED = 11
    ACCOUNT_STATUS_CHANGED = 12


class OutboxEvent(NamedTuple):
    """An event for others; ``credit_type`` is empty where it is about the account as a whole."""

    account_id: str
    event_id: str
    kind: OutboxKind
    credit_type: str
    payload: Mapping[str, Any]
    create_time: Instant


class Announcement(NamedTuple):
    """What is to be told of an account, before the event has an id."""

    kind: OutboxKind
    credit_type: str
    payload: Mapping[str, Any]


def told_of_entry(entry: Entry, alerts: tuple[BalanceAlert, ...]) -> Iterator[Announcement]:
    """Yield that a movement took the available credits below an alert's figure: once, until they are above it again."""
    before = entry.available_after - entry.available_delta
    for alert in alerts:
        if alert.credit_type == entry.credit_type and entry.available_after < alert.below <= before:
            yield Announcement(
                OutboxKind.LOW_BALANCE,
                entry.credit_type,
                {"available": entry.available_after, "below": alert.below, "version": entry.version},
            )


def told_of_expiration(entry: Entry) -> Announcement:
    """Return what is told of the expiry of a hold or of a grant."""
    if entry.kind == EntryKind.RELEASE and entry.reservation:
        name = reservation_name(entry.account_id, entry.credit_type, entry.reservation.reservation_id)
        payload = {"reservation": name, "amount": entry.amount, "version": entry.version}
        return Announcement(OutboxKind.RESERVATION_EXPIRED, entry.credit_type, payload)
    lapsed = entry.slices[0]
    payload = {
        "grant_id": lapsed.grant_id,
        "source": lapsed.source.name,
        "amount": entry.amount,
        "version": entry.version,
    }
    return Announcement(OutboxKind.GRANT_EXPIRED, entry.credit_type, payload)


def expiring(grant: Grant) -> Mapping[str, Any]:
    """Return what is told of a grant that expires soon, which has an expire time."""
    return {
        "grant_id": grant.grant_id,
        "source": grant.source.name,
        "amount": grant.remaining,
        "expire_time": _time(grant.expire_time),
    }


def changed_plan(*, unlimited: bool, until: Instant | None) -> Mapping[str, Any]:
    """Return what is told of a plan that was changed."""
    return {"plan": "unlimited" if unlimited else "standard", "end_time": _time(until)}


def changed_status(before: Account, after: Account) -> Mapping[str, Any]:
    """Return what is told of an account that was suspended, closed or activated."""
    return {"status": after.status.name, "previous_status": before.status.name}


def raised_flag(flag: AccountFlag) -> Mapping[str, Any]:
    """Return what is told of a flag that a velocity rule has raised."""
    return {
        "account_flag": flag.name,
        "kind": flag.kind.name,
        "event_count": flag.event_count,
        "window_seconds": flag.window_seconds,
        "suspended": flag.suspended,
    }


def _time(instant: Instant | None) -> str | None:
    return None if instant is None else instant_text(instant)
