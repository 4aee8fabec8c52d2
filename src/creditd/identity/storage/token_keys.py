"""The keys that tokens are signed with, as rows: their private halves encrypted."""

from typing import Final, NamedTuple

from sqlalchemy import Connection, text

from creditd.domain.instant import Instant
from creditd.storage.rows import micros, timestamp

_LOCK_NUMBER: Final = 0x6372656469746B00
"""An advisory lock's number: "creditk" in ASCII."""


class StoredKey(NamedTuple):
    """A key as it is stored; ``encryption_key_id`` tells which key its private half is encrypted with."""

    kid: str
    private_key: bytes
    encryption_key_id: str
    create_time: Instant
    sign_time: Instant
    expire_time: Instant | None


_COLUMNS = f"""
kid, private_key, encryption_key_id, {micros("create_time")}, {micros("sign_time")}, {micros("expire_time")}
"""

_TRUSTED = text(f"""
SELECT {_COLUMNS} FROM token_keys
WHERE expire_time IS NULL OR expire_time > {timestamp(":now ::bigint")} ORDER BY sign_time, kid
""")

_ADD = text(f"""
INSERT INTO token_keys (kid, private_key, encryption_key_id, create_time, sign_time, expire_time)
VALUES (:kid, :private_key, :encryption_key_id, {timestamp(":create_time ::bigint")},
    {timestamp(":sign_time ::bigint")}, NULL)
""")

_END_OTHERS = text(f"""
UPDATE token_keys SET expire_time = {timestamp(":expire_time ::bigint")}
WHERE kid <> :kid AND (expire_time IS NULL OR expire_time > {timestamp(":expire_time ::bigint")})
""")

_REMOVE = text(f"DELETE FROM token_keys WHERE expire_time <= {timestamp(':now ::bigint')}")

_WAIT_FOR_TURN = text(f"SELECT pg_advisory_xact_lock({_LOCK_NUMBER})")


def wait_for_turn(connection: Connection) -> None:
    """Keep others from making keys until the transaction ends."""
    connection.execute(_WAIT_FOR_TURN)


def trusted(connection: Connection, now: Instant) -> list[StoredKey]:
    """Return the keys that are trusted at an instant, in the order in which they sign."""
    return [StoredKey(*row) for row in connection.execute(_TRUSTED, {"now": now})]


def add(connection: Connection, key: StoredKey) -> None:
    """Add a key."""
    connection.execute(_ADD, key._asdict())


def end_others(connection: Connection, kid: str, expire_time: Instant) -> None:
    """Have every key but one end at an instant, unless it ends sooner."""
    connection.execute(_END_OTHERS, {"kid": kid, "expire_time": expire_time})


def remove_ended(connection: Connection, now: Instant) -> int:
    """Delete the keys that have ended; return how many. There are never more than a few."""
    return connection.execute(_REMOVE, {"now": now}).rowcount
