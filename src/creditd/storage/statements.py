"""The rows of statements: one wallet's entries in the order of its versions, a stretch at a time by their key."""

from typing import NamedTuple

from sqlalchemy import Connection, text

from creditd.domain.entry import EntryKind
from creditd.domain.instant import Instant
from creditd.storage.rows import micros

# No slices and no graces: a statement does not show them, and a movement of many grants has thousands.
_STRETCH = text(f"""
SELECT e.version, {micros("e.create_time")}, e.kind, e.amount, e.available_delta, e.reserved_delta, e.debt_delta,
       e.available_after, e.reserved_after, e.debt_after, e.reservation_id ::text, coalesce(e.request_id, ''), e.actor,
       coalesce(e.spender_id, ''), e.reason, coalesce(e.metadata ::text, '')
FROM entries e
WHERE e.account_id = :account_id AND e.credit_type = :credit_type AND e.version > :after AND e.version <= :last
ORDER BY e.version LIMIT :count
""")


class StatementRow(NamedTuple):
    """One movement as a statement shows it; ``reservation_id`` may be None, ``metadata`` is empty or a JSON object."""

    version: int
    create_time: Instant
    kind: EntryKind
    amount: int
    available_delta: int
    reserved_delta: int
    debt_delta: int
    available_after: int
    reserved_after: int
    debt_after: int
    reservation_id: str | None
    request_id: str
    actor: str
    spender_id: str
    reason: str
    metadata: str


def stretch(
    connection: Connection, account_id: str, credit_type: str, after: int, last: int, count: int
) -> list[StatementRow]:
    """Return a wallet's first ``count`` entries after a version and up to a last one, in order and without a gap."""
    parameters = {
        "account_id": account_id,
        "credit_type": credit_type,
        "after": after,
        "last": last,
        "count": count,
    }
    rows = map(StatementRow._make, connection.execute(_STRETCH, parameters))
    return [row._replace(kind=EntryKind(row.kind)) for row in rows]
