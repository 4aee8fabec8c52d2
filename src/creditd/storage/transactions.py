"""Pages of the ledger. A wallet's versions have no gap and its times never go back, so that both are found by key."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from sqlalchemy import Connection, text

from creditd.domain.entry import Entry, EntryKind
from creditd.domain.instant import Instant
from creditd.storage.arrays import numbers, texts
from creditd.storage.rows import ENTRY_COLUMNS, entry_from, timestamp

_VERSIONS = text("""
SELECT credit_type, version FROM wallets
WHERE account_id = :account_id AND (:credit_type = '' OR credit_type = :credit_type)
""")

# A binary search over the versions, each step one look-up by key.
_FIRST_VERSION_AT = text(f"""
WITH RECURSIVE search (lowest, highest) AS (
    SELECT 1::bigint, :top ::bigint + 1
    UNION ALL
    SELECT CASE WHEN e.create_time < t.instant THEN middle + 1 ELSE lowest END,
           CASE WHEN e.create_time < t.instant THEN highest ELSE middle END
    FROM (SELECT lowest, highest, (lowest + highest) / 2 AS middle FROM search WHERE lowest < highest) AS s
    CROSS JOIN (SELECT {timestamp(":instant ::bigint")} AS instant) AS t
    CROSS JOIN LATERAL (
        SELECT create_time FROM entries
        WHERE account_id = :account_id AND credit_type = :credit_type AND version = middle OFFSET 0
    ) AS e
)
SELECT lowest FROM search WHERE lowest = highest
""")

_PAGE = text(f"""
SELECT {ENTRY_COLUMNS}
FROM unnest(:credit_types ::text[], :first ::bigint[], :below ::bigint[]) AS k (credit_type, first, below)
CROSS JOIN LATERAL (
    SELECT * FROM entries
    WHERE account_id = :account_id AND credit_type = k.credit_type AND version >= k.first AND version < k.below
      AND (:any_kind OR kind = ANY(:kinds ::smallint[]))
    ORDER BY version DESC LIMIT :count
) AS e
ORDER BY e.create_time DESC, e.credit_type, e.version DESC LIMIT :count
""")

_OF_RESERVATION = text(f"""
SELECT {ENTRY_COLUMNS} FROM entries e
JOIN unnest(:credit_types ::text[], :first ::bigint[], :below ::bigint[]) AS k (credit_type, first, below)
  ON e.credit_type = k.credit_type AND e.version >= k.first AND e.version < k.below
WHERE e.account_id = :account_id AND e.reservation_id = :reservation_id ::uuid
  AND (:any_kind OR e.kind = ANY(:kinds ::smallint[]))
ORDER BY e.version DESC LIMIT :count
""")

_COUNT = text("""
SELECT count(*) FROM entries e
JOIN unnest(:credit_types ::text[], :first ::bigint[], :below ::bigint[]) AS k (credit_type, first, below)
  ON e.credit_type = k.credit_type AND e.version >= k.first AND e.version < k.below
WHERE e.account_id = :account_id AND (:any_reservation OR e.reservation_id = :reservation_id ::uuid)
  AND (:any_kind OR e.kind = ANY(:kinds ::smallint[]))
""")


class Span(NamedTuple):
    """A range of versions of one wallet: from ``first``, and below ``below``."""

    first: int
    below: int


class EntryFilter(NamedTuple):
    """Which entries of an account; an empty or None part lets all pass."""

    account_id: str
    credit_type: str
    kinds: tuple[EntryKind, ...]
    reservation_id: str | None
    start_time: Instant | None
    end_time: Instant | None


def spans(connection: Connection, wanted: EntryFilter) -> dict[str, Span]:
    """Return for each wallet of the account the versions that lie within the filter's times."""
    parameters = {"account_id": wanted.account_id, "credit_type": wanted.credit_type}
    found: dict[str, Span] = {}
    for credit_type, version in connection.execute(_VERSIONS, parameters).all():
        first = _first_version_at(connection, wanted.account_id, credit_type, version, wanted.start_time, 1)
        below = _first_version_at(connection, wanted.account_id, credit_type, version, wanted.end_time, version + 1)
        found[credit_type] = Span(first, below)
    return found


def _first_version_at(
    connection: Connection, account_id: str, credit_type: str, top: int, instant: Instant | None, otherwise: int
) -> int:
    if instant is None:
        return otherwise
    parameters = {"account_id": account_id, "credit_type": credit_type, "top": top, "instant": instant}
    version: int = connection.execute(_FIRST_VERSION_AT, parameters).scalar_one()
    return version


def page(connection: Connection, wanted: EntryFilter, within: Mapping[str, Span], count: int) -> Sequence[Entry]:
    """Return the newest ``count`` entries that pass the filter, newest first."""
    statement = _OF_RESERVATION if wanted.reservation_id else _PAGE
    parameters = _parameters(wanted, within) | {"count": count}
    return [entry_from(row) for row in connection.execute(statement, parameters)]


def count_all(connection: Connection, wanted: EntryFilter, within: Mapping[str, Span]) -> int:
    """Count the entries that pass the filter. Without kinds or a reservation the versions themselves tell."""
    if not wanted.kinds and not wanted.reservation_id:
        return sum(max(0, span.below - span.first) for span in within.values())
    parameters = _parameters(wanted, within) | {"any_reservation": wanted.reservation_id is None}
    total: int = connection.execute(_COUNT, parameters).scalar_one()
    return total


def _parameters(wanted: EntryFilter, within: Mapping[str, Span]) -> dict[str, object]:
    return {
        "account_id": wanted.account_id,
        "credit_types": texts(within.keys()),
        "first": numbers(span.first for span in within.values()),
        "below": numbers(span.below for span in within.values()),
        "any_kind": not wanted.kinds,
        "kinds": numbers(wanted.kinds),
        "reservation_id": wanted.reservation_id,
    }


_AFTER = text(f"""
SELECT {ENTRY_COLUMNS} FROM entries e
WHERE e.account_id = :account_id AND e.credit_type = :credit_type AND e.version > :after
ORDER BY e.version LIMIT :count
""")


def entries_after(connection: Connection, account_id: str, credit_type: str, after: int, count: int) -> list[Entry]:
    """Return a wallet's entries right after a version, in order and without a gap."""
    parameters = {"account_id": account_id, "credit_type": credit_type, "after": after, "count": count}
    return [entry_from(row) for row in connection.execute(_AFTER, parameters)]
