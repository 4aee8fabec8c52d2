"""API keys as rows: their secrets hashed."""

from collections.abc import Sequence
from typing import NamedTuple

from sqlalchemy import Connection, text

from creditd.domain.instant import Instant
from creditd.storage.rows import micros, timestamp


class ApiKey(NamedTuple):
    """A key without its secret; ``predecessor_id`` is of the one that it was made in place of, or empty."""

    api_key_id: str
    service_account_id: str
    prefix: str
    predecessor_id: str
    created_by: str
    request_id: str
    reason: str
    create_time: Instant
    lifetime_seconds: int
    expire_time: Instant
    last_use_time: Instant | None = None
    revoke_time: Instant | None = None
    revoked_by: str = ""
    revoke_reason: str = ""

    def is_live(self, now: Instant) -> bool:
        """Tell whether it counts at an instant."""
        return self.revoke_time is None and now < self.expire_time


class KeyUser(NamedTuple):
    """Who calls by a key: a service account, and the person behind it, which is who created the key."""

    service_account_id: str
    person: str


_COLUMNS = f"""
api_key_id::text, service_account_id, prefix, coalesce(predecessor_id::text, '') AS predecessor_id, created_by,
    request_id, reason, {micros("create_time")}, lifetime_seconds, {micros("expire_time")}, {micros("last_use_time")},
    {micros("revoke_time")}, revoked_by, revoke_reason
"""

_NOW = timestamp(":now ::bigint")

_ADD = text(f"""
INSERT INTO api_keys (
    api_key_id, service_account_id, secret_hash, prefix, predecessor_id, created_by, request_id, reason, create_time,
    lifetime_seconds, expire_time, revoked_by, revoke_reason, created_by_person
) VALUES (
    :api_key_id ::uuid, :service_account_id, :secret_hash, :prefix, nullif(:predecessor_id, '')::uuid, :created_by,
    :request_id, :reason, {timestamp(":create_time ::bigint")}, :lifetime_seconds,
    {timestamp(":expire_time ::bigint")}, '', '', nullif(:person, :created_by)
) ON CONFLICT (created_by, request_id) DO NOTHING
""")

_BY_REQUEST = text(f"SELECT {_COLUMNS} FROM api_keys WHERE created_by = :created_by AND request_id = :request_id")

_LOCK = text(f"SELECT {_COLUMNS} FROM api_keys WHERE api_key_id = :api_key_id ::uuid FOR UPDATE")

_LIVE = text(f"""
SELECT count(*) FROM api_keys
WHERE service_account_id = :service_account_id AND revoke_time IS NULL AND expire_time > {_NOW}
""")

_PAGE = text(f"""
SELECT {_COLUMNS} FROM api_keys
WHERE service_account_id = :service_account_id AND (:before = '' OR api_key_id < nullif(:before, '')::uuid)
ORDER BY service_account_id, api_keys.api_key_id DESC LIMIT :count
""")

_END = text(f"""
UPDATE api_keys SET expire_time = least(expire_time, {timestamp(":expire_time ::bigint")})
WHERE api_key_id = :api_key_id ::uuid
""")

_REVOKE = text(f"""
UPDATE api_keys SET revoke_time = {_NOW}, revoked_by = :revoked_by, revoke_reason = :reason
WHERE api_key_id = :api_key_id ::uuid
""")

# One statement, the same for a key that nobody has, one that is revoked and one that has ended.
_USE = text(f"""
WITH shown AS (
    SELECT api_key_id, service_account_id, coalesce(created_by_person, created_by) AS person, last_use_time
    FROM api_keys
    WHERE secret_hash = :secret_hash AND revoke_time IS NULL AND expire_time > {_NOW}
), used AS (
    UPDATE api_keys k SET last_use_time = date_trunc('hour', {_NOW}, 'UTC') FROM shown s
    WHERE k.api_key_id = s.api_key_id
    AND (s.last_use_time IS NULL OR s.last_use_time < date_trunc('hour', {_NOW}, 'UTC'))
)
SELECT service_account_id, person FROM shown
""")


def add(connection: Connection, key: ApiKey, secret_hash: bytes, person: str) -> bool:
    """Add a key, behind whose creator stands ``person``; tell whether its request is a new one."""
    return bool(connection.execute(_ADD, key._asdict() | {"secret_hash": secret_hash, "person": person}).rowcount)


def find_by_request(connection: Connection, created_by: str, request_id: str) -> ApiKey | None:
    """Return the key that a request has made, or None."""
    row = connection.execute(_BY_REQUEST, {"created_by": created_by, "request_id": request_id}).one_or_none()
    return ApiKey(*row) if row else None


def lock(connection: Connection, api_key_id: str) -> ApiKey | None:
    """Return a key and hold its row until the transaction ends; None if there is none."""
    row = connection.execute(_LOCK, {"api_key_id": api_key_id}).one_or_none()
    return ApiKey(*row) if row else None


def live_keys(connection: Connection, service_account_id: str, now: Instant) -> int:
    """Return how many keys of a service account count."""
    found: int = connection.execute(_LIVE, {"service_account_id": service_account_id, "now": now}).scalar_one()
    return found


def page(connection: Connection, service_account_id: str, before: str, count: int) -> Sequence[ApiKey]:
    """Return keys of a service account, newest first, from the one after ``before`` on, or from the newest."""
    values = {"service_account_id": service_account_id, "before": before, "count": count}
    return [ApiKey(*row) for row in connection.execute(_PAGE, values)]


def end(connection: Connection, api_key_id: str, expire_time: Instant) -> None:
    """Have a key end at an instant, unless it ends sooner."""
    connection.execute(_END, {"api_key_id": api_key_id, "expire_time": expire_time})


def revoke(connection: Connection, api_key_id: str, revoked_by: str, reason: str, now: Instant) -> None:
    """Revoke a key."""
    values = {"api_key_id": api_key_id, "revoked_by": revoked_by, "reason": reason, "now": now}
    connection.execute(_REVOKE, values)


def use(connection: Connection, secret_hash: bytes, now: Instant) -> KeyUser | None:
    """Return as whom a secret is used that is a live key, and note its use; None if it is none."""
    row = connection.execute(_USE, {"secret_hash": secret_hash, "now": now}).one_or_none()
    return KeyUser(*row) if row else None
