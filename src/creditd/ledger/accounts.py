"""Changes of an account's status and plan: rare, and none may be lost, so decided on locked rows (requirement B3)."""

from collections.abc import Callable
from typing import NamedTuple

from creditd.domain import errors
from creditd.domain.account import Account, AccountStatus, with_plan, with_status
from creditd.domain.expiry import settle
from creditd.domain.instant import Instant
from creditd.domain.outbox import OutboxKind
from creditd.domain.subscription import entitlement
from creditd.domain.wallet import Origin, Rules
from creditd.ledger.transaction import Transaction, TransactionLedger
from creditd.storage import accounts, outbox, payment_dues, payment_events, subscriptions
from creditd.storage.database import Connection
from creditd.storage.locks import lock_wallets_of
from creditd.storage.requests import ClaimKind, RequestKey, claim
from creditd.storage.wallets import load_accounts

Change = Callable[[Connection, Account, Instant], Account]


class _Wanted(NamedTuple):
    """Whose account is to be changed, by whom and why, at which version, and whether that is only tried."""

    account_id: str
    origin: Origin
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
        payload = {"unlimited": unlimited, "until": until}
        outbox.announce(connection, account.account_id, make_id(), OutboxKind.PLAN_CHANGED, payload, now)
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
        origin: Origin,
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

        return self._change(_Wanted(account_id, origin, version, dry_run), ClaimKind.ACCOUNT_STATUS, change)

    def set_plan(
        self,
        account_id: str,
        origin: Origin,
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

        return self._change(_Wanted(account_id, origin, version, dry_run), ClaimKind.PLAN, change)

    def _change(self, wanted: _Wanted, kind: ClaimKind, change: Change) -> ChangedAccount:
        return self._ledger.transact(
            lambda transaction: self._changed(transaction, wanted, kind, change), dry_run=wanted.dry_run
        )

    @staticmethod
    def _changed(transaction: Transaction, wanted: _Wanted, kind: ClaimKind, change: Change) -> ChangedAccount:
        connection, origin = transaction.connection, wanted.origin
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
        accounts.change(connection, changed, origin)
        return ChangedAccount(changed, replayed=False)

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
