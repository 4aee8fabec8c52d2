"""Grants as rows, with the entries that brought them, and what was done with them.

Every statement here touches a number of rows that its parameters bound, however long the ledger is.
"""

from collections.abc import Collection
from typing import NamedTuple

from sqlalchemy import Connection, text

from creditd.domain.entry import EntryKind
from creditd.domain.grants import Source
from creditd.domain.instant import Instant
from creditd.domain.wallet import WalletKey
from creditd.storage.arrays import texts
from creditd.storage.entries import Span
from creditd.storage.rows import metadata_from, micros
from creditd.storage.wallets import GrantKey

BROUGHT_BY = (EntryKind.GRANT, EntryKind.TOP_UP, EntryKind.PROMO, EntryKind.ADMIN_ADD, EntryKind.RESTORE)
"""The kinds of entries that a grant comes in with, as the one slice. An index has these alone, by the grant."""

_KINDS = ", ".join(str(int(kind)) for kind in BROUGHT_BY)

_COLUMNS = f"grant_id, source, amount, remaining, {micros('expire_time')}, {micros('grace_end')}"

_ONE = text(f"""
SELECT {_COLUMNS} FROM grants
WHERE account_id = :account_id AND credit_type = :credit_type AND grant_id = :grant_id ::uuid
""")

_PAGE = text(f"""
SELECT {_COLUMNS} FROM grants
WHERE account_id = :account_id AND credit_type = :credit_type AND grant_id < :before ::uuid
ORDER BY grant_id DESC LIMIT :count
""")

_ORIGINS = text(f"""
SELECT k.grant_id, e.version, e.kind, e.actor, e.reason, e.request_id, e.metadata, {micros("e.create_time")}
FROM unnest(:grant_ids ::text[]) AS k (grant_id)
CROSS JOIN LATERAL (
    SELECT * FROM entries
    WHERE account_id = :account_id AND credit_type = :credit_type AND slices -> 0 ->> 'grant' = k.grant_id
      AND kind IN ({_KINDS})
    OFFSET 0
) AS e
""")

AFTER_ALL = "ffffffff-ffff-ffff-ffff-ffffffffffff"


class StoredGrant(NamedTuple):
    """A grant as it is stored: what came in, what is left of it, and when that lapses; None is never, or no grace."""

    grant_id: str
    source: Source
    amount: int
    remaining: int
    expire_time: Instant | None
    grace_end: Instant | None


class GrantOrigin(NamedTuple):
    """The entry that a grant came in with; ``metadata`` is a JSON object of strings, or empty."""

    version: int
    kind: EntryKind
    actor: str
    reason: str
    request_id: str
    metadata: str
    create_time: Instant


def find(connection: Connection, key: GrantKey) -> StoredGrant | None:
    """Return a grant, or None."""
    row = connection.execute(_ONE, key._asdict()).one_or_none()
    return _grant(*row) if row else None


def page(connection: Connection, key: WalletKey, before: str, count: int) -> list[StoredGrant]:
    """Return up to ``count`` grants of a wallet older than one, newest first: ids are UUIDv7, so they sort by time."""
    rows = connection.execute(_PAGE, key._asdict() | {"before": before, "count": count})
    return [_grant(*row) for row in rows]


def _grant(
    grant_id: object, source: int, amount: int, remaining: int, expire_time: Instant | None, grace_end: Instant | None
) -> StoredGrant:
    return StoredGrant(str(grant_id), Source(source), amount, remaining, expire_time, grace_end)


def origins(connection: Connection, key: WalletKey, grant_ids: Collection[str]) -> dict[str, GrantOrigin]:
    """Return by grant what brought it."""
    rows = connection.execute(_ORIGINS, key._asdict() | {"grant_ids": texts(grant_ids)})
    return {
        grant_id: GrantOrigin(
            version, EntryKind(kind), actor, reason, request_id or "", metadata_from(metadata), create_time
        )
        for grant_id, version, kind, actor, reason, request_id, metadata, create_time in rows
    }


class GrantUse(NamedTuple):
    """A slice of an entry: ``place`` is where it stands among them, from 1; the reservation's id is empty for none."""

    version: int
    place: int
    grant_id: str
    source: Source
    amount: int
    kind: EntryKind
    reservation_id: str
    spender_id: str
    create_time: Instant


class UseFilter(NamedTuple):
    """Which slices of a wallet's entries; an empty grant or reservation lets all pass."""

    key: WalletKey
    grant_id: str
    reservation_id: str


def _uses(entries: str) -> str:
    return f"""
SELECT e.version, part.place, part.slice ->> 'grant', (part.slice ->> 'source') ::integer,
       (part.slice ->> 'amount') ::bigint, e.kind, e.reservation_id, e.spender_id, {micros("e.create_time")}
FROM (
    SELECT * FROM entries
    WHERE account_id = :account_id AND credit_type = :credit_type AND {entries}
      AND kind <> {EntryKind.EXTEND:d} AND version >= :first AND version < :below
    ORDER BY version LIMIT :count + 1
) AS e
CROSS JOIN LATERAL jsonb_array_elements(e.slices) WITH ORDINALITY AS part (slice, place)
WHERE (:grant_id = '' OR part.slice ->> 'grant' = :grant_id) AND (e.version, part.place) > (:first, :after)
ORDER BY e.version, part.place LIMIT :count
"""


_HAS_ANY = "slices <> '[]'"
"""Each entry has to have one of the slices that are asked for: a page that is short is taken for the last. A refund of
what a plan covered has none."""

_ANY = text(_uses(_HAS_ANY))

_HAS_GRANT = "slices @> jsonb_build_array(jsonb_build_object('grant', :grant_id ::text))"

_OF_GRANT = text(_uses(_HAS_GRANT))

_OF_RESERVATION = text(_uses(f"reservation_id = :reservation_id ::uuid AND {_HAS_ANY}"))

_OF_BOTH = text(_uses(f"reservation_id = :reservation_id ::uuid AND {_HAS_GRANT}"))

_STATEMENTS = {(False, False): _ANY, (False, True): _OF_GRANT, (True, False): _OF_RESERVATION, (True, True): _OF_BOTH}
"""By whether a reservation is asked for, and whether a grant is."""


def uses(connection: Connection, wanted: UseFilter, within: Span, after: int, count: int) -> list[GrantUse]:
    """Return up to ``count`` slices of a wallet's entries within a span, oldest first.

    Of the first entry those up to the place ``after`` are left out. An EXTEND moves none of its slices. The caller
    bounds the span: all of it is looked through where only a grant is asked for, which no index knows.
    """
    statement = _STATEMENTS[bool(wanted.reservation_id), bool(wanted.grant_id)]
    asked = wanted.key._asdict() | {
        "grant_id": wanted.grant_id,
        "reservation_id": wanted.reservation_id or None,
        "first": within.first,
        "below": within.below,
        "after": after,
        "count": count,
    }
    return [_use(*row) for row in connection.execute(statement, asked)]


_END_OF_LOOK = text("""
SELECT version FROM entries
WHERE account_id = :account_id AND reservation_id = :reservation_id ::uuid AND version >= :first
ORDER BY version OFFSET :rows LIMIT 1
""")


def end_of_look(connection: Connection, account_id: str, reservation_id: str, first: int, rows: int) -> int | None:
    """Return the version of a reservation's entry after ``rows`` of them, from a version on; None if there is none."""
    asked = {"account_id": account_id, "reservation_id": reservation_id, "first": first, "rows": rows}
    version: int | None = connection.execute(_END_OF_LOOK, asked).scalar_one_or_none()
    return version


def _use(
    version: int,
    place: int,
    grant_id: str,
    source: int,
    amount: int,
    kind: int,
    reservation_id: object,
    spender_id: str | None,
    create_time: Instant,
) -> GrantUse:
    reservation = str(reservation_id) if reservation_id else ""
    return GrantUse(
        version, place, grant_id, Source(source), amount, EntryKind(kind), reservation, spender_id or "", create_time
    )
