"""Wallets that other servers write too: locked and loaded in one round trip, since others wait until it is over."""

from collections.abc import Collection
from typing import NamedTuple

from sqlalchemy import Connection

from creditd.domain.grants import SpendOrder
from creditd.domain.instant import Instant
from creditd.domain.wallet import WalletKey
from creditd.storage import account_locks
from creditd.storage.arrays import texts
from creditd.storage.connections.prepared import prepared, round_trip
from creditd.storage.layout import is_by_account
from creditd.storage.wallets import LoadedWallet, WalletQuery


def _lock(how: str) -> str:
    # One by one in the order of the array. What could not be locked comes back, and so does what has no row.
    return f"""
SELECT k.account_id, k.credit_type
FROM unnest(:account_id ::text[], :credit_type ::text[]) AS k (account_id, credit_type)
LEFT JOIN LATERAL (
    SELECT true AS is_ours FROM wallets WHERE account_id = k.account_id AND credit_type = k.credit_type
    FOR NO KEY UPDATE {how} OFFSET 0
) AS locked ON true
WHERE locked.is_ours IS NULL
"""


_LOCK_FREE = prepared(_lock("SKIP LOCKED"))
_LOCK = prepared(_lock(""))


class Shared(NamedTuple):
    """Wallets that are locked and loaded, the keys of those that are too heavy, and of those that others hold."""

    wallets: dict[WalletKey, LoadedWallet]
    heavy: set[WalletKey]
    held: set[WalletKey]


def share_wallets(
    connection: Connection,
    keys: Collection[WalletKey],
    awaited: Collection[WalletKey],
    now: Instant,
    order: SpendOrder,
    *,
    takes_heavy: bool,
) -> Shared:
    """Lock wallets that nobody else holds until the transaction ends, and load them.

    The ``awaited`` of them, of one account, are waited for before any other is locked, so that nobody deadlocks.
    Accounts are left alone: their versions stand in the wallets. Raises psycopg.Error as it comes from the driver.
    """
    query = WalletQuery(keys, now, order, takes_heavy=takes_heavy)
    if is_by_account(connection):
        # All of one account, and so awaited or not together.
        others = set[WalletKey]()
        if awaited:
            account_locks.lock_wallets(connection, keys)
        else:
            others = account_locks.lock_free_wallets(connection, keys)
        wallets, heavy = query.send(connection).read()
        return Shared({key: wallets[key] for key in wallets.keys() - others}, heavy - others, others)
    free = set(keys).difference(awaited)
    with round_trip(connection):
        if awaited:
            _LOCK.sent(connection, _parameters(awaited))
        held = _LOCK_FREE.sent(connection, _parameters(free)) if free else None
        query.send(connection)
    left = {WalletKey(*row) for row in held or ()}
    wallets, heavy = query.read()
    # What others hold was looked at too; by the time they let go of it, it is something else.
    return Shared({key: wallets[key] for key in wallets.keys() - left}, heavy - left, left)


def _parameters(keys: Collection[WalletKey]) -> dict[str, str]:
    ordered = sorted(keys)
    return {
        "account_id": texts(key.account_id for key in ordered),
        "credit_type": texts(key.credit_type for key in ordered),
    }
