"""Sessions as rows."""

from typing import Final

from sqlalchemy import Connection, text

from creditd.domain.instant import Instant
from creditd.identity.session import UserSession
from creditd.storage.rows import micros, timestamp

REMOVED_AT_ONCE: Final = 1_000
"""Sessions of one clean-up's statement: milliseconds."""

_ADD = text(f"""
INSERT INTO sessions (
    session_id, user_id, uses, token_hash, request_id, refresh_time, sign_in_time, expire_time, revoke_time, address
) VALUES (
    :session_id ::uuid, :user_id ::uuid, :uses, :token_hash, :request_id, {timestamp(":refresh_time ::bigint")},
    {timestamp(":sign_in_time ::bigint")}, {timestamp(":expire_time ::bigint")}, NULL, :address
)
""")

_LOCK = text(f"""
SELECT session_id::text, user_id::text, uses, token_hash, request_id, {micros("refresh_time")},
    {micros("sign_in_time")}, {micros("expire_time")}, {micros("revoke_time")}, address
FROM sessions WHERE session_id = :session_id ::uuid FOR UPDATE
""")

_REFRESH = text(f"""
UPDATE sessions SET uses = :uses, token_hash = :token_hash, request_id = :request_id,
    refresh_time = {timestamp(":now ::bigint")}
WHERE session_id = :session_id ::uuid
""")

_REVOKE = text(f"""
UPDATE sessions SET revoke_time = {timestamp(":now ::bigint")}
WHERE session_id = :session_id ::uuid AND user_id = :user_id ::uuid AND revoke_time IS NULL
""")

_REVOKE_ALL = text(f"""
UPDATE sessions SET revoke_time = {timestamp(":now ::bigint")}
WHERE user_id = :user_id ::uuid AND revoke_time IS NULL
""")

# Ids go by time.
_REVOKE_OLDEST = text(f"""
UPDATE sessions SET revoke_time = {timestamp(":now ::bigint")} WHERE session_id IN (
    SELECT session_id FROM sessions WHERE user_id = :user_id ::uuid AND revoke_time IS NULL
    ORDER BY session_id DESC OFFSET :kept
)
""")

_REMOVE = text(f"""
DELETE FROM sessions WHERE session_id IN (
    SELECT session_id FROM sessions WHERE expire_time <= {timestamp(":now ::bigint")}
    ORDER BY expire_time LIMIT :count FOR UPDATE SKIP LOCKED
)
""")


def add(connection: Connection, session: UserSession) -> None:
    """Add a session."""
    connection.execute(_ADD, session._asdict())


def lock(connection: Connection, session_id: str) -> UserSession | None:
    """Return a session and hold its row until the transaction ends; None if there is none."""
    row = connection.execute(_LOCK, {"session_id": session_id}).one_or_none()
    return UserSession(*row) if row else None


def refresh(connection: Connection, session: UserSession) -> None:
    """Store what a refresh has changed."""
    values = {
        "session_id": session.session_id,
        "uses": session.uses,
        "token_hash": session.token_hash,
        "request_id": session.request_id,
        "now": session.refresh_time,
    }
    connection.execute(_REFRESH, values)


def revoke(connection: Connection, session_id: str, user_id: str, now: Instant) -> int:
    """Revoke a session if it is the user's; return how many were revoked."""
    return connection.execute(_REVOKE, {"session_id": session_id, "user_id": user_id, "now": now}).rowcount


def revoke_all(connection: Connection, user_id: str, now: Instant) -> int:
    """Revoke every session of a user; return how many were revoked."""
    return connection.execute(_REVOKE_ALL, {"user_id": user_id, "now": now}).rowcount


def revoke_oldest(connection: Connection, user_id: str, kept: int, now: Instant) -> int:
    """Revoke all sessions of a user but the ``kept`` newest; return how many were revoked."""
    return connection.execute(_REVOKE_OLDEST, {"user_id": user_id, "kept": kept, "now": now}).rowcount


def remove_ended(connection: Connection, now: Instant) -> int:
    """Delete sessions whose time is over, REMOVED_AT_ONCE at most; return how many."""
    return connection.execute(_REMOVE, {"now": now, "count": REMOVED_AT_ONCE}).rowcount
