"""Request ids of what is no entry: a change of an account, a purchase, a reversal.

An entry's request id stands in the entry. The save refuses an entry whose id is claimed here, and whoever claims one
here has looked into the entries, with the account and its wallets locked; so that an id is used once in an account.
"""

from collections.abc import Collection
from enum import IntEnum

from sqlalchemy import Connection, text

from creditd.domain import errors
from creditd.domain.entry import EntryKind
from creditd.domain.instant import Instant
from creditd.storage.arrays import texts
from creditd.storage.lookups import RequestKey
from creditd.storage.rows import micros, timestamp


class ClaimKind(IntEnum):
    """What a request id was used for, where that was no entry. The numbers are those of the rows."""

    ACCOUNT_STATUS = 1
    PLAN = 2
    PURCHASE = 3
    REVERSAL = 4


_CLAIMS = text(f"""
SELECT k.account_id, k.request_id, c.kind, {micros("c.create_time")}
FROM unnest(:account_id ::text[], :request_id ::text[]) AS k (account_id, request_id)
CROSS JOIN LATERAL (
    SELECT kind, create_time FROM request_claims
    WHERE account_id = k.account_id AND request_id = k.request_id OFFSET 0
) AS c
""")


def load_claims(connection: Connection, keys: Collection[RequestKey]) -> dict[RequestKey, errors.RequestIdReused]:
    """Return for those request ids that are claimed what an entry with one of them is refused for."""
    parameters = {
        "account_id": texts(key.account_id for key in keys),
        "request_id": texts(key.request_id for key in keys),
    }
    return {
        RequestKey(account_id, request_id): errors.reused(request_id, ClaimKind(kind).name, used_time)
        for account_id, request_id, kind, used_time in connection.execute(_CLAIMS, parameters)
    }


_ENTRY = text(f"""
SELECT e.kind, {micros("e.create_time")} FROM entries e
WHERE e.account_id = :account_id AND e.request_id = :request_id ORDER BY e.ordinal LIMIT 1
""")

_CLAIM = text(f"""
INSERT INTO request_claims (account_id, request_id, kind, create_time)
VALUES (:account_id, :request_id, :kind, {timestamp(":now ::bigint")})
ON CONFLICT (account_id, request_id) DO NOTHING
""")


def claim(connection: Connection, key: RequestKey, kind: ClaimKind, now: Instant) -> None:
    """Claim a request id. The account's row and its wallets' are locked. Raises RequestIdReused.

    A save that was decided before and comes after does not see the claim: the account's version has to be raised too.
    """
    used = connection.execute(_ENTRY, key._asdict()).one_or_none()
    if used:
        raise errors.reused(key.request_id, EntryKind(used[0]).name, used[1])
    values = {**key._asdict(), "kind": int(kind), "now": now}
    if not connection.execute(_CLAIM, values).rowcount:
        raise load_claims(connection, [key])[key]
