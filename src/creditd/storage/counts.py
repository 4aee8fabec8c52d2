"""The counts that limits go by: what was spent in the hour and in the day, in a wallet and by each of its spenders.

They are written by the save of what is counted (:mod:`creditd.storage.save`), under the guard of the wallet's version.
"""

from collections.abc import Collection, Iterable
from typing import Any, Final, NamedTuple

from sqlalchemy import Connection, text

from creditd.domain.instant import Instant
from creditd.domain.limits import DAY, NOTHING, Count
from creditd.domain.reservation import ReservationKey
from creditd.domain.wallet import WalletKey
from creditd.storage.arrays import identifiers, texts
from creditd.storage.layout import by_account, is_by_account, routed
from creditd.storage.rows import micros, timestamp

PRUNED_AT_A_TIME: Final = 1_000
"""Rows deleted by one statement: some milliseconds, in which a save that meets one of them waits."""


class CountKey(NamedTuple):
    """Which count: of a wallet, and of the whole (an empty id) or of one spender."""

    account_id: str
    credit_type: str
    spender_id: str


# A reservation that is named stands for its spender, who is asked for here: that is one round trip less.
_COUNTS_OF_MANY = f"""
WITH asked AS MATERIALIZED (
    SELECT account_id, credit_type, spender_id
    FROM unnest(:account_id ::text[], :credit_type ::text[], :spender_id ::text[])
         AS k (account_id, credit_type, spender_id)
    UNION
    SELECT k.account_id, k.credit_type, r.spender_id
    FROM unnest(:r_account_id ::text[], :r_credit_type ::text[], :r_reservation_id ::uuid[])
         AS k (account_id, credit_type, reservation_id)
    CROSS JOIN LATERAL (
        SELECT spender_id FROM reservations
        WHERE account_id = k.account_id AND credit_type = k.credit_type AND reservation_id = k.reservation_id
          AND spender_id IS NOT NULL OFFSET 0
    ) AS r
)
SELECT a.account_id, a.credit_type, a.spender_id, {micros("c.hour_start")}, c.in_hour, {micros("c.day_start")}, c.in_day
FROM asked AS a LEFT JOIN LATERAL (
    SELECT * FROM spending_counts
    WHERE account_id = a.account_id AND credit_type = a.credit_type AND spender_id = a.spender_id OFFSET 0
) AS c ON true
"""

_COUNTS = text(_COUNTS_OF_MANY)

# Where one account is asked about, its id is no column of the keys.
_COUNTS_OF_ONE = text(routed(_COUNTS_OF_MANY.replace("SELECT account_id,", "SELECT k.account_id AS account_id,")))


def load_counts(
    connection: Connection, keys: Collection[CountKey], named: Collection[ReservationKey] = ()
) -> dict[WalletKey, dict[str, Count]]:
    """Load counts by wallet and spender: those asked for, and those of the spenders of ``named`` reservations.

    One that has no row is one before its first movement.
    """
    if not is_by_account(connection):
        return _by_wallet(connection.execute(_COUNTS, _parameters(keys, named)))
    named_by_account = dict(by_account(named))
    counts: dict[WalletKey, dict[str, Count]] = {}
    for account_id, own in by_account(keys):
        parameters = _parameters(own, named_by_account.get(account_id, ())) | {"account_id": account_id}
        counts.update(_by_wallet(connection.execute(_COUNTS_OF_ONE, parameters)))
    return counts


def _parameters(keys: Collection[CountKey], named: Collection[ReservationKey]) -> dict[str, Any]:
    return {
        "account_id": texts(key.account_id for key in keys),
        "credit_type": texts(key.credit_type for key in keys),
        "spender_id": texts(key.spender_id for key in keys),
        "r_account_id": texts(key.account_id for key in named),
        "r_credit_type": texts(key.credit_type for key in named),
        "r_reservation_id": identifiers(key.reservation_id for key in named),
    }


_FIRST_COUNTS = text(f"""
SELECT c.account_id, c.credit_type, c.spender_id, {micros("c.hour_start")}, c.in_hour, {micros("c.day_start")}, c.in_day
FROM (SELECT * FROM spending_counts WHERE account_id = :account_id
      ORDER BY account_id, credit_type, spender_id LIMIT :count) AS c
""")


def counts_of(connection: Connection, account_id: str, count: int) -> dict[WalletKey, dict[str, Count]]:
    """Return an account's counts as of their own days: the first so many, by credit type and spender."""
    return _by_wallet(connection.execute(_FIRST_COUNTS, {"account_id": account_id, "count": count}))


def _by_wallet(rows: Iterable[Any]) -> dict[WalletKey, dict[str, Count]]:
    found: dict[WalletKey, dict[str, Count]] = {}
    for account_id, credit_type, spender_id, *figures in rows:
        count = NOTHING if figures[0] is None else Count(*figures)
        found.setdefault(WalletKey(account_id, credit_type), {})[spender_id] = count
    return found


# What a save has locked is left alone: it is about to be of today.
_PRUNE = text(f"""
DELETE FROM spending_counts WHERE ctid = ANY (ARRAY(
    SELECT ctid FROM spending_counts
    WHERE day_start < {timestamp(":before ::bigint")} ORDER BY day_start LIMIT :count FOR UPDATE SKIP LOCKED
))
""")


def prune(connection: Connection, now: Instant) -> int:
    """Delete counts of days that have been over for a day, at most ``PRUNED_AT_A_TIME``; return how many.

    A server whose clock is behind by less than a day does not miss them.
    """
    before = now - now % DAY - DAY
    if is_by_account(connection):
        return _prune_by_account(connection, before)
    return connection.execute(_PRUNE, {"before": before, "count": PRUNED_AT_A_TIME}).rowcount


_ACCOUNTS_TO_PRUNE = text(f"""
SELECT DISTINCT account_id FROM spending_counts WHERE day_start < {timestamp(":before ::bigint")} LIMIT :count
""")

_PRUNE_ACCOUNT = text(f"""
DELETE FROM spending_counts WHERE account_id = :account_id AND day_start < {timestamp(":before ::bigint")}
""")


def _prune_by_account(connection: Connection, before: int) -> int:
    """Delete counts account by account: Citus locks and limits no rows of many at once."""
    asked = {"before": before, "count": PRUNED_AT_A_TIME}
    pruned = 0
    for account_id in connection.execute(_ACCOUNTS_TO_PRUNE, asked).scalars().all():
        pruned += connection.execute(_PRUNE_ACCOUNT, {"account_id": account_id, "before": before}).rowcount
        if pruned >= PRUNED_AT_A_TIME:
            break
    return pruned


_COUNTED = text(f"""
SELECT coalesce(sum(hour_delta) FILTER (WHERE create_time >= {timestamp(":hour ::bigint")}), 0) ::bigint,
       coalesce(sum(day_delta), 0) ::bigint
FROM entries
WHERE account_id = :account_id AND credit_type = :credit_type AND version >= :first AND version < :below
  AND (:spender_id = '' OR spender_id = :spender_id)
""")


def counted(connection: Connection, key: CountKey, first: int, below: int, now: Instant) -> Count:
    """Add up what the entries of a day have counted up to ``now``: the versions from ``first`` and below ``below``.

    The caller bounds how many that are.
    """
    nothing = NOTHING.at(now)
    asked = key._asdict() | {"first": first, "below": below, "hour": nothing.hour}
    return nothing.plus(*connection.execute(_COUNTED, asked).one())
