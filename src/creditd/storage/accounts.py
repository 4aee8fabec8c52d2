"""Accounts as rows: pages of them, and the one way in which their status, plan or limits change."""

from collections.abc import Collection
from typing import Final, NamedTuple

from sqlalchemy import Connection, insert, select, text, update

from creditd.domain.account import Account, AccountStatus, new_account
from creditd.domain.instant import Instant
from creditd.domain.wallet import Origin
from creditd.storage.arrays import texts
from creditd.storage.layout import KeyedStatement, is_by_account, routed
from creditd.storage.rows import (
    ACCOUNT_COLUMNS,
    account_from,
    alerts_from_json,
    limits_from_json,
    micros,
    timestamp,
)
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

_OPENED = KeyedStatement("""
SELECT k.account_id FROM unnest(:account_id ::text[]) AS k (account_id)
CROSS JOIN LATERAL (SELECT 1 FROM accounts WHERE account_id = k.account_id OFFSET 0) AS a
""")


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


def opened_among(connection: Connection, account_ids: Collection[str]) -> frozenset[str]:
    """Return those of the account ids that are of an account that was opened."""
    rows = _OPENED.rows(connection, account_ids, lambda some: {"account_id": texts(some)})
    return frozenset(account_id for (account_id,) in rows)


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


class AccountChange(NamedTuple):
    """An account after a change of its status, plan, limits or alerts, and who changed it and why."""

    account: Account
    actor: str
    reason: str
    request_id: str


_CHANGES_OF: Final = f"""
SELECT a.account_id, c.version, c.status, c.unlimited, {micros("c.unlimited_until")}, {micros("a.create_time")},
       {micros("c.create_time")}, c.limits, c.alerts, c.actor, c.reason, c.request_id
FROM (SELECT * FROM account_changes
      WHERE account_id = :account_id AND version < :before ORDER BY version DESC LIMIT :count) AS c
CROSS JOIN LATERAL (SELECT account_id, create_time FROM accounts WHERE account_id = c.account_id OFFSET 0) AS a
ORDER BY c.version DESC
"""

_CHANGES = text(_CHANGES_OF)

_CHANGES_ROUTED = text(routed(_CHANGES_OF))


def changes_of(connection: Connection, account_id: str, before: int, count: int) -> list[AccountChange]:
    """Return up to ``count`` changes of an account before a version, newest first."""
    statement = _CHANGES_ROUTED if is_by_account(connection) else _CHANGES
    rows = connection.execute(statement, {"account_id": account_id, "before": before, "count": count})
    return [AccountChange(account_from(row[:-3]), *row[-3:]) for row in rows]


_THEN = text(f"""
SELECT version, status, unlimited, {micros("unlimited_until")}, limits, {micros("create_time")}
FROM (SELECT * FROM account_changes WHERE account_id = :account_id ORDER BY version DESC LIMIT :rows) AS c
WHERE create_time <= {timestamp(":instant ::bigint")} ORDER BY version DESC LIMIT 1
""")

_FURTHER_BACK = text("""
SELECT true FROM account_changes WHERE account_id = :account_id ORDER BY version DESC OFFSET :rows LIMIT 1
""")


def as_it_was(connection: Connection, account: Account, instant: Instant, rows: int) -> Account | None:
    """Return an account with the status, plan and limits of an instant after its opening.

    None if they are not among the last ``rows`` changes.
    """
    asked = {"account_id": account.account_id, "instant": instant, "rows": rows}
    row = connection.execute(_THEN, asked).one_or_none()
    if row is None:
        if connection.execute(_FURTHER_BACK, asked).one_or_none():
            return None
        return new_account(account.account_id, account.create_time)
    version, status, unlimited, unlimited_until, limits, update_time = row
    return account._replace(
        version=version,
        status=AccountStatus(status),
        unlimited=unlimited,
        unlimited_until=unlimited_until,
        limits=limits_from_json(limits),
        update_time=update_time,
    )
