"""Changes of an account's status, plan, limits and alerts: rare, and none may be lost, so decided on locked rows."""

from collections.abc import Callable, Mapping
from typing import Any, Final, NamedTuple

from creditd.domain import errors
from creditd.domain.account import Account, AccountStatus, with_alerts, with_limits, with_plan, with_status
from creditd.domain.controls.audit_event import Act, changed_event
from creditd.domain.events.balance_alert import BalanceAlert
from creditd.domain.events.outbox import OutboxEvent, OutboxKind, changed_plan, changed_status
from creditd.domain.expiry import settle
from creditd.domain.instant import Instant
from creditd.domain.limits import Limit
from creditd.domain.payments.subscription import entitlement
from creditd.domain.wallet import Origin, Rules
from creditd.ledger.transaction import Transaction, TransactionLedger
from creditd.storage import accounts
from creditd.storage.controls import audit
from creditd.storage.database import Connection
from creditd.storage.events import outbox
from creditd.storage.locks import lock_wallets_of
from creditd.storage.payments import payment_dues, payment_events, subscriptions
from creditd.storage.requests import ClaimKind, RequestKey, claim
from creditd.storage.wallets import load_accounts

Change = Callable[[Connection, Account, Instant], Account]


_SHOWN: Final = {ClaimKind.LIMITS: "limits", ClaimKind.ALERTS: "alerts"}
"""What the audit log tells besides status and plan: many times as long, and changed by one kind of act alone."""


class _Wanted(NamedTuple):
    """Whose account is to be changed, by which act, at which version, and whether that is only tried."""

    account_id: str
    act: Act
    version: int | None
    dry_run: bool


class ChangedAccount(NamedTuple):
    """An account right after a change. ``replayed`` says that an earlier call with the same request id made it."""

    account: Account
    replayed: bool


def _with_what_is_due(connection: Connection, account: Account, now: Instant, make_id: Callable[[], str]) -> Account:
    """Return an account that is opened again with the plan that its subscriptions came to meanwhile, if one is due.

    What is due to its purchases is tried soon after.
    """
    payment_dues.wake(connection, account.account_id, now)
    for live in payment_dues.drop_plans(connection, account.account_id):
        ours = [one for one in subscriptions.of_account(connection, account.account_id) if one.live == live]
        unlimited, until = entitlement(ours, now)
        account = account._replace(unlimited=unlimited, unlimited_until=until)
        payload = changed_plan(unlimited=unlimited, until=until)
        event = OutboxEvent(account.account_id, make_id(), OutboxKind.PLAN_CHANGED, "", payload, now)
        outbox.announce(connection, event)
        payment_events.end_recorded(connection, account.account_id, "", now)
    return account


class AccountLedger:
    """Changes accounts, each change once for its request id and with a row that tells who made it and why."""

    def __init__(self, ledger: TransactionLedger, rules: Rules, make_id: Callable[[], str]) -> None:
        """Change accounts in transactions of ``ledger``."""
        self._ledger = ledger
        self._rules = rules
        self._make_id = make_id

    def set_status(
        self,
        account_id: str,
        status: AccountStatus,
        act: Act,
        *,
        allow_balance: bool,
        version: int | None = None,
        dry_run: bool = False,
    ) -> ChangedAccount:
        """Activate, suspend or close an account, if its version is ``version``; a ``dry_run`` changes nothing.

        Raises RequestIdReused, VersionMismatch, VersionConflict, RecordBusy, DatabaseUnavailable, and AccountNotEmpty
        for closing one that has credits, holds or debt unless ``allow_balance`` is set.
        """

        def change(connection: Connection, account: Account, now: Instant) -> Account:
            closing = status == AccountStatus.CLOSED and not allow_balance
            is_empty = not closing or self._is_empty(connection, account.account_id, now)
            changed = with_status(account, status, now, is_empty=is_empty)
            is_opened = account.status == AccountStatus.CLOSED != changed.status
            return _with_what_is_due(connection, changed, now, self._make_id) if is_opened else changed

        return self._change(_Wanted(account_id, act, version, dry_run), ClaimKind.ACCOUNT_STATUS, change)

    def set_plan(
        self,
        account_id: str,
        act: Act,
        *,
        unlimited: bool,
        until: Instant | None,
        version: int | None = None,
        dry_run: bool = False,
    ) -> ChangedAccount:
        """Switch the unlimited plan on or off, if the account's version is ``version``; a ``dry_run`` changes nothing.

        Raises AccountClosed, ExpiryInPast, RequestIdReused, VersionMismatch, VersionConflict, RecordBusy,
        DatabaseUnavailable.
        """

        def change(_: Connection, account: Account, now: Instant) -> Account:
            return with_plan(account, now, unlimited=unlimited, until=until)

        return self._change(_Wanted(account_id, act, version, dry_run), ClaimKind.PLAN, change)

    def set_limits(
        self,
        account_id: str,
        act: Act,
        limits: tuple[Limit, ...],
        *,
        version: int | None = None,
        dry_run: bool = False,
    ) -> ChangedAccount:
        """Put limits in the place of those that an account has, if its version is ``version``.

        A ``dry_run`` changes nothing. Raises AccountClosed, InvalidField, RequestIdReused, VersionMismatch,
        VersionConflict, RecordBusy, DatabaseUnavailable.
        """

        def change(_: Connection, account: Account, now: Instant) -> Account:
            return with_limits(account, limits, now)

        return self._change(_Wanted(account_id, act, version, dry_run), ClaimKind.LIMITS, change)

    def set_alerts(
        self,
        account_id: str,
        act: Act,
        alerts: tuple[BalanceAlert, ...],
        *,
        version: int | None = None,
        dry_run: bool = False,
    ) -> ChangedAccount:
        """Put balance alerts in the place of those that an account has, if its version is ``version``.

        A ``dry_run`` changes nothing. Raises AccountClosed, InvalidField, RequestIdReused, VersionMismatch,
        VersionConflict, RecordBusy, DatabaseUnavailable.
        """

        def change(_: Connection, account: Account, now: Instant) -> Account:
            return with_alerts(account, alerts, now)

        return self._change(_Wanted(account_id, act, version, dry_run), ClaimKind.ALERTS, change)

    def _change(self, wanted: _Wanted, kind: ClaimKind, change: Change) -> ChangedAccount:
        return self._ledger.transact(
            lambda transaction: self._changed(transaction, wanted, kind, change), dry_run=wanted.dry_run
        )

    def _changed(self, transaction: Transaction, wanted: _Wanted, kind: ClaimKind, change: Change) -> ChangedAccount:
        connection, origin = transaction.connection, wanted.act.origin
        account = transaction.hold(wanted.account_id)
        request_id = origin.request_id or ""
        known = accounts.known_change(connection, account, request_id)
        if known and known.fingerprint == origin.fingerprint:
            return ChangedAccount(known.account, replayed=True)
        now = transaction.now
        claim(connection, RequestKey(wanted.account_id, request_id), kind, now)
        if wanted.version is not None and wanted.version != account.version:
            raise errors.VersionMismatch(stated=wanted.version, current=account.version)
        changed = change(connection, account, now)
        self._write(transaction, account, changed, wanted.act, shows=_SHOWN.get(kind, ""))
        if kind is ClaimKind.PLAN:
            payload = changed_plan(unlimited=changed.unlimited, until=changed.unlimited_until)
            self._announce(transaction, changed, OutboxKind.PLAN_CHANGED, payload)
        return ChangedAccount(changed, replayed=False)

    def _write(
        self, transaction: Transaction, account: Account, changed: Account, act: Act, *, shows: str = ""
    ) -> None:
        accounts.change(transaction.connection, changed, act.origin)
        now = transaction.now
        event = changed_event(act, self._make_id(), now, account, changed, shows=shows)
        audit.append(transaction.connection, event)
        if account.status != changed.status:
            payload = changed_status(account, changed)
            self._announce(transaction, changed, OutboxKind.ACCOUNT_STATUS_CHANGED, payload)

    def _announce(
        self, transaction: Transaction, account: Account, kind: OutboxKind, payload: Mapping[str, Any]
    ) -> None:
        event = OutboxEvent(account.account_id, self._make_id(), kind, "", payload, account.update_time)
        outbox.announce(transaction.connection, event)

    def move_status(
        self, transaction: Transaction, account_id: str, present: AccountStatus, status: AccountStatus, act: Act
    ) -> bool:
        """Change an account's status within a transaction that is open, if it is ``present``; return whether it was.

        Neither is CLOSED: what is closed is not opened again by the way. The request id of ``act`` is new.
        """
        account = transaction.hold(account_id)
        if account.status != present:
            return False
        self._write(transaction, account, with_status(account, status, transaction.now, is_empty=False), act)
        return True

    def change_plan(
        self,
        connection: Connection,
        account: Account,
        origin: Origin,
        now: Instant,
        *,
        unlimited: bool,
        until: Instant | None,
    ) -> Account:
        """Switch the unlimited plan of an account whose row is locked, within a transaction that is open.

        ``now`` is the instant that the plan was decided at; the request id of ``origin`` is new. Raises AccountClosed.
        """
        lock_wallets_of(connection, account.account_id)
        changed = with_plan(account, now, unlimited=unlimited, until=until)
        accounts.change(connection, changed, origin)
        return changed

    def _is_empty(self, connection: Connection, account_id: str, now: Instant) -> bool:
        loaded = load_accounts(connection, [account_id], now, self._rules.order)[account_id]
        for one in loaded.wallets.values():
            settled = settle(one.wallet, one.due, one.next_hold_end, now, self._rules, graces=one.graces).wallet
            if settled.available or settled.reserved or settled.debt:
                return False
        return True
