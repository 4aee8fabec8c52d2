"""Request ids: what they did, and which were used for what is no entry (changes, purchases, acts of staff).

An entry's request id stands in the entry. The save refuses an entry whose id is claimed here, and whoever claims one
here has looked into the entries, with the account and its wallets locked; so that an id is used once in an account.
"""

from collections.abc import Callable, Collection
from enum import IntEnum
from typing import Any, Final, NamedTuple, Protocol, TypeVar

import orjson
from sqlalchemy import Connection, text

from creditd.domain import errors
from creditd.domain.entry import Entry, EntryKind
from creditd.domain.instant import Instant
from creditd.domain.wallet import Origin
from creditd.domain.weight import HEAVY_SLICES
from creditd.storage.arrays import texts
from creditd.storage.layout import KeyedStatement
from creditd.storage.rows import ENTRY_COLUMNS, Light, entry_from, micros, timestamp


class Row(Protocol):
    """A named tuple of what JSON can hold."""

    def _asdict(self) -> dict[str, Any]: ...


Answer = TypeVar("Answer", bound=Row)


class RequestKey(NamedTuple):
    """Which request: request ids are the account's."""

    account_id: str
    request_id: str


_REQUESTS = KeyedStatement(f"""
SELECT {ENTRY_COLUMNS}
FROM unnest(:account_id ::text[], :request_id ::text[]) AS k (account_id, request_id)
CROSS JOIN LATERAL (
    SELECT account_id, credit_type, version, kind, amount, available_delta, reserved_delta, debt_delta,
           available_after, reserved_after, debt_after,
           CASE WHEN jsonb_array_length(slices) <= :most_slices ::integer THEN slices END AS slices,
           reservation_id, reservation_state, reservation_captured, reservation_refunded, reservation_expire_time,
           request_id, ordinal, fingerprint, actor, reason, metadata, create_time, graces, spender_id,
           hour_delta, day_delta, correlation_id
    FROM entries WHERE account_id = k.account_id AND request_id = k.request_id ORDER BY ordinal OFFSET 0
) AS e
""")


def load_requests(connection: Connection, keys: Collection[RequestKey]) -> dict[RequestKey, list[Entry]]:
    """Load what known request ids did: their entries, by ordinal."""
    return _load_requests(connection, keys, 2**31 - 1).found


def load_light_requests(connection: Connection, keys: Collection[RequestKey]) -> Light[RequestKey, list[Entry]]:
    """Load what known request ids did, but for those that an entry with many slices tells of."""
    return _load_requests(connection, keys, HEAVY_SLICES)


def _load_requests(
    connection: Connection, keys: Collection[RequestKey], most_slices: int
) -> Light[RequestKey, list[Entry]]:
    light = Light[RequestKey, list[Entry]]({}, set())
    for row in _REQUESTS.rows(connection, keys, lambda some: {**_parameters(some), "most_slices": most_slices}):
        key = RequestKey(row.account_id, row.request_id)
        if row.slices is None:
            light.heavy.add(key)
        else:
            light.found.setdefault(key, []).append(entry_from(row))
    for key in light.heavy:
        light.found.pop(key, None)
    return light


class ClaimKind(IntEnum):
    """What a request id was used for, where that was no entry. The numbers are those of the rows."""

    ACCOUNT_STATUS = 1
    PLAN = 2
    PURCHASE = 3
    REVERSAL = 4
    CANCELLATION = 5
    CREDIT_TYPE = 6
    PACKAGE = 7
    PACKAGE_RETIREMENT = 8
    EVENT_REPLAY = 9
    EVENT_DISMISSAL = 10
    ROLE_GRANT = 11
    ROLE_REVOCATION = 12
    SERVICE_ACCOUNT = 13
    SERVICE_ACCOUNT_UPDATE = 14
    LIMITS = 20
    APPROVAL = 21
    APPROVAL_DECISION = 22
    FLAG_CLEARANCE = 30
    PROMO_CODE = 40
    PROMO_CODES = 41
    PROMO_END = 42
    PROMO_RETURN = 43
    ALERTS = 70
    EVENT_ENDPOINT = 71
    INSPECTION = 72
    WORKFLOW = 80
    WORKFLOW_UPDATE = 81
    WORKFLOW_ARCHIVAL = 82
    ARCHIVED_ENTRY = 90


_CLAIMS = KeyedStatement(f"""
SELECT k.account_id, k.request_id, c.kind, {micros("c.create_time")}
FROM unnest(:account_id ::text[], :request_id ::text[]) AS k (account_id, request_id)
CROSS JOIN LATERAL (
    SELECT kind, create_time FROM request_claims
    WHERE account_id = k.account_id AND request_id = k.request_id OFFSET 0
) AS c
""")


def load_claims(connection: Connection, keys: Collection[RequestKey]) -> dict[RequestKey, errors.RequestIdReused]:
    """Return for those request ids that are claimed what an entry with one of them is refused for."""
    return {
        RequestKey(account_id, request_id): errors.reused(request_id, ClaimKind(kind).name, used_time)
        for account_id, request_id, kind, used_time in _CLAIMS.rows(connection, keys, _parameters)
    }


def _parameters(keys: Collection[RequestKey]) -> dict[str, Any]:
    return {
        "account_id": texts(key.account_id for key in keys),
        "request_id": texts(key.request_id for key in keys),
    }


_ENTRY = text(f"""
SELECT e.kind, {micros("e.create_time")} FROM entries e
WHERE e.account_id = :account_id AND e.request_id = :request_id ORDER BY e.ordinal LIMIT 1
""")

_CLAIM = text(f"""
INSERT INTO request_claims (account_id, request_id, kind, create_time, fingerprint, answer)
VALUES (:account_id, :request_id, :kind, {timestamp(":now ::bigint")}, :fingerprint, :answer ::jsonb)
ON CONFLICT (account_id, request_id) DO NOTHING
""")


def claim(
    connection: Connection,
    key: RequestKey,
    kind: ClaimKind,
    now: Instant,
    fingerprint: int | None = None,
    answer: Row | None = None,
) -> None:
    """Claim a request id. The account's row and its wallets' are locked. Raises RequestIdReused; roll back then.

    ``answer`` is kept for who brings it again with the same fingerprint.

    A save that was decided before and comes after does not see the claim: the account's version has to be raised too.
    """
    if not _add(connection, key, kind, now, fingerprint, answer):
        raise load_claims(connection, [key])[key]
    # Afterwards: an entry that came back from the archive has taken the place of a claim that was waited for.
    used = connection.execute(_ENTRY, key._asdict()).one_or_none()
    if used:
        raise errors.reused(key.request_id, EntryKind(used[0]).name, used[1])


def _add(
    connection: Connection,
    key: RequestKey,
    kind: ClaimKind,
    now: Instant,
    fingerprint: int | None,
    answer: Row | None,
) -> bool:
    document = None if answer is None else orjson.dumps(answer._asdict()).decode()
    values = {**key._asdict(), "kind": int(kind), "now": now, "fingerprint": fingerprint, "answer": document}
    return bool(connection.execute(_CLAIM, values).rowcount)


_KNOWN = text("""
SELECT answer FROM request_claims
WHERE account_id = :account_id AND request_id = :request_id AND fingerprint = :fingerprint
""")


def is_repeat(connection: Connection, key: RequestKey, fingerprint: int) -> bool:
    """Tell whether a request id was claimed with this content before."""
    return connection.execute(_KNOWN, {**key._asdict(), "fingerprint": fingerprint}).one_or_none() is not None


def known_answer(connection: Connection, key: RequestKey, fingerprint: int) -> dict[str, Any] | None:
    """Return what was answered to a request id that was claimed with this content before, by field; else None.

    Raises RequestIdReused if it was claimed with other content.
    """
    known = connection.execute(_KNOWN, {**key._asdict(), "fingerprint": fingerprint}).one_or_none()
    if known is not None and known.answer is not None:
        answer: dict[str, Any] = known.answer
        return answer
    claimed = load_claims(connection, [key]).get(key)
    if claimed:
        raise claimed
    return None


NO_ACCOUNT: Final = ""
"""Stands for the account of what is about none: a credit type, a package, a payment event."""

# Nobody else looks at the id until the transaction ends: whoever brings it at the same time finds the answer then.
_WAIT_FOR_TURN = text("SELECT pg_advisory_xact_lock(hashtextextended(:request_id, 0))")


def once(
    connection: Connection,
    origin: Origin,
    kind: ClaimKind,
    now: Instant,
    act: Callable[[], Answer],
    read: Callable[[dict[str, Any]], Answer],
) -> tuple[Answer, bool]:
    """Do an act about no account once for its request id, within a transaction that is open.

    Return its answer, and whether it is that of an earlier call with the same content: that one's answer as it was
    then, which ``read`` makes of its fields. Raises RequestIdReused, and what ``act`` raises.
    """
    key = RequestKey(NO_ACCOUNT, origin.request_id or "")
    connection.execute(_WAIT_FOR_TURN, {"request_id": key.request_id})
    known = connection.execute(_KNOWN, {**key._asdict(), "fingerprint": origin.fingerprint}).one_or_none()
    if known is not None:
        return read(known.answer), True
    claimed = load_claims(connection, [key]).get(key)
    if claimed:
        raise claimed
    answer = act()
    _add(connection, key, kind, now, origin.fingerprint, answer)
    return answer, False
