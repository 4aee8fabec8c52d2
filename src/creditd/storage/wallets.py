"""Wallets as rows: loaded with their live grants and what is due, found when something is due, their versions compared.

Each look-up of many keys is an unnest with a LATERAL ... OFFSET 0: found by key for each row, whatever statistics say.
A plain join, planned while the tables were small, reads them whole when they are large.
"""

from collections.abc import Collection, Iterable, Sequence
from itertools import chain
from typing import Any, Final, NamedTuple, Self

from sqlalchemy import Connection, text

from creditd.domain.account import Account, new_account
from creditd.domain.grants import NO_GRACES, Graces, Grant, Source, SpendOrder, in_spend_order
from creditd.domain.instant import Instant
from creditd.domain.reservation import Reservation
from creditd.domain.wallet import Wallet, WalletKey, new_wallet
from creditd.domain.weight import HEAVY_DUE, HEAVY_GRANTS, is_heavy
from creditd.storage.arrays import identifiers, texts
from creditd.storage.connections.prepared import Prepared, Rows, prepared, round_trip
from creditd.storage.layout import KeyedStatement, by_account, is_by_account, routed
from creditd.storage.rows import (
    ACCOUNT_COLUMNS,
    RESERVATION_COLUMNS,
    account_from,
    micros,
    reservation_from,
    timestamp,
)

MAX_DUE = 1_000
"""Expired holds of one wallet loaded in one go, so that a transaction stays short however many there are."""

MAX_DUE_SLICES = 10_000
"""The same for the slices of all of them, about a megabyte; one hold is loaded however many it has."""

MAX_DUE_READ = 100_000
"""The same for a read, holds as well as slices: it has to tell the truth in one go. About 100 MB, and the sweep writes
down so many in half a minute; until then the read is refused rather than answered with too little."""

_ALL = 2**31 - 1

_SLICES = [column.strip() for column in RESERVATION_COLUMNS.split(",")].index("r.slices")
"""Where a reservation's slices stand among its columns."""

_ACCOUNT_END = 2 + len(Account._fields)
"""Where the columns of the account end in a row; its first two are the wallet's key."""

# One statement, so that a wallet, its grants and its due holds are of one snapshot.
_WALLET_COLUMNS = f"""
    {ACCOUNT_COLUMNS},
    w.version, w.available, w.reserved, w.debt, {micros("w.next_expire_time")}, {micros("w.update_time")},
    g.live, d.due, {micros("d.left_over")}, {micros("d.next_hold_end")}, d.graces
"""


# One row more than asked for tells that there are more. Of what is due, the rows whose predecessors have no more than
# so many slices are loaded; and of the grants that these slices may come back to late, the graces that they have had.
def _wallet_parts(order: str) -> str:
    """Return SQL for what belongs to a wallet, the first so many of what is due in an order."""
    return f"""
LEFT JOIN LATERAL (
    SELECT jsonb_agg(jsonb_build_array(grant_id, source, remaining,
                                       {micros("coalesce(grace_end, expire_time)")}, grace_end IS NOT NULL)) AS live
    FROM (SELECT grant_id, source, remaining, expire_time, grace_end FROM grants
          WHERE account_id = w.account_id AND credit_type = w.credit_type AND live
          LIMIT :most_grants ::integer) AS few
) AS g ON true
LEFT JOIN LATERAL (
    SELECT pending.*, (SELECT min(expire_time) FROM reservations
                       WHERE account_id = w.account_id AND credit_type = w.credit_type AND state = 1
                         AND expire_time > {timestamp(":now ::bigint")}) AS next_hold_end,
           (SELECT jsonb_object_agg(spent.grant_id, {micros("spent.grace_end")})
            FROM (SELECT DISTINCT part ->> 'grant' AS grant_id
                  FROM jsonb_path_query(pending.due, '$[*][{_SLICES}][*]') AS part
                  WHERE (part ->> 'expires')::bigint <= :now ::bigint AND part -> 'graced' IS NULL) AS late
            CROSS JOIN LATERAL (
                SELECT * FROM grants
                WHERE account_id = w.account_id AND credit_type = w.credit_type AND grant_id = late.grant_id ::uuid
                  AND NOT live AND grace_end IS NOT NULL OFFSET 0
            ) AS spent) AS graces
    FROM (SELECT jsonb_agg(jsonb_build_array({RESERVATION_COLUMNS}) ORDER BY r.expire_time, r.reservation_id)
                     FILTER (WHERE r.slices_before <= :most_slices ::bigint) AS due,
                 min(r.expire_time) FILTER (WHERE r.slices_before > :most_slices ::bigint) AS left_over
          FROM (SELECT *, sum(jsonb_array_length(slices)) OVER (ORDER BY expire_time, reservation_id)
                          - jsonb_array_length(slices) AS slices_before
                FROM (SELECT * FROM reservations
                      WHERE account_id = w.account_id AND credit_type = w.credit_type AND state = 1
                        AND expire_time <= {timestamp(":now ::bigint")}
                      ORDER BY {order} LIMIT :most_due ::integer) AS few) AS r) AS pending
    WHERE w.next_expire_time <= {timestamp(":now ::bigint")}
) AS d ON true
"""


def _wallets(order: str) -> str:
    return f"""
SELECT k.account_id, k.credit_type, {_WALLET_COLUMNS}
FROM unnest(:account_id ::text[], :credit_type ::text[]) AS k (account_id, credit_type)
LEFT JOIN LATERAL (SELECT * FROM accounts WHERE account_id = k.account_id OFFSET 0) AS a ON true
LEFT JOIN LATERAL (
    SELECT * FROM wallets WHERE account_id = k.account_id AND credit_type = k.credit_type OFFSET 0
) AS w ON true
{_wallet_parts(order)}
"""


# Of a light wallet all that is due is loaded, and of a heavy one nothing is used: the index's own order does, which
# stops at the limit. A share of what is due has to be the first one also among holds that end together.
_BY_TIME = _wallets("expire_time")
_IN_FULL_ORDER = _wallets("expire_time, reservation_id")

_LIGHT_WALLETS = prepared(_BY_TIME)
_LIGHT_WALLETS_OF_ONE = prepared(routed(_BY_TIME))

_WALLETS = prepared(_IN_FULL_ORDER)
_WALLETS_OF_ONE = prepared(routed(_IN_FULL_ORDER))

_ALL_WALLETS = f"""
SELECT k.account_id, w.credit_type, {_WALLET_COLUMNS}
FROM unnest(:account_id ::text[]) AS k (account_id)
CROSS JOIN LATERAL (SELECT * FROM accounts WHERE account_id = k.account_id OFFSET 0) AS a
LEFT JOIN LATERAL (SELECT * FROM wallets WHERE account_id = k.account_id OFFSET 0) AS w ON true
{_wallet_parts("expire_time")}
ORDER BY k.account_id, w.credit_type
"""

_ACCOUNT_WALLETS = prepared(_ALL_WALLETS)
_ACCOUNT_WALLETS_OF_ONE = prepared(routed(_ALL_WALLETS))


class LoadedWallet(NamedTuple):
    """A wallet as it is stored, and what has expired in it by the instant asked about.

    ``account_exists`` is False for an account that was never seen; the wallet then stands on a new one. ``graces`` are
    those of grants with nothing left that what is due may come back to.
    """

    wallet: Wallet
    account_exists: bool
    due: tuple[Reservation, ...]
    next_hold_end: Instant | None
    graces: Graces = NO_GRACES


class LightWallets(NamedTuple):
    """Wallets loaded together, and the keys of those that are too heavy for that, of which nothing is told."""

    wallets: dict[WalletKey, LoadedWallet]
    heavy: set[WalletKey]


class _Most(NamedTuple):
    """How much of each wallet is loaded."""

    grants: int
    due: int
    slices: int

    @property
    def parameters(self) -> dict[str, int]:
        return {
            "most_grants": min(self.grants + 1, _ALL),
            "most_due": min(self.due + 1, _ALL),
            "most_slices": self.slices,
        }


_LIGHT: Final = _Most(HEAVY_GRANTS, HEAVY_DUE, HEAVY_DUE)
"""Of a wallet that others wait beside."""


class WalletQuery:
    """A look at wallets: sent, and read once the rows are there."""

    def __init__(self, keys: Collection[WalletKey], now: Instant, order: SpendOrder, *, takes_heavy: bool) -> None:
        """Ask for wallets as they are at ``now``, grants in an ``order``.

        Unless it ``takes_heavy`` ones, no more is read of them than shows that they are heavy. Of what is due no more
        is loaded than is settled at once; ``next_hold_end`` is then due itself.
        """
        self._keys = keys
        self._now = now
        self._order = order
        self._takes_heavy = takes_heavy
        self._most = _Most(_ALL, MAX_DUE, MAX_DUE_SLICES) if takes_heavy else _LIGHT
        self._cursors: list[Rows] = []

    def send(self, connection: Connection) -> Self:
        """Send the one statement, or one for each account. Raises psycopg.Error as it comes from the driver."""
        if is_by_account(connection):
            of_one = _WALLETS_OF_ONE if self._takes_heavy else _LIGHT_WALLETS_OF_ONE
            for account_id, own in by_account(self._keys):
                self._send(connection, of_one, account_id, own)
        else:
            of_many = _WALLETS if self._takes_heavy else _LIGHT_WALLETS
            self._send(connection, of_many, texts(key.account_id for key in self._keys), self._keys)
        return self

    def _send(self, connection: Connection, statement: Prepared, account_id: str, keys: Collection[WalletKey]) -> None:
        parameters = {
            "account_id": account_id,
            "credit_type": texts(key.credit_type for key in keys),
            "now": self._now,
            **self._most.parameters,
        }
        self._cursors.append(statement.sent(connection, parameters))

    def read(self) -> LightWallets:
        """Return what was found; a wallet that has no row is one before its first movement."""
        loaded = {
            WalletKey(row[0], row[1]): _loaded_wallet(row, self._now, self._order, self._most)
            for cursor in self._cursors
            for row in cursor
        }
        if self._takes_heavy:
            return LightWallets(loaded, set())
        light = {key: wallet for key, wallet in loaded.items() if not _is_heavy(wallet, self._now)}
        return LightWallets(light, loaded.keys() - light.keys())


def load_light_wallets(
    connection: Connection, keys: Collection[WalletKey], now: Instant, order: SpendOrder
) -> LightWallets:
    """Load wallets, but for the heavy ones; of these no more is read than shows that they are heavy."""
    return WalletQuery(keys, now, order, takes_heavy=False).send(connection).read()


def load_wallets(
    connection: Connection, keys: Collection[WalletKey], now: Instant, order: SpendOrder
) -> dict[WalletKey, LoadedWallet]:
    """Load wallets whole, but of what is due no more than is settled at once; ``next_hold_end`` is then due itself.

    One that has no row is one before its first movement.
    """
    return WalletQuery(keys, now, order, takes_heavy=True).send(connection).read().wallets


def _is_heavy(loaded: LoadedWallet, now: Instant) -> bool:
    more_is_due = loaded.next_hold_end is not None and loaded.next_hold_end <= now
    slices = sum(len(held.slices) for held in loaded.due)
    return more_is_due or is_heavy(len(loaded.wallet.grants), len(loaded.due), slices)


def _loaded_wallet(row: Sequence[Any], now: Instant, order: SpendOrder, most: _Most) -> LoadedWallet:
    exists = row[2] is not None
    account = account_from(row[2:_ACCOUNT_END]) if exists else new_account(row[0], now)
    if row[_ACCOUNT_END] is None:
        return LoadedWallet(new_wallet(account, row[1]), exists, due=(), next_hold_end=None)
    (
        version, available, reserved, debt, next_expire_time, update_time, live, due, left_over, next_hold_end, graces,
    ) = row[_ACCOUNT_END:]  # fmt: skip
    grants = in_spend_order([_grant(part) for part in live or ()], order)
    figures = (version, available, reserved, debt, grants, next_expire_time, update_time)
    reservations = tuple(reservation_from(part) for part in due or ())
    if len(reservations) > most.due:
        next_hold_end = reservations[-1].expire_time
    elif left_over is not None:
        next_hold_end = left_over
    return LoadedWallet(
        Wallet(account, row[1], *figures), exists, reservations[: most.due], next_hold_end, graces or NO_GRACES
    )


def _grant(part: Sequence[Any]) -> Grant:
    grant_id, source, remaining, expire_time, graced = part
    return Grant(grant_id, Source(source), remaining, expire_time, graced)


class LoadedAccount(NamedTuple):
    """An account with all of its wallets, by credit type."""

    account: Account
    wallets: dict[str, LoadedWallet]


class LightAccounts(NamedTuple):
    """Accounts loaded together, and the ids of those of which a wallet is too heavy for that."""

    accounts: dict[str, LoadedAccount]
    heavy: set[str]


def load_light_accounts(
    connection: Connection, account_ids: Collection[str], now: Instant, order: SpendOrder
) -> LightAccounts:
    """Load accounts with all of their wallets, but for the heavy ones; one that was never seen is left out."""
    loaded = _load_accounts(connection, account_ids, now, order, _LIGHT)
    heavy = {
        account_id
        for account_id, account in loaded.items()
        if any(_is_heavy(wallet, now) for wallet in account.wallets.values())
    }
    light = {account_id: account for account_id, account in loaded.items() if account_id not in heavy}
    return LightAccounts(light, heavy)


def load_accounts(
    connection: Connection, account_ids: Collection[str], now: Instant, order: SpendOrder
) -> dict[str, LoadedAccount]:
    """Load accounts with all of their wallets; one that was never seen is left out.

    Where more is due in a wallet than a read settles, its ``next_hold_end`` is due itself.
    """
    return _load_accounts(connection, account_ids, now, order, _Most(_ALL, MAX_DUE_READ, MAX_DUE_READ))


def _load_accounts(
    connection: Connection, account_ids: Collection[str], now: Instant, order: SpendOrder, most: _Most
) -> dict[str, LoadedAccount]:
    found: dict[str, LoadedAccount] = {}
    for row in _account_rows(connection, account_ids, {"now": now, **most.parameters}):
        loaded = found.setdefault(row[0], LoadedAccount(account_from(row[2:_ACCOUNT_END]), {}))
        if row[1] is not None:
            loaded.wallets[row[1]] = _loaded_wallet(row, now, order, most)
    return found


def _account_rows(
    connection: Connection, account_ids: Collection[str], parameters: dict[str, int]
) -> Iterable[Sequence[Any]]:
    if not is_by_account(connection):
        return _ACCOUNT_WALLETS.sent(connection, {"account_id": texts(account_ids), **parameters})
    with round_trip(connection):
        each = [
            _ACCOUNT_WALLETS_OF_ONE.sent(connection, {"account_id": account_id, **parameters})
            for account_id in account_ids
        ]
    return chain.from_iterable(each)


_DUE = text(f"""
SELECT account_id, credit_type, {micros("next_expire_time")} FROM wallets
WHERE next_expire_time <= {timestamp(":now ::bigint")} ORDER BY next_expire_time LIMIT :count
""")


def due_wallets(connection: Connection, now: Instant, count: int) -> list[tuple[WalletKey, Instant]]:
    """Return wallets in which something may have expired, and since when; the longest overdue first."""
    rows = connection.execute(_DUE, {"now": now, "count": count})
    return [(WalletKey(account_id, credit_type), Instant(since)) for account_id, credit_type, since in rows]


_VERSIONS = KeyedStatement("""
SELECT k.account_id, k.credit_type, w.version
FROM unnest(:account_id ::text[], :credit_type ::text[]) AS k (account_id, credit_type)
CROSS JOIN LATERAL (
    SELECT version FROM wallets WHERE account_id = k.account_id AND credit_type = k.credit_type OFFSET 0
) AS w
""")


def versions(connection: Connection, keys: Collection[WalletKey]) -> dict[WalletKey, int]:
    """Return the versions of the wallets that exist."""

    def parameters(some: Collection[WalletKey]) -> dict[str, Any]:
        return {
            "account_id": texts(key.account_id for key in some),
            "credit_type": texts(key.credit_type for key in some),
        }

    rows = _VERSIONS.rows(connection, keys, parameters)
    return {WalletKey(account_id, credit_type): version for account_id, credit_type, version in rows}


class GrantKey(NamedTuple):
    """Which grant."""

    account_id: str
    credit_type: str
    grant_id: str


_GRACES = KeyedStatement(f"""
SELECT k.account_id, k.credit_type, k.grant_id, {micros("g.grace_end")}
FROM unnest(:account_id ::text[], :credit_type ::text[], :grant_id ::uuid[]) AS k (account_id, credit_type, grant_id)
CROSS JOIN LATERAL (
    SELECT * FROM grants
    WHERE account_id = k.account_id AND credit_type = k.credit_type AND grant_id = k.grant_id OFFSET 0
) AS g
WHERE g.grace_end IS NOT NULL
""")


def load_graces(connection: Connection, keys: Collection[GrantKey]) -> dict[GrantKey, Instant]:
    """Return when the graces of those grants end, or ended, that have had one."""

    def parameters(some: Collection[GrantKey]) -> dict[str, Any]:
        return {
            "account_id": texts(key.account_id for key in some),
            "credit_type": texts(key.credit_type for key in some),
            "grant_id": identifiers(key.grant_id for key in some),
        }

    rows = _GRACES.rows(connection, keys, parameters)
    return {GrantKey(account_id, credit_type, str(grant_id)): end for account_id, credit_type, grant_id, end in rows}
