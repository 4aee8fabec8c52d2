"""What a decision needs to know: wallets with their live grants and what is due, reservations, known request ids.

Each look-up of many keys is an unnest with a LATERAL ... OFFSET 0: found by key for each row, whatever statistics say.
A plain join, planned while the tables were small, reads them whole when they are large.
"""

from collections.abc import Collection, Iterable, Sequence
from typing import Any, NamedTuple

from sqlalchemy import Connection, text

from creditd.domain.account import Account, new_account
from creditd.domain.entry import Entry
from creditd.domain.grants import Grant, Source, SpendOrder, in_spend_order
from creditd.domain.instant import Instant
from creditd.domain.reservation import Reservation, ReservationKey
from creditd.domain.wallet import Wallet, new_wallet
from creditd.storage.arrays import identifiers, texts
from creditd.storage.changes import Key
from creditd.storage.rows import (
    ACCOUNT_COLUMNS,
    ENTRY_COLUMNS,
    RESERVATION_COLUMNS,
    account_from,
    entry_from,
    micros,
    reservation_from,
    timestamp,
)

MAX_DUE = 1_000
"""Expired holds of one wallet settled in one go, so that a batch stays short however many there are."""

# One statement, so that a wallet, its grants and its due holds are of one snapshot.
_WALLETS = text(f"""
SELECT k.account_id, k.credit_type, {ACCOUNT_COLUMNS},
       w.version, w.available, w.reserved, w.debt, {micros("w.next_expire_time")}, {micros("w.update_time")},
       g.live, d.due, {micros("d.next_hold_end")}
FROM unnest(:account_id ::text[], :credit_type ::text[]) AS k (account_id, credit_type)
LEFT JOIN LATERAL (SELECT * FROM accounts WHERE account_id = k.account_id OFFSET 0) AS a ON true
LEFT JOIN LATERAL (
    SELECT * FROM wallets WHERE account_id = k.account_id AND credit_type = k.credit_type OFFSET 0
) AS w ON true
LEFT JOIN LATERAL (
    SELECT jsonb_agg(jsonb_build_array(grant_id, source, remaining, {micros("expire_time")})) AS live
    FROM grants WHERE account_id = k.account_id AND credit_type = k.credit_type AND live
) AS g ON true
LEFT JOIN LATERAL (
    SELECT (SELECT jsonb_agg(jsonb_build_array({RESERVATION_COLUMNS}) ORDER BY r.expire_time, r.reservation_id)
            FROM (SELECT * FROM reservations
                  WHERE account_id = k.account_id AND credit_type = k.credit_type AND state = 1
                    AND expire_time <= {timestamp(":now ::bigint")}
                  ORDER BY expire_time LIMIT {MAX_DUE + 1}) AS r) AS due,
           (SELECT min(expire_time) FROM reservations
            WHERE account_id = k.account_id AND credit_type = k.credit_type AND state = 1
              AND expire_time > {timestamp(":now ::bigint")}) AS next_hold_end
    WHERE w.next_expire_time <= {timestamp(":now ::bigint")}
) AS d ON true
""")


class LoadedWallet(NamedTuple):
    """A wallet as it is stored, and what has expired in it by the instant asked about.

    ``account_exists`` is False for an account that was never seen; the wallet then stands on a new one.
    """

    wallet: Wallet
    account_exists: bool
    due: tuple[Reservation, ...]
    next_hold_end: Instant | None


def load_wallets(
    connection: Connection, keys: Collection[Key], now: Instant, order: SpendOrder
) -> dict[Key, LoadedWallet]:
    """Load wallets; one that has no row is one before its first movement."""
    parameters = {
        "account_id": texts(key.account_id for key in keys),
        "credit_type": texts(key.credit_type for key in keys),
        "now": now,
    }
    rows = connection.execute(_WALLETS, parameters)
    return {Key(row[0], row[1]): _loaded_wallet(row, now, order) for row in rows}


def _loaded_wallet(row: Sequence[Any], now: Instant, order: SpendOrder) -> LoadedWallet:
    exists = row[2] is not None
    account = account_from(row[2:9]) if exists else new_account(row[0], now)
    if row[9] is None:
        return LoadedWallet(new_wallet(account, row[1]), exists, (), None)
    version, available, reserved, debt, next_expire_time, update_time, live, due, next_hold_end = row[9:18]
    grants = in_spend_order([_grant(part) for part in live or ()], order)
    figures = (version, available, reserved, debt, grants, next_expire_time, update_time)
    reservations = tuple(reservation_from(part) for part in due or ())
    if len(reservations) > MAX_DUE:
        next_hold_end = reservations[-1].expire_time
    return LoadedWallet(Wallet(account, row[1], *figures), True, reservations[:MAX_DUE], next_hold_end)


def _grant(part: Sequence[Any]) -> Grant:
    grant_id, source, remaining, expire_time = part
    return Grant(grant_id, Source(source), remaining, expire_time)


# Locked one by one in the order of the array, as an outer join over the keys would not promise.
_LOCK = text("""
SELECT count(*) FROM unnest(:account_id ::text[], :credit_type ::text[]) AS k (account_id, credit_type)
CROSS JOIN LATERAL (
    SELECT 1 FROM wallets WHERE account_id = k.account_id AND credit_type = k.credit_type FOR UPDATE OFFSET 0
) AS w
""")


def lock_wallets(connection: Connection, keys: Iterable[Key]) -> None:
    """Lock the rows of wallets in key order, until the transaction ends."""
    ordered = sorted(keys)
    parameters = {
        "account_id": texts(key.account_id for key in ordered),
        "credit_type": texts(key.credit_type for key in ordered),
    }
    connection.execute(_LOCK, parameters)


_RESERVATIONS = text(f"""
SELECT {RESERVATION_COLUMNS}
FROM unnest(:account_id ::text[], :credit_type ::text[], :reservation_id ::uuid[])
     AS k (account_id, credit_type, reservation_id)
CROSS JOIN LATERAL (
    SELECT * FROM reservations
    WHERE account_id = k.account_id AND credit_type = k.credit_type AND reservation_id = k.reservation_id OFFSET 0
) AS r
""")


def load_reservations(connection: Connection, keys: Collection[ReservationKey]) -> dict[ReservationKey, Reservation]:
    """Load the reservations that exist."""
    parameters = {
        "account_id": texts(key.account_id for key in keys),
        "credit_type": texts(key.credit_type for key in keys),
        "reservation_id": identifiers(key.reservation_id for key in keys),
    }
    found = (reservation_from(row) for row in connection.execute(_RESERVATIONS, parameters))
    return {ReservationKey(r.account_id, r.credit_type, r.reservation_id): r for r in found}


class RequestKey(NamedTuple):
    """Which request: request ids are the account's."""

    account_id: str
    request_id: str


_REQUESTS = text(f"""
SELECT {ENTRY_COLUMNS}
FROM unnest(:account_id ::text[], :request_id ::text[]) AS k (account_id, request_id)
CROSS JOIN LATERAL (
    SELECT * FROM entries WHERE account_id = k.account_id AND request_id = k.request_id ORDER BY ordinal OFFSET 0
) AS e
""")


def load_requests(connection: Connection, keys: Collection[RequestKey]) -> dict[RequestKey, list[Entry]]:
    """Load what known request ids did: their entries, by ordinal."""
    parameters = {
        "account_id": texts(key.account_id for key in keys),
        "request_id": texts(key.request_id for key in keys),
    }
    known: dict[RequestKey, list[Entry]] = {}
    for row in connection.execute(_REQUESTS, parameters):
        entry = entry_from(row)
        known.setdefault(RequestKey(entry.account_id, entry.request_id or ""), []).append(entry)
    return known


_OPEN = text(f"""
INSERT INTO accounts (account_id, version, status, unlimited, create_time, update_time)
VALUES (:account_id, 1, 1, false, {timestamp(":now ::bigint")}, {timestamp(":now ::bigint")})
ON CONFLICT (account_id) DO NOTHING
""")

_ACCOUNTS = text(f"""
SELECT {ACCOUNT_COLUMNS} FROM accounts a WHERE a.account_id = ANY(:account_id ::text[])
ORDER BY a.account_id FOR SHARE
""")


def open_accounts(connection: Connection, accounts: Iterable[Account]) -> bool:
    """Make the rows of new accounts; return False if one of them was there already."""
    rows = [{"account_id": a.account_id, "now": a.create_time} for a in sorted(accounts)]
    return all(connection.execute(_OPEN, row).rowcount for row in rows)


def share_accounts(connection: Connection, account_ids: Iterable[str]) -> dict[str, Account]:
    """Load accounts and keep their status and plan from changing until the transaction ends."""
    rows = connection.execute(_ACCOUNTS, {"account_id": texts(sorted(account_ids))})
    return {account.account_id: account for account in map(account_from, rows)}
