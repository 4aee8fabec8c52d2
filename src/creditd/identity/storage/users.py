"""Users as rows."""

from typing import NamedTuple

from sqlalchemy import Connection, text

from creditd.domain.instant import Instant
from creditd.storage.rows import micros, timestamp


class User(NamedTuple):
    """Somebody who is registered; ``password_request_id`` is of the last change of the password.

    ``password_time`` is when the password was chosen: another one has another time, another hash of it has not.
    """

    user_id: str
    email: str
    password_hash: str
    password_request_id: str
    password_time: Instant


_COLUMNS = f"u.user_id::text, u.email, u.password_hash, u.password_request_id, {micros('u.update_time')}"

_ADD = text(f"""
INSERT INTO users (user_id, email, password_hash, password_request_id, create_time, update_time)
SELECT :user_id ::uuid, :email, :password_hash, '', n.now, n.now FROM (SELECT {timestamp(":now ::bigint")} AS now) n
ON CONFLICT (email) DO NOTHING
""")

_IS_ANY = text("SELECT EXISTS (SELECT FROM users)")

_BY_EMAIL = text(f"""
SELECT {_COLUMNS},
    EXISTS (SELECT FROM sessions s WHERE s.user_id = u.user_id AND s.address = :place) AS is_known_place
FROM users u WHERE u.email = :email
""")

_BY_ID = text(f"SELECT {_COLUMNS} FROM users u WHERE u.user_id = :user_id ::uuid")

_LOCK = text(f"SELECT {_COLUMNS} FROM users u WHERE u.user_id = :user_id ::uuid FOR UPDATE")

# Nothing else changes update_time. It grows by a microsecond at least, so that no two passwords have the same.
_SET_PASSWORD = text(f"""
UPDATE users SET password_hash = :password_hash, password_request_id = :request_id,
    update_time = greatest({timestamp(":now ::bigint")}, update_time + interval '1 microsecond')
WHERE user_id = :user_id ::uuid
""")

# Unless it was changed meanwhile.
_RENEW_HASH = text("""
UPDATE users SET password_hash = :new WHERE user_id = :user_id ::uuid AND password_hash = :old
""")


def add(connection: Connection, user_id: str, email: str, password_hash: str, now: Instant) -> bool:
    """Add a user; tell whether the email was nobody's."""
    values = {"user_id": user_id, "email": email, "password_hash": password_hash, "now": now}
    return bool(connection.execute(_ADD, values).rowcount)


def is_any(connection: Connection) -> bool:
    """Tell whether anybody is registered."""
    found: bool = connection.execute(_IS_ANY).scalar_one()
    return found


def find_by_email(connection: Connection, email: str, place: str) -> tuple[User, bool] | None:
    """Return the user of an email, and whether a session of theirs was opened at a place; None if it is nobody's."""
    row = connection.execute(_BY_EMAIL, {"email": email, "place": place}).one_or_none()
    return (User(*row[:-1]), row.is_known_place) if row else None


def find(connection: Connection, user_id: str) -> User | None:
    """Return a user, or None."""
    row = connection.execute(_BY_ID, {"user_id": user_id}).one_or_none()
    return User(*row) if row else None


def lock(connection: Connection, user_id: str) -> User | None:
    """Return a user and hold the row until the transaction ends."""
    row = connection.execute(_LOCK, {"user_id": user_id}).one_or_none()
    return User(*row) if row else None


def set_password(connection: Connection, user_id: str, password_hash: str, request_id: str, now: Instant) -> None:
    """Set a user's password, as a request asks."""
    values = {"user_id": user_id, "password_hash": password_hash, "request_id": request_id, "now": now}
    connection.execute(_SET_PASSWORD, values)


def renew_hash(connection: Connection, user_id: str, old: str, new: str) -> None:
    """Store the same password by another hash, unless the password was changed meanwhile."""
    connection.execute(_RENEW_HASH, {"user_id": user_id, "old": old, "new": new})
