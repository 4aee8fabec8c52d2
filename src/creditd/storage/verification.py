"""What is stored of wallets, to hold against their ledgers. Every statement reads a bounded number of rows."""

from collections.abc import Collection, Mapping
from typing import Any, Final, NamedTuple

from sqlalchemy import Connection, text

from creditd.domain.entry import Entry
from creditd.domain.fold import StoredCounts, StoredWallet
from creditd.domain.grants import NO_GRACES, Source
from creditd.domain.instant import Instant
from creditd.domain.limits import DAY, Count
from creditd.domain.wallet import WalletKey
from creditd.storage.arrays import numbers, texts
from creditd.storage.layout import KeyedStatement, routed
from creditd.storage.rows import ENTRY_COLUMNS, entry_from, micros

ACCOUNTS_AT_A_TIME: Final = 100
"""Whose wallets are read by one statement, which is a snapshot that holds up no vacuum."""

# The ledger of a wallet ends with this version.
_LAST_VERSION: Final = """coalesce((SELECT e.version FROM entries e
                 WHERE e.account_id = {0}.account_id AND e.credit_type = {0}.credit_type
                 ORDER BY e.version DESC LIMIT 1), 0)"""

# Those of the next spenders. They are read by their key, and the days of no more of them looked at.
_COUNTS: Final = f"""(SELECT jsonb_object_agg(spender_id, jsonb_build_array({micros("hour_start")}, in_hour,
                                                              {micros("day_start")}, in_day))
        FROM (SELECT * FROM spending_counts
              WHERE account_id = {{0}}.account_id AND credit_type = {{0}}.credit_type AND {{1}}
              ORDER BY account_id, credit_type, spender_id LIMIT :counts) AS c)"""

_NEXT_ACCOUNTS = text("""
SELECT account_id FROM accounts WHERE account_id > :after ORDER BY account_id LIMIT :count
""")

# A wallet without a row, and an entry beyond the row's version, are differences too: which wallets there are, and where
# they end, is asked of the ledger as well. From one credit type to the next by the key, whatever lies between.
_STORED_OF_MANY: Final = f"""
WITH RECURSIVE ledger (account_id, credit_type) AS (
    SELECT a.account_id, (SELECT e.credit_type FROM entries e WHERE e.account_id = a.account_id
                          ORDER BY e.credit_type LIMIT 1)
    FROM unnest(:account_id ::text[]) AS a (account_id)
    UNION ALL
    SELECT l.account_id, (SELECT e.credit_type FROM entries e
                          WHERE e.account_id = l.account_id AND e.credit_type > l.credit_type
                          ORDER BY e.credit_type LIMIT 1)
    FROM ledger l WHERE l.credit_type IS NOT NULL
), named AS (
    SELECT account_id, credit_type FROM ledger WHERE credit_type IS NOT NULL
    UNION
    SELECT k.account_id, w.credit_type FROM unnest(:account_id ::text[]) AS k (account_id)
    CROSS JOIN LATERAL (SELECT credit_type FROM wallets WHERE account_id = k.account_id OFFSET 0) AS w
)
SELECT n.account_id, n.credit_type,
       {_LAST_VERSION.format("n")},
       w.version, w.available, w.reserved, w.debt,
       (SELECT jsonb_object_agg(source, remaining)
        FROM (SELECT source, sum(remaining) AS remaining FROM grants
              WHERE account_id = n.account_id AND credit_type = n.credit_type AND live GROUP BY source) AS g),
       (SELECT coalesce(sum((part ->> 'amount')::bigint), 0)::bigint
        FROM reservations r, jsonb_array_elements(r.slices) AS part
        WHERE r.account_id = n.account_id AND r.credit_type = n.credit_type AND r.state = 1),
       (SELECT jsonb_object_agg(grant_id, {micros("grace_end")}) FROM grants
        WHERE account_id = n.account_id AND credit_type = n.credit_type AND grace_end IS NOT NULL),
       {_COUNTS.format("n", "true")}
FROM named n LEFT JOIN LATERAL (
    SELECT * FROM wallets WHERE account_id = n.account_id AND credit_type = n.credit_type OFFSET 0
) AS w ON true
"""

_STORED = KeyedStatement(_STORED_OF_MANY, routed(_STORED_OF_MANY.replace("SELECT a.account_id", "SELECT k.account_id")))

_MORE_COUNTS = KeyedStatement(f"""
SELECT k.account_id, k.credit_type, {_LAST_VERSION.format("k")}, {_COUNTS.format("k", "spender_id > k.after")}
FROM unnest(:account_id ::text[], :credit_type ::text[], :after ::text[]) AS k (account_id, credit_type, after)
""")

_ENTRIES = KeyedStatement(f"""
SELECT e.* FROM unnest(:account_id ::text[], :credit_type ::text[], :after ::bigint[], :last ::bigint[])
    AS k (account_id, credit_type, after, last)
CROSS JOIN LATERAL (
    SELECT {ENTRY_COLUMNS} FROM entries e
    WHERE e.account_id = k.account_id AND e.credit_type = k.credit_type AND e.version > k.after AND e.version <= k.last
    ORDER BY e.version LIMIT :count
) AS e
""")


class Kept(NamedTuple):
    """What is stored of a wallet, and the version that its ledger ends with, all at one moment."""

    wallet: StoredWallet
    last_version: int


class Stretch(NamedTuple):
    """A part of a wallet's ledger: the entries after a version, up to and with another."""

    after: int
    last: int


def next_accounts(connection: Connection, after: str) -> list[str]:
    """Return the next account ids in order; none at the end."""
    rows = connection.execute(_NEXT_ACCOUNTS, {"after": after, "count": ACCOUNTS_AT_A_TIME})
    return [account_id for (account_id,) in rows]


def kept_wallets(
    connection: Connection, account_ids: Collection[str], now: Instant, counts_each: int
) -> dict[WalletKey, Kept]:
    """Load what is stored of all wallets of some accounts, also of those that have nothing but entries.

    Of each there are its first counts, at most ``counts_each``, as read ``now``.
    """
    rows = _STORED.rows(connection, account_ids, lambda some: {"account_id": texts(some), "counts": counts_each})
    return {
        WalletKey(account_id, credit_type): Kept(
            StoredWallet(
                version or 0,
                available or 0,
                reserved or 0,
                debt or 0,
                {Source(int(source)): n for source, n in (sums or {}).items()},
                held,
                graces or NO_GRACES,
                _stored_counts(counts, None, now, counts_each),
            ),
            last_version,
        )
        for (
            account_id,
            credit_type,
            last_version,
            version,
            available,
            reserved,
            debt,
            sums,
            held,
            graces,
            counts,
        ) in rows
    }


class MoreCounts(NamedTuple):
    """Further counts of a wallet, and the version that its ledger ends with, at one moment."""

    counts: StoredCounts
    last_version: int


def more_counts(
    connection: Connection, after: Mapping[WalletKey, str], now: Instant, count: int
) -> dict[WalletKey, MoreCounts]:
    """Load the next counts of each wallet, after a spender and at most ``count``, as read ``now``."""

    def parameters(wallets: Collection[WalletKey]) -> dict[str, Any]:
        return {
            "account_id": texts(wallet.account_id for wallet in wallets),
            "credit_type": texts(wallet.credit_type for wallet in wallets),
            "after": texts(after[wallet] for wallet in wallets),
            "counts": count,
        }

    found = {}
    for account_id, credit_type, last_version, counts in _MORE_COUNTS.rows(connection, list(after), parameters):
        wallet = WalletKey(account_id, credit_type)
        found[wallet] = MoreCounts(_stored_counts(counts, after[wallet], now, count), last_version)
    return found


def _stored_counts(counts: Mapping[str, list[Any]] | None, after: str | None, now: Instant, count: int) -> StoredCounts:
    usage = {spender_id: Count(*figures) for spender_id, figures in (counts or {}).items()}
    # A short page is the last one.
    last = max(usage) if len(usage) == count else None
    return StoredCounts(usage, Instant(now - now % DAY), after, last)


def entries_of(connection: Connection, stretches: Mapping[WalletKey, Stretch], count: int) -> list[Entry]:
    """Return the first entries, at most ``count``, of each stretch, each wallet's in the order of their versions."""

    def parameters(wallets: Collection[WalletKey]) -> dict[str, Any]:
        return {
            "account_id": texts(wallet.account_id for wallet in wallets),
            "credit_type": texts(wallet.credit_type for wallet in wallets),
            "after": numbers(stretches[wallet].after for wallet in wallets),
            "last": numbers(stretches[wallet].last for wallet in wallets),
            "count": count,
        }

    return sorted(
        (entry_from(row) for row in _ENTRIES.rows(connection, list(stretches), parameters)),
        key=lambda entry: (entry.account_id, entry.credit_type, entry.version),
    )
