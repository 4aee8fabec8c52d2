"""How a decided batch reaches its rows, within a transaction that is open."""

import time

from creditd.domain.wallet import WalletKey
from creditd.ledger.batch import Batch
from creditd.ledger.clock import DatabaseClock
from creditd.storage.changes import Changes
from creditd.storage.controls import audit
from creditd.storage.database import Connection
from creditd.storage.events import outbox
from creditd.storage.failures import SaveFailure, classify
from creditd.storage.layout import is_by_account
from creditd.storage.locks import lock_wallets, open_accounts, share_accounts
from creditd.storage.save import KnownRequest, Overtaken, Saved, postpone, save
from creditd.storage.save_of_one import postpone_one, save_of_one

NO_ACCOUNTS: frozenset[str] = frozenset()


class Moved(Exception):
    """An account was opened or has changed since it was loaded."""


def failure_of(error: Exception) -> SaveFailure:
    """Tell why a transaction on the ledger failed."""
    if isinstance(error, Moved | Overtaken):
        return SaveFailure.MOVED
    if isinstance(error, KnownRequest):
        return SaveFailure.KNOWN_REQUEST
    return classify(error)


def why_unsaved(saved: Saved | None) -> SaveFailure:
    """Tell why accounts were not saved, if some were not."""
    return SaveFailure.KNOWN_REQUEST if saved and not saved.moved else SaveFailure.MOVED


def write_down(connection: Connection, batch: Batch, clock: DatabaseClock, *, commits: bool = False) -> Saved | None:
    """Write what a batch changed, of each account all or nothing; return what became of it, None if that is nothing.

    With ``commits`` the transaction is committed together with what is saved, which needs no transaction otherwise.
    Raises Moved, Overtaken, KnownRequest or an error of the database's; then nothing of it may be kept.
    """
    changes = batch.changes
    if makes_rows(changes):
        _guard_accounts(connection, changes, {*changes.wallets, *batch.postponed})
    if batch.postponed:
        # Before the save: what is committed by then is true whatever becomes of the batch.
        if is_by_account(connection):
            postpone_one(connection, batch.postponed.values())
        else:
            postpone(connection, batch.postponed.values())
    if not changes.entries:
        return None
    asked = time.monotonic_ns()
    if is_by_account(connection):
        saved = save_of_one(connection, changes, commits=commits)
    else:
        saved = save(connection, changes, batch.columns, commits=commits)
    clock.observe(saved.database_time, (time.monotonic_ns() - asked) // 1_000)
    if changes.audited:
        _append_audited(connection, changes, saved)
    if changes.announced:
        _announce(connection, changes, saved)
    return saved


def write_all(connection: Connection, batch: Batch, clock: DatabaseClock) -> None:
    """Write all that a batch changed. Raises as ``write_down`` does, and Moved if an account is not saved."""
    saved = write_down(connection, batch, clock)
    if saved and saved.unsaved:
        raise Moved


def needs_transaction(changes: Changes) -> bool:
    """Tell whether there is more to write than one statement does: new rows, or what is told of the movements."""
    return is_told_of(changes) or makes_rows(changes)


def is_told_of(changes: Changes) -> bool:
    """Tell whether the audit log or others are told of movements, by statements after the save's."""
    return bool(changes.audited or changes.announced)


def makes_rows(changes: Changes) -> bool:
    """Tell whether accounts or wallets are written that have no row yet."""
    return bool(changes.opened) or 0 in changes.base_versions.values()


def _append_audited(connection: Connection, changes: Changes, saved: Saved) -> None:
    """Tell of the acts that were saved; those of accounts that were not are decided, and told, once more."""
    events = [event for event in changes.audited if event.account_id not in saved.unsaved]
    if events:
        audit.append(connection, *events)


def _announce(connection: Connection, changes: Changes, saved: Saved) -> None:
    """Tell others of what was saved."""
    events = [event for event in changes.announced if event.account_id not in saved.unsaved]
    if events:
        outbox.announce(connection, *events)


def _guard_accounts(connection: Connection, changes: Changes, written: set[WalletKey]) -> None:
    """Hold still the accounts, then the wallets, and make the rows of new accounts.

    An existing wallet's own row guards its account's version; a new one has no row yet. Whoever takes both takes
    accounts before wallets: in two orders, two servers, or one and a change of an account, would deadlock. So would two
    that lock one after the other what they write after the save: all wallets ``written`` are locked at once, in order.
    """
    stored = share_accounts(connection, {key.account_id for key in changes.wallets})
    lock_wallets(connection, written)
    if not open_accounts(connection, changes.opened.values()):
        raise Moved
    decided_on = {wallet.account for wallet in changes.new_wallets()}.difference(changes.opened.values())
    if any(stored[account.account_id].version != account.version for account in decided_on):
        raise Moved
