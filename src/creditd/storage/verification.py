"""What is stored of wallets, to hold against their ledgers."""

from collections.abc import Iterator
from typing import NamedTuple

from sqlalchemy import Connection, text

from creditd.domain.entry import Entry
from creditd.domain.fold import StoredWallet
from creditd.domain.grants import Source
from creditd.storage.arrays import texts
from creditd.storage.rows import ENTRY_COLUMNS, entry_from

ACCOUNTS_AT_A_TIME = 200
"""Few enough that the snapshot they are read in is short-lived, and holds up no vacuum."""

ROWS_AT_A_TIME = 2_000
"""Entries fetched at once; memory stays flat however long a ledger is."""

_NEXT_ACCOUNTS = text("""
SELECT account_id FROM accounts WHERE account_id > :after ORDER BY account_id LIMIT :count
""")

_STORED = text("""
SELECT w.account_id, w.credit_type, w.version, w.available, w.reserved, w.debt,
       (SELECT jsonb_object_agg(source, remaining)
        FROM (SELECT source, sum(remaining) AS remaining FROM grants
              WHERE account_id = w.account_id AND credit_type = w.credit_type GROUP BY source) AS g),
       (SELECT coalesce(sum((part ->> 'amount')::bigint), 0)::bigint
        FROM reservations r, jsonb_array_elements(r.slices) AS part
        WHERE r.account_id = w.account_id AND r.credit_type = w.credit_type AND r.state = 1)
FROM wallets w WHERE w.account_id = ANY(:account_id ::text[])
""")

_LEDGER = text(f"""
SELECT {ENTRY_COLUMNS} FROM entries e WHERE e.account_id = ANY(:account_id ::text[])
ORDER BY e.account_id, e.credit_type, e.version
""")


class WalletId(NamedTuple):
    """Which wallet."""

    account_id: str
    credit_type: str


def next_accounts(connection: Connection, after: str) -> list[str]:
    """Return the next account ids in order; none at the end."""
    rows = connection.execute(_NEXT_ACCOUNTS, {"after": after, "count": ACCOUNTS_AT_A_TIME})
    return [account_id for (account_id,) in rows]


def stored_wallets(connection: Connection, account_ids: list[str]) -> dict[WalletId, StoredWallet]:
    """Load what is stored of all wallets of some accounts."""
    rows = connection.execute(_STORED, {"account_id": texts(account_ids)})
    return {
        WalletId(account_id, credit_type): StoredWallet(
            version, available, reserved, debt, {Source(int(source)): n for source, n in (sums or {}).items()}, held
        )
        for account_id, credit_type, version, available, reserved, debt, sums, held in rows
    }


def ledger_of(connection: Connection, account_ids: list[str]) -> Iterator[Entry]:
    """Stream the entries of some accounts, each wallet's in the order of its versions."""
    streaming = connection.execution_options(stream_results=True, yield_per=ROWS_AT_A_TIME)
    for row in streaming.execute(_LEDGER, {"account_id": texts(account_ids)}):
        yield entry_from(row)
