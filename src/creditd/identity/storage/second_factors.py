"""Second factors as rows: authenticators, their secrets encrypted, and recovery codes, hashed."""

from collections.abc import Collection
from typing import NamedTuple

from sqlalchemy import Connection, text

from creditd.domain.instant import Instant
from creditd.storage.rows import micros, timestamp


class Authenticator(NamedTuple):
    """A user's authenticator: its secret once confirmed, and one that waits for that; ``last_step`` was shown last.

    ``update_time`` is when the one that waits was made.
    """

    secret: bytes | None
    pending_secret: bytes | None
    last_step: int
    update_time: Instant


_LOCK = text(f"""
SELECT secret, pending_secret, last_step, {micros("update_time")}
FROM authenticators WHERE user_id = :user_id ::uuid FOR UPDATE
""")

_PROPOSE = text(f"""
INSERT INTO authenticators (user_id, secret, pending_secret, encryption_key_id, last_step, update_time)
VALUES (:user_id ::uuid, NULL, :pending_secret, :encryption_key_id, 0, {timestamp(":now ::bigint")})
ON CONFLICT (user_id) DO UPDATE SET pending_secret = EXCLUDED.pending_secret,
    encryption_key_id = EXCLUDED.encryption_key_id, update_time = EXCLUDED.update_time
""")

_CONFIRM = text(f"""
UPDATE authenticators SET secret = pending_secret, pending_secret = NULL, last_step = :step,
    update_time = {timestamp(":now ::bigint")}
WHERE user_id = :user_id ::uuid
""")

_WITHDRAW = text("UPDATE authenticators SET pending_secret = NULL WHERE user_id = :user_id ::uuid")

_USE = text("UPDATE authenticators SET last_step = :step WHERE user_id = :user_id ::uuid")

_FORGET_CODES = text("DELETE FROM recovery_codes WHERE user_id = :user_id ::uuid")

_ADD_CODE = text("INSERT INTO recovery_codes (user_id, code_hash) VALUES (:user_id ::uuid, :code_hash)")

_USE_CODE = text("DELETE FROM recovery_codes WHERE user_id = :user_id ::uuid AND code_hash = :code_hash")


def lock(connection: Connection, user_id: str) -> Authenticator | None:
    """Return a user's authenticator and hold its row until the transaction ends; None if there is none."""
    row = connection.execute(_LOCK, {"user_id": user_id}).one_or_none()
    return Authenticator(*row) if row else None


def propose(connection: Connection, user_id: str, pending: bytes, key_id: str, now: Instant) -> None:
    """Store a secret, encrypted, that waits to be confirmed; the one before stays until then."""
    values = {"user_id": user_id, "pending_secret": pending, "encryption_key_id": key_id, "now": now}
    connection.execute(_PROPOSE, values)


def confirm(connection: Connection, user_id: str, step: int, now: Instant) -> None:
    """Have the secret that waits take the place of the one before; a code of ``step`` has confirmed it."""
    connection.execute(_CONFIRM, {"user_id": user_id, "step": step, "now": now})


def withdraw(connection: Connection, user_id: str) -> None:
    """Delete the secret that waits to be confirmed, if there is one."""
    connection.execute(_WITHDRAW, {"user_id": user_id})


def use(connection: Connection, user_id: str, step: int) -> None:
    """Note that a code of a step was shown, so that neither it nor one before counts again."""
    connection.execute(_USE, {"user_id": user_id, "step": step})


def replace_codes(connection: Connection, user_id: str, hashes: Collection[bytes]) -> None:
    """Store recovery codes in place of those before."""
    connection.execute(_FORGET_CODES, {"user_id": user_id})
    connection.execute(_ADD_CODE, [{"user_id": user_id, "code_hash": one} for one in hashes])


def use_code(connection: Connection, user_id: str, code_hash: bytes) -> bool:
    """Use a recovery code up; tell whether it was the user's and unused."""
    return bool(connection.execute(_USE_CODE, {"user_id": user_id, "code_hash": code_hash}).rowcount)
