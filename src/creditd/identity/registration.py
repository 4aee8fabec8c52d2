"""A user added, with the event that tells of it."""

from collections.abc import Callable
from typing import NamedTuple

from sqlalchemy import Connection

from creditd.domain.instant import Instant
from creditd.identity.security_log import SecurityEventKind, SecurityLog
from creditd.identity.storage import users
from creditd.storage.database import Database


class Registration(NamedTuple):
    """Adds users to a database."""

    database: Database
    security_log: SecurityLog
    now: Callable[[], Instant]
    make_id: Callable[[], str]

    def add(self, email: str, password_hash: str, address: str) -> str | None:
        """Add a user by a normal email and a hash, and return the new user's id; None if it is known. Blocks."""
        with self.database.transaction() as connection:
            return self.add_within(connection, email, password_hash, address)

    def add_within(self, connection: Connection, email: str, password_hash: str, address: str) -> str | None:
        """Add a user as ``add`` does, with the transaction that is open."""
        user_id = self.make_id()
        is_new = users.add(connection, user_id, email, password_hash, self.now())
        kind = SecurityEventKind.REGISTERED if is_new else SecurityEventKind.REGISTERED_AGAIN
        self.security_log.note(connection, kind, user_id if is_new else None, address)
        return user_id if is_new else None
