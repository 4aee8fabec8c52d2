"""Audit events: who did, or was refused, which administrative act, on what, and why (requirement D2)."""

from collections.abc import Mapping, Sequence
from enum import IntEnum
from typing import Any, NamedTuple

from creditd.domain.account import Account
from creditd.domain.controls.account_flag import AccountFlag
from creditd.domain.entry import Entry
from creditd.domain.instant import Instant
from creditd.domain.limits import Limit
from creditd.domain.resource_names import account_name
from creditd.domain.wallet import Origin

Document = Mapping[str, Any]
"""What something was like, as JSON can hold it."""


class AuditOutcome(IntEnum):
    """What became of an act. The numbers are those of the rows and of the wire."""

    DONE = 1
    REFUSED = 2


class AuditEvent(NamedTuple):
    """An administrative act, or an event that bears on security, as it is told for good.

    ``event_id`` is a UUIDv7, made when the act was decided. ``actor`` is who called, ``person`` who stands behind that,
    ``roles`` are those of the call, sorted. ``kind`` is a noun and a verb with a dot between, such as ``credits.add``.
    ``account_id`` and ``target``, a resource name, are empty where there is none. ``reason`` is the caller's,
    ``refusal`` the machine-readable reason of a refusal, empty for what was done. ``occurrences`` is how many
    such events it stands for. ``note`` is for staff alone, and stands in ``after`` too.
    """

    event_id: str
    create_time: Instant
    actor: str
    person: str
    roles: tuple[str, ...]
    kind: str
    outcome: AuditOutcome
    account_id: str = ""
    target: str = ""
    reason: str = ""
    refusal: str = ""
    before: Document | None = None
    after: Document | None = None
    request_id: str = ""
    correlation_id: str = ""
    address: str = ""
    occurrences: int = 1
    note: str = ""


class Act(NamedTuple):
    """An administrative act as it is asked for: by whom, from where, why; ``origin`` is what rows of it refer to.

    ``note`` is what staff alone are told of it; empty for nothing.
    """

    origin: Origin
    kind: str
    person: str
    roles: tuple[str, ...]
    correlation_id: str = ""
    address: str = ""
    note: str = ""

    def done(
        self,
        event_id: str,
        now: Instant,
        target: str,
        *,
        account_id: str = "",
        before: Document | None = None,
        after: Document | None = None,
    ) -> AuditEvent:
        """Return the event of the act once it is done, with its target before and after."""
        if self.note:
            after = {**(after or {}), "staff_note": self.note}
        return AuditEvent(
            event_id=event_id,
            create_time=now,
            actor=self.origin.actor,
            person=self.person,
            roles=self.roles,
            kind=self.kind,
            outcome=AuditOutcome.DONE,
            account_id=account_id,
            target=target,
            reason=self.origin.reason,
            before=before,
            after=after,
            request_id=self.origin.request_id or "",
            correlation_id=self.correlation_id,
            address=self.address,
            note=self.note,
        )


def moved_event(act: Act, event_id: str, now: Instant, account_id: str, entries: Sequence[Entry]) -> AuditEvent:
    """Return the event of an act that moved credits of an account: each balance before and after it."""
    before = {"balances": [_balance(entry, is_before=True) for entry in entries]}
    after = {"balances": [_balance(entry, is_before=False) for entry in entries]}
    return act.done(event_id, now, account_name(account_id), account_id=account_id, before=before, after=after)


def _balance(entry: Entry, *, is_before: bool) -> Document:
    return {
        "credit_type": entry.credit_type,
        "version": entry.version - is_before,
        "available": entry.available_after - is_before * entry.available_delta,
        "reserved": entry.reserved_after - is_before * entry.reserved_delta,
        "debt": entry.debt_after - is_before * entry.debt_delta,
    }


def changed_event(
    act: Act, event_id: str, now: Instant, before: Account, after: Account, *, shows: str = ""
) -> AuditEvent:
    """Return the event of an act that changed an account's status or plan; it ``shows`` "limits" or "alerts" too."""
    name, account_id = account_name(after.account_id), after.account_id
    was, is_now = [_facts(account, shows) for account in (before, after)]
    return act.done(event_id, now, name, account_id=account_id, before=was, after=is_now)


def _facts(account: Account, shows: str) -> Document:
    facts: dict[str, Any] = {
        "version": account.version,
        "status": account.status.name,
        "unlimited": account.unlimited,
        "unlimited_until": account.unlimited_until,
    }
    if shows == "alerts":
        facts["alerts"] = [alert._asdict() for alert in account.alerts]
    if shows == "limits":
        # They are many times as long as all else, and no other act changes them.
        facts["limits"] = [_bounds(limit) for limit in account.limits]
    return facts


def _bounds(limit: Limit) -> Document:
    return {name: value for name, value in limit._asdict().items() if value not in (None, "")}


def raised_event(act: Act, event_id: str, flag: AccountFlag) -> AuditEvent:
    """Return the event of a flag that a rule has raised."""
    return act.done(event_id, flag.raise_time, flag.name, account_id=flag.account_id, after=_of_flag(flag))


def cleared_event(act: Act, event_id: str, before: AccountFlag, after: AccountFlag) -> AuditEvent:
    """Return the event of an act that cleared a flag."""
    now = after.raise_time if after.clear_time is None else after.clear_time
    documents = {"before": _of_flag(before), "after": _of_flag(after)}
    return act.done(event_id, now, after.name, account_id=after.account_id, **documents)


def _of_flag(flag: AccountFlag) -> Document:
    return {
        "kind": flag.kind.name,
        "most": flag.most,
        "window_seconds": flag.window_seconds,
        "action": flag.action.name,
        "event_count": flag.event_count,
        "suspended": flag.suspended,
        "clear_time": flag.clear_time,
        "activated": flag.activated,
    }
