"""Accounts as rows: pages of them, and the one way in which their status, plan or limits change."""

from typing import NamedTuple

from sqlalchemy import Connection, insert, select, text, update

from creditd.domain.account import Account, AccountStatus
from creditd.domain.wallet import Origin
from creditd.storage.rows import ACCOUNT_COLUMNS, account_from, alerts_from_json, limits_from_json
from creditd.storage.tables import account_changes, accounts, wallets

AFTER_ANY_ID = "~"
"""Sorts after every character that an account id may have, so that a prefix is a range."""


def _page(condition: str) -> str:
    return f"""
SELECT {ACCOUNT_COLUMNS} FROM accounts a
WHERE {condition} a.account_id > :after AND a.account_id >= :prefix AND a.account_id < :prefix_end
ORDER BY a.account_id LIMIT :count
"""


_PAGE = text(_page(""))

_PAGE_OF_STATUS = text(_page("a.status = :status AND"))

_ONE = text(f"SELECT {ACCOUNT_COLUMNS} FROM accounts a WHERE a.account_id = :account_id")

_LOCK = text(f"SELECT {ACCOUNT_COLUMNS} FROM accounts a WHERE a.account_id = :account_id FOR UPDATE")


class AccountFilter(NamedTuple):
    """Which accounts; an empty prefix or no status lets all pass."""

    prefix: str
    status: AccountStatus | None


def page(connection: Connection, wanted: AccountFilter, after: str, count: int) -> list[Account]:
    """Return the first ``count`` accounts after an account id, by account id."""
    parameters = {
        "after": after,
        "prefix": wanted.prefix,
        "prefix_end": wanted.prefix + AFTER_ANY_ID,
        "status": int(wanted.status or 0),
        "count": count,
    }
    statement = _PAGE if wanted.status is None else _PAGE_OF_STATUS
    return [account_from(row) for row in connection.execute(statement, parameters)]


def find(connection: Connection, account_id: str) -> Account | None:
    """Return an account, or None if it was never seen."""
    row = connection.execute(_ONE, {"account_id": account_id}).one_or_none()
    return account_from(row) if row else None


def lock(connection: Connection, account_id: str) -> Account | None:
    """Return an account and hold its row until the transaction ends."""
    row = connection.execute(_LOCK, {"account_id": account_id}).one_or_none()
    return account_from(row) if row else None


class KnownChange(NamedTuple):
    """What a known request id did to an account."""

    fingerprint: int
    account: Account


def known_change(connection: Connection, account: Account, request_id: str) -> KnownChange | None:
    """Return what a request id did before, with the account as it was right after it."""
    c = account_changes.c
    query = select(
        c.fingerprint, c.version, c.status, c.unlimited, c.unlimited_until, c.limits, c.alerts, c.create_time
    )
    row = connection.execute(query.where(c.account_id == account.account_id, c.request_id == request_id)).one_or_none()
    if row is None:
        return None
    fingerprint, version, status, unlimited, unlimited_until, limits, alerts, create_time = row
    then = account._replace(
        version=version,
        status=AccountStatus(status),
        unlimited=unlimited,
        unlimited_until=unlimited_until,
        limits=limits_from_json(limits),
        alerts=alerts_from_json(alerts),
        update_time=create_time,
    )
    return KnownChange(fingerprint, then)


def change(connection: Connection, account: Account, origin: Origin) -> None:
    """Write an account's new status, plan, limits and alerts, and the row that tells who changed it and why.

    Its wallets get the new version, which turns away every decision made on the old one. The account's row is locked.
    """
    facts = {
        "version": account.version,
        "status": int(account.status),
        "unlimited": account.unlimited,
        "unlimited_until": account.unlimited_until,
        # The documents that a NULL stands for are none.
        "limits": [list(limit) for limit in account.limits] or None,
        "alerts": [list(alert) for alert in account.alerts] or None,
    }
    same_account = accounts.c.account_id == account.account_id
    connection.execute(update(accounts).where(same_account).values(**facts, update_time=account.update_time))
    raise_version(connection, account)
    record = {
        "account_id": account.account_id,
        "request_id": origin.request_id,
        "fingerprint": origin.fingerprint,
        "actor": origin.actor,
        "reason": origin.reason,
        "create_time": account.update_time,
    }
    connection.execute(insert(account_changes).values(**record, **facts))


def raise_version(connection: Connection, account: Account) -> None:
    """Write an account's new version, also to its wallets. The account's row is locked.

    It turns away every save that was decided before.
    """
    same_account = accounts.c.account_id == account.account_id
    connection.execute(update(accounts).where(same_account).values(version=account.version))
    same_wallets = wallets.c.account_id == account.account_id
    connection.execute(update(wallets).where(same_wallets).values(account_version=account.version))
