"""Velocity rules at work: events are counted, and what breaks a rule flags the account, in the transaction at hand."""

from collections.abc import Callable, Sequence
from typing import Final

from creditd.domain.account import AccountStatus
from creditd.domain.controls.account_flag import AccountFlag
from creditd.domain.controls.audit_event import Act, raised_event
from creditd.domain.controls.velocity import VelocityAction, VelocityEvent, VelocityKind, VelocityRule, most_within
from creditd.domain.events.outbox import OutboxEvent, OutboxKind, raised_flag
from creditd.domain.wallet import Origin
from creditd.ledger.accounts import AccountLedger
from creditd.ledger.transaction import Transaction
from creditd.storage.controls import account_flags, audit, velocity
from creditd.storage.controls.velocity import VelocityLook
from creditd.storage.events import outbox

COUNTED_ANYWAY: Final = frozenset({VelocityKind.PROMO_ATTEMPTS})
"""Kinds that are counted without a rule too: whoever tries codes is held up by how many there were."""

ACTOR: Final = "velocity"
"""Who flags and suspends, in histories and in the audit log."""


class Velocity:
    """Counts events, and judges accounts by the rules."""

    def __init__(self, rules: Sequence[VelocityRule], accounts: AccountLedger, make_id: Callable[[], str]) -> None:
        """Suspend through ``accounts``. What no rule is about is not counted, but for COUNTED_ANYWAY."""
        self._rules = tuple(rules)
        self._kinds = COUNTED_ANYWAY.union(rule.kind for rule in rules)
        self._accounts = accounts
        self._make_id = make_id

    def count(self, transaction: Transaction, account_id: str, events: Sequence[VelocityEvent]) -> None:
        """Count events of an account, each about another subject; flag the account for each rule that they break.

        What was counted before is not counted again. An account is judged by one transaction at a time; so it has to be
        called before its row, or a wallet's, is locked.
        """
        events = [event for event in events if event.kind in self._kinds]
        if not events:
            return
        news = velocity.record(transaction.connection, account_id, events)
        if not news:
            return
        kinds = {event.kind for event in news}
        states = velocity.lock(transaction.connection, account_id, [rule for rule in self._rules if rule.kind in kinds])
        looks = [
            VelocityLook(rule, event, state.clear_time)
            for rule, state in states.items()
            for event in news
            # While a flag is open there is nothing to find.
            if rule.kind == event.kind and state.flag_id is None
        ]
        if not looks:
            return
        found: dict[VelocityRule, int] = {}
        for look, times in zip(looks, velocity.times_around(transaction.connection, account_id, looks), strict=True):
            found[look.rule] = max(found.get(look.rule, 0), most_within(times, look.rule.window_seconds))
        for rule, event_count in sorted(found.items()):
            if event_count > rule.most:
                self._flag(transaction, account_id, rule, event_count)

    def _flag(self, transaction: Transaction, account_id: str, rule: VelocityRule, event_count: int) -> None:
        flag_id, now = self._make_id(), transaction.now
        reason = f"{event_count} {rule.kind.name.lower()} within {rule.window_seconds} s; {rule.most} are allowed"
        act = Act(Origin(ACTOR, flag_id, reason=reason), "account_flag.raise", "", ())
        suspended = rule.action is VelocityAction.SUSPEND and self._accounts.move_status(
            transaction,
            account_id,
            AccountStatus.ACTIVE,
            AccountStatus.SUSPENDED,
            act._replace(kind="account.set_status"),
        )
        flag = AccountFlag(
            account_id,
            flag_id,
            rule.kind,
            rule.most,
            rule.window_seconds,
            rule.action,
            event_count,
            suspended,
            now,
        )
        account_flags.add(transaction.connection, flag)
        event = OutboxEvent(account_id, self._make_id(), OutboxKind.ACCOUNT_FLAGGED, "", raised_flag(flag), now)
        outbox.announce(transaction.connection, event)
        audit.append(transaction.connection, raised_event(act, self._make_id(), flag))
