"""Pages of the ledger. A wallet's versions have no gap and its times never go back, so that both are found by key.

Every statement here touches a number of rows that its parameters bound, however long the ledger is: where a filter may
match rarely and no index serves it, the caller narrows the spans to the newest rows first, and goes on from there with
the next page.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from sqlalchemy import Connection, text

from creditd.domain.entry import EntryKind
from creditd.domain.instant import Instant
from creditd.storage.arrays import numbers, texts
from creditd.storage.rows import LISTED_ENTRY_COLUMNS, ListedEntry, listed_entry_from, timestamp

COMMON_KINDS = frozenset({EntryKind.RESERVE, EntryKind.CONFIRM, EntryKind.REFUND, EntryKind.DEDUCT, EntryKind.RELEASE})
"""Kinds of each use, which no index serves: it would be written with every movement. The others have one."""

_ARCHIVED = """coalesce((SELECT last_version FROM entry_archives
                 WHERE account_id = :account_id AND credit_type = {}.credit_type
                 ORDER BY first_version DESC LIMIT 1), 1)"""
"""SQL for the first version from which on nothing of a wallet is missing: the last of those that are in files."""

_VERSIONS = text(f"""
SELECT w.credit_type, w.version, {_ARCHIVED.format("w")} AS whole_from FROM wallets AS w
WHERE account_id = :account_id AND (:credit_type = '' OR credit_type = :credit_type)
""")

# A binary search over the versions of all wallets at once, each step one look-up by key for each.
_FIRST_VERSIONS_AT = text(f"""
WITH RECURSIVE search (credit_type, lowest, highest) AS (
    SELECT credit_type, least({_ARCHIVED.format("k")}, version + 1), version + 1
    FROM unnest(:credit_types ::text[], :versions ::bigint[]) AS k (credit_type, version)
    UNION ALL
    SELECT s.credit_type,
           CASE WHEN e.create_time < t.instant THEN middle + 1 ELSE lowest END,
           CASE WHEN e.create_time < t.instant THEN highest ELSE middle END
    FROM (SELECT *, (lowest + highest) / 2 AS middle FROM search WHERE lowest < highest) AS s
    CROSS JOIN (SELECT {timestamp(":instant ::bigint")} AS instant) AS t
    CROSS JOIN LATERAL (
        SELECT create_time FROM entries
        WHERE account_id = :account_id AND credit_type = s.credit_type AND version = middle OFFSET 0
    ) AS e
)
SELECT credit_type, lowest AS version FROM search WHERE lowest = highest
""")

_SPANS = "unnest(:credit_types ::text[], :first ::bigint[], :below ::bigint[]) AS k (credit_type, first, below)"

_WITHIN = "account_id = :account_id AND credit_type = k.credit_type AND version >= k.first AND version < k.below"

_NEWEST_FIRST = "ORDER BY e.create_time DESC, e.credit_type, e.version DESC LIMIT :count"

_NEWEST = text(f"""
SELECT credit_type, min(version) AS version FROM (
    SELECT e.credit_type, e.version FROM {_SPANS}
    CROSS JOIN LATERAL (
        SELECT credit_type, version, create_time FROM entries WHERE {_WITHIN} ORDER BY version DESC LIMIT :count
    ) AS e
    {_NEWEST_FIRST}
) AS newest GROUP BY credit_type
""")

_NEWEST_OF_RESERVATION = text("""
SELECT version FROM entries
WHERE account_id = :account_id AND reservation_id = :reservation_id ::uuid AND version >= :first AND version < :below
ORDER BY version DESC OFFSET :count - 1 LIMIT 1
""")

_ANY_KIND = f"""
SELECT e.* FROM {_SPANS}
CROSS JOIN LATERAL (SELECT * FROM entries WHERE {_WITHIN} ORDER BY version DESC LIMIT :count) AS e
"""

_COMMON_KINDS = f"""
SELECT e.* FROM {_SPANS}
CROSS JOIN LATERAL (
    SELECT * FROM entries WHERE {_WITHIN} AND kind = ANY(:kinds ::smallint[]) ORDER BY version DESC LIMIT :count
) AS e
"""

_RARE_KINDS = f"""
SELECT e.* FROM {_SPANS}
CROSS JOIN unnest(:kinds ::smallint[]) AS q (kind)
CROSS JOIN LATERAL (
    SELECT * FROM entries
    WHERE {_WITHIN} AND kind = q.kind AND kind NOT IN ({", ".join(str(int(kind)) for kind in sorted(COMMON_KINDS))})
    ORDER BY version DESC LIMIT :count
) AS e
"""

_OF_RESERVATION = f"""
SELECT e.* FROM {_SPANS}
CROSS JOIN LATERAL (
    SELECT * FROM entries
    WHERE account_id = :account_id AND reservation_id = :reservation_id ::uuid
      AND version >= k.first AND version < k.below AND (:any_kind OR kind = ANY(:kinds ::smallint[]))
    ORDER BY version DESC LIMIT :count
) AS e
"""

_SOURCES = {"any": _ANY_KIND, "common": _COMMON_KINDS, "rare": _RARE_KINDS, "reservation": _OF_RESERVATION}

# The rows are chosen before their columns are read, of which some are large.
_PAGES = {
    name: text(f"""
SELECT {LISTED_ENTRY_COLUMNS} FROM (SELECT e.* FROM ({source}) AS e {_NEWEST_FIRST}) AS e {_NEWEST_FIRST}
""")
    for name, source in _SOURCES.items()
}

_COUNTS = {
    name: text(f"SELECT count(*) FROM (SELECT 1 FROM ({source}) AS e LIMIT :count) AS e")
    for name, source in _SOURCES.items()
}


class Span(NamedTuple):
    """A range of versions of one wallet: from ``first``, and below ``below``."""

    first: int
    below: int


Spans = Mapping[str, Span]
"""By credit type."""


class EntryFilter(NamedTuple):
    """Which entries of an account; an empty or None part lets all pass."""

    account_id: str
    credit_type: str
    kinds: tuple[EntryKind, ...]
    reservation_id: str | None
    start_time: Instant | None
    end_time: Instant | None

    @property
    def served_by(self) -> str:
        """Which of the statements finds them."""
        if self.reservation_id:
            return "reservation"
        if not self.kinds:
            return "any"
        return "rare" if COMMON_KINDS.isdisjoint(self.kinds) else "common"

    @property
    def is_always_there(self) -> bool:
        """Whether what passes is never archived; by time entries are found through those that may be."""
        return self.served_by == "rare" and self.start_time is None and self.end_time is None


def spans(connection: Connection, wanted: EntryFilter) -> dict[str, Span]:
    """Return for each wallet of the account the versions that lie within the filter's times, as far as they are there.

    What is rare is never archived, and all of it is there from the first version on.
    """
    parameters = {"account_id": wanted.account_id, "credit_type": wanted.credit_type}
    rows = connection.execute(_VERSIONS, parameters).all()
    versions = _by_credit_type(rows)
    whole_from = {row.credit_type: 1 if wanted.is_always_there else row.whole_from for row in rows}
    first = first_versions_at(connection, wanted.account_id, versions, wanted.start_time)
    below = first_versions_at(connection, wanted.account_id, versions, wanted.end_time)
    return {
        name: Span(first.get(name, whole_from[name]), below.get(name, version + 1))
        for name, version in versions.items()
    }


def first_versions_at(
    connection: Connection, account_id: str, versions: Mapping[str, int], instant: Instant | None
) -> dict[str, int]:
    """Return the first version of each wallet written at an instant or later, one above its newest if none was.

    ``versions`` are the newest, by credit type. Empty for no instant. Of a wallet that is archived in part it is the
    last of the archived ones at least, which then may not be the first: see EntriesArchived.
    """
    if instant is None:
        return {}
    parameters = {
        "account_id": account_id,
        "credit_types": texts(versions.keys()),
        "versions": numbers(versions.values()),
        "instant": instant,
    }
    return _by_credit_type(connection.execute(_FIRST_VERSIONS_AT, parameters))


def _by_credit_type(rows: Iterable[Any]) -> dict[str, int]:
    return {row.credit_type: row.version for row in rows}


def newest(connection: Connection, wanted: EntryFilter, within: Spans, rows: int) -> dict[str, Span]:
    """Return the part of the spans that holds their newest entries, up to ``rows`` of them, for the filter to look at.

    All of the spans where an index finds what the filter lets pass.
    """
    size = sum(max(0, span.below - span.first) for span in within.values())
    if size <= rows or wanted.served_by in {"any", "rare"}:
        return dict(within)
    if wanted.served_by == "reservation":
        return _newest_of_reservation(connection, wanted, within, rows) if wanted.kinds else dict(within)
    if len(within) == 1:
        return {name: Span(max(span.first, span.below - rows), span.below) for name, span in within.items()}
    share = max(1, rows // len(within))
    counted = _parameters(wanted, within) | {"count": share}
    oldest = _by_credit_type(connection.execute(_NEWEST, counted))
    return {name: Span(oldest.get(name, span.below), span.below) for name, span in within.items()}


def _newest_of_reservation(connection: Connection, wanted: EntryFilter, within: Spans, rows: int) -> dict[str, Span]:
    same = {"account_id": wanted.account_id, "reservation_id": wanted.reservation_id, "count": rows}
    found = {}
    for name, span in within.items():
        oldest = connection.execute(_NEWEST_OF_RESERVATION, same | span._asdict()).scalar_one_or_none()
        found[name] = Span(span.first if oldest is None else oldest, span.below)
    return found


def page(connection: Connection, wanted: EntryFilter, within: Spans, count: int) -> Sequence[ListedEntry]:
    """Return the newest ``count`` entries within spans that pass the filter, newest first."""
    rows = connection.execute(_PAGES[wanted.served_by], _parameters(wanted, within) | {"count": count})
    return [listed_entry_from(row) for row in rows]


class Total(NamedTuple):
    """How many entries there are; at least, if not all were counted."""

    entries: int
    is_exact: bool


def count_all(connection: Connection, wanted: EntryFilter, within: Spans, rows: int) -> Total:
    """Count the entries that pass the filter, up to ``rows``. Where all of a span pass, its versions tell exactly."""
    if wanted.served_by == "any":
        return Total(sum(max(0, span.below - span.first) for span in within.values()), is_exact=True)
    looked_at = newest(connection, wanted, within, rows)
    parameters = _parameters(wanted, looked_at) | {"count": rows + 1}
    total: int = connection.execute(_COUNTS[wanted.served_by], parameters).scalar_one()
    return Total(min(total, rows), is_exact=total <= rows and looked_at == within)


def _parameters(wanted: EntryFilter, within: Spans) -> dict[str, object]:
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
SELECT {LISTED_ENTRY_COLUMNS} FROM entries e
WHERE e.account_id = :account_id AND e.credit_type = :credit_type AND e.version > :after
ORDER BY e.version LIMIT :count
""")


def entries_after(
    connection: Connection, account_id: str, credit_type: str, after: int, count: int
) -> list[ListedEntry]:
    """Return a wallet's entries right after a version, in order and without a gap."""
    parameters = {"account_id": account_id, "credit_type": credit_type, "after": after, "count": count}
    return [listed_entry_from(row) for row in connection.execute(_AFTER, parameters)]
