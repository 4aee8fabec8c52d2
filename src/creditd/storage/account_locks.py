"""Rows locked account by account, where account data is distributed by account (:mod:`creditd.storage.layout`).

The statements of :mod:`creditd.storage.locks` lock rows of many accounts at once, which no single server has there.
Here accounts are locked FOR UPDATE where these share them: it is the one row lock that Citus promises to pass on.
"""

from collections.abc import Collection, Iterable
from typing import Final

from sqlalchemy import Connection, text

from creditd.domain.account import Account
from creditd.domain.wallet import WalletKey
from creditd.storage.arrays import texts
from creditd.storage.layout import by_account
from creditd.storage.rows import ACCOUNT_COLUMNS, account_from, instant_text

_WALLETS: Final = """
SELECT credit_type FROM wallets
WHERE account_id = :account_id AND credit_type = ANY (:credit_type ::text[]) ORDER BY credit_type
"""

_THERE = text(_WALLETS)

_LOCK = text(f"{_WALLETS} FOR UPDATE")

_LOCK_FREE = text(f"{_WALLETS} FOR UPDATE SKIP LOCKED")

_ACCOUNT: Final = f"SELECT {ACCOUNT_COLUMNS} FROM accounts a WHERE a.account_id = :account_id"

_ACCOUNT_THERE = text(_ACCOUNT)

_HOLD = text(f"{_ACCOUNT} FOR UPDATE")

_HOLD_FREE = text(f"{_ACCOUNT} FOR UPDATE SKIP LOCKED")

_OPEN = text("""
INSERT INTO accounts (account_id, version, status, unlimited, create_time, update_time)
VALUES (:account_id, 1, 1, false, :create_time ::timestamptz, :create_time ::timestamptz)
ON CONFLICT (account_id) DO NOTHING
""")


def lock_wallets(connection: Connection, keys: Collection[WalletKey]) -> None:
    """Lock the rows of wallets in key order, until the transaction ends."""
    for account_id, own in by_account(keys):
        connection.execute(_LOCK, _parameters(account_id, own))


def lock_free_wallets(connection: Connection, keys: Collection[WalletKey]) -> set[WalletKey]:
    """Lock wallets, and hold their accounts still, as far as nobody else holds them; return the keys left out.

    Waits for nobody. A wallet of an account that is held is left out.
    """
    held: set[WalletKey] = set()
    for account_id, own in by_account(keys):
        asked = {"account_id": account_id}
        is_free = connection.execute(_HOLD_FREE, asked).first() is not None
        if not is_free and connection.execute(_ACCOUNT_THERE, asked).first() is not None:
            held.update(own)
            continue
        parameters = _parameters(account_id, own)
        # What another transaction holds is there and was not locked; what has no row yet is held by nobody.
        locked = set(connection.execute(_LOCK_FREE, parameters).scalars())
        there = set(connection.execute(_THERE, parameters).scalars())
        held.update(key for key in own if key.credit_type in there - locked)
    return held


def hold_accounts(connection: Connection, account_ids: Iterable[str]) -> dict[str, Account]:
    """Load accounts and keep them from changing until the transaction ends."""
    held: dict[str, Account] = {}
    for account_id in sorted(account_ids):
        row = connection.execute(_HOLD, {"account_id": account_id}).one_or_none()
        if row is not None:
            held[account_id] = account_from(row)
    return held


def open_account(connection: Connection, account: Account) -> bool:
    """Make the row of a new account; return False if it was there already."""
    parameters = {"account_id": account.account_id, "create_time": instant_text(account.create_time)}
    return connection.execute(_OPEN, parameters).rowcount == 1


def _parameters(account_id: str, keys: Collection[WalletKey]) -> dict[str, str]:
    return {"account_id": account_id, "credit_type": texts(key.credit_type for key in keys)}
