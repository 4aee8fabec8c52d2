"""Balances of the past: what the ledger says of a wallet right after a movement, and which one was last at an instant.

Whatever ends by itself counts from its end on, though it is written later, by the sweep or before the next movement.
"""

from collections.abc import Mapping
from typing import NamedTuple

from sqlalchemy import Connection, text

from creditd.domain.entry import EntryKind
from creditd.domain.instant import Instant
from creditd.storage.archive.archives import ArchivedPart, archived_parts
from creditd.storage.arrays import numbers, texts
from creditd.storage.entries import first_versions_at
from creditd.storage.rows import micros, timestamp

_END = f"""CASE e.kind
    WHEN {int(EntryKind.EXPIRE)} THEN (e.slices -> 0 ->> 'expires') ::bigint
    WHEN {int(EntryKind.RELEASE)} THEN {micros("e.reservation_expire_time")} END"""
"""SQL for when what an entry records had ended by itself; null for what somebody did."""

_AFTER_VERSIONS = text(f"""
SELECT e.credit_type, e.version, e.available_after, e.reserved_after, e.debt_after,
       CASE WHEN e.create_time <= {timestamp(":instant ::bigint")} THEN {micros("e.create_time")} ELSE {_END} END
FROM unnest(:credit_types ::text[], :versions ::bigint[]) AS k (credit_type, version)
CROSS JOIN LATERAL (
    SELECT * FROM entries
    WHERE account_id = :account_id AND credit_type = k.credit_type AND version = k.version OFFSET 0
) AS e
""")

_FIRST_NOT_ENDED = text(f"""
SELECT version FROM (
    SELECT e.version, {_END} AS end_time FROM entries e
    WHERE e.account_id = :account_id AND e.credit_type = :credit_type AND e.version > :after
    ORDER BY e.version LIMIT :count
) AS ahead WHERE end_time IS NULL OR end_time > :instant ORDER BY version LIMIT 1
""")


class HistoricalBalance(NamedTuple):
    """A wallet's figures at a moment; ``update_time`` is when they came about, None before the first movement."""

    credit_type: str
    version: int
    available: int
    reserved: int
    debt: int
    update_time: Instant | None


def balances_after(
    connection: Connection, account_id: str, versions: Mapping[str, int], instant: Instant
) -> dict[str, HistoricalBalance]:
    """Return by credit type the figures of an account's wallets right after a version of each, as of an instant.

    A version of 0 is left out.
    """
    parameters = {
        "account_id": account_id,
        "credit_types": texts(versions.keys()),
        "versions": numbers(versions.values()),
        "instant": instant,
    }
    found = [HistoricalBalance(*row) for row in connection.execute(_AFTER_VERSIONS, parameters)]
    return {balance.credit_type: balance for balance in found}


def untold(connection: Connection, account_id: str, first: Mapping[str, int]) -> list[ArchivedPart]:
    """Return the parts in files that would tell which versions were the ``first`` at an instant (first_versions_at)."""
    parts = archived_parts(connection, account_id, first.keys())
    return [part for credit_type, part in sorted(parts.items()) if first[credit_type] <= part.last_version]


def versions_at(
    connection: Connection, account_id: str, newest: Mapping[str, int], instant: Instant, rows: int
) -> dict[str, int]:
    """Return by credit type the last version of each wallet that counts at an instant, of those up to its newest.

    What had ended by then counts, though it was written later: between the two there is nothing else. It is looked
    through ``rows`` at a time. Raises EntriesArchived if one of them was archived.
    """
    first = first_versions_at(connection, account_id, newest, Instant(instant + 1))
    for part in untold(connection, account_id, first):
        raise part.refusal(account_id)
    found = {}
    for credit_type, version in newest.items():
        of_wallet = {"account_id": account_id, "credit_type": credit_type, "instant": instant, "count": rows}
        last = first[credit_type] - 1
        while last < version:
            not_ended = connection.execute(_FIRST_NOT_ENDED, of_wallet | {"after": last}).scalar_one_or_none()
            if not_ended is not None:
                last = not_ended - 1
                break
            last = min(last + rows, version)
        found[credit_type] = last
    return found
