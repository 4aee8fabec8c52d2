"""Rows locked or held still until a transaction ends, always in key order."""

from collections.abc import Iterable

from sqlalchemy import Connection, text

from creditd.domain.account import Account
from creditd.domain.wallet import WalletKey
from creditd.storage import account_locks
from creditd.storage.arrays import numbers, texts
from creditd.storage.layout import is_by_account
from creditd.storage.rows import ACCOUNT_COLUMNS, account_from, timestamp

# Locked one by one in the order of the array, as an outer join over the keys would not promise.
_LOCK = text("""
SELECT count(*) FROM unnest(:account_id ::text[], :credit_type ::text[]) AS k (account_id, credit_type)
CROSS JOIN LATERAL (
    SELECT 1 FROM wallets WHERE account_id = k.account_id AND credit_type = k.credit_type FOR UPDATE OFFSET 0
) AS w
""")


def lock_wallets(connection: Connection, keys: Iterable[WalletKey]) -> None:
    """Lock the rows of wallets in key order, until the transaction ends."""
    ordered = sorted(keys)
    if is_by_account(connection):
        account_locks.lock_wallets(connection, ordered)
        return
    parameters = {
        "account_id": texts(key.account_id for key in ordered),
        "credit_type": texts(key.credit_type for key in ordered),
    }
    connection.execute(_LOCK, parameters)


_LOCK_OF_ACCOUNT = text("""
SELECT count(*) FROM (
    SELECT 1 FROM wallets WHERE account_id = :account_id ORDER BY credit_type FOR UPDATE
) AS w
""")


def lock_wallets_of(connection: Connection, account_id: str) -> None:
    """Lock the rows of all wallets of an account in key order, until the transaction ends."""
    connection.execute(_LOCK_OF_ACCOUNT, {"account_id": account_id})


BRIEF_MILLISECONDS = 250
"""Others lock a row for a batch, milliseconds. Whoever waits for longer gives thread and connection back instead, and
lets go of the rows that others may want."""


def wait_briefly(connection: Connection, milliseconds: int = BRIEF_MILLISECONDS) -> None:
    """Wait for each lock so long at most, until the transaction ends."""
    connection.execute(text("SELECT set_config('lock_timeout', :limit, true)"), {"limit": f"{milliseconds}ms"})


# What another transaction holds comes back; what does not is locked, or has no row yet.
_HELD_WALLETS = text("""
SELECT k.account_id, k.credit_type
FROM unnest(:account_id ::text[], :credit_type ::text[]) AS k (account_id, credit_type)
CROSS JOIN LATERAL (
    SELECT 1 FROM wallets WHERE account_id = k.account_id AND credit_type = k.credit_type OFFSET 0
) AS w
LEFT JOIN LATERAL (
    SELECT true AS is_ours FROM wallets WHERE account_id = k.account_id AND credit_type = k.credit_type
    FOR UPDATE SKIP LOCKED OFFSET 0
) AS locked ON true
WHERE locked.is_ours IS NULL
""")

_HELD_ACCOUNTS = text("""
SELECT k.account_id FROM unnest(:account_id ::text[]) AS k (account_id)
CROSS JOIN LATERAL (SELECT 1 FROM accounts WHERE account_id = k.account_id OFFSET 0) AS a
LEFT JOIN LATERAL (
    SELECT true AS is_ours FROM accounts WHERE account_id = k.account_id FOR SHARE SKIP LOCKED OFFSET 0
) AS locked ON true
WHERE locked.is_ours IS NULL
""")


def lock_free_wallets(connection: Connection, keys: Iterable[WalletKey]) -> set[WalletKey]:
    """Lock wallets, and hold their accounts still, as far as nobody else holds them; return the keys left out.

    Waits for nobody. A wallet of an account that is held is left out, whether or not it is locked as well.
    """
    wanted = sorted(keys)
    if is_by_account(connection):
        return account_locks.lock_free_wallets(connection, wanted)
    account_ids = {"account_id": texts(sorted({key.account_id for key in wanted}))}
    held_accounts = {row[0] for row in connection.execute(_HELD_ACCOUNTS, account_ids)}
    parameters = {
        "account_id": texts(key.account_id for key in wanted),
        "credit_type": texts(key.credit_type for key in wanted),
    }
    held = {
        WalletKey(account_id, credit_type) for account_id, credit_type in connection.execute(_HELD_WALLETS, parameters)
    }
    return held | {key for key in wanted if key.account_id in held_accounts}


_OPEN = text(f"""
INSERT INTO accounts (account_id, version, status, unlimited, create_time, update_time)
SELECT account_id, 1, 1, false, {timestamp("create_time")}, {timestamp("create_time")}
FROM unnest(:account_id ::text[], :create_time ::bigint[]) AS n (account_id, create_time)
ON CONFLICT (account_id) DO NOTHING
""")

# One by one in the order of the array, each found by key.
_ACCOUNTS = text(f"""
SELECT {ACCOUNT_COLUMNS} FROM unnest(:account_id ::text[]) AS k (account_id)
CROSS JOIN LATERAL (SELECT * FROM accounts WHERE account_id = k.account_id FOR SHARE OFFSET 0) AS a
""")


def open_accounts(connection: Connection, accounts: Iterable[Account]) -> bool:
    """Make the rows of new accounts by one statement; return False if one of them was there already."""
    rows = sorted(accounts)
    if not rows:
        return True
    if is_by_account(connection):
        return all(account_locks.open_account(connection, account) for account in rows)
    parameters = {
        "account_id": texts(account.account_id for account in rows),
        "create_time": numbers(account.create_time for account in rows),
    }
    return connection.execute(_OPEN, parameters).rowcount == len(rows)


def share_accounts(connection: Connection, account_ids: Iterable[str]) -> dict[str, Account]:
    """Load accounts and keep their status and plan from changing until the transaction ends."""
    if is_by_account(connection):
        return account_locks.hold_accounts(connection, account_ids)
    rows = connection.execute(_ACCOUNTS, {"account_id": texts(sorted(account_ids))})
    return {account.account_id: account for account in map(account_from, rows)}
