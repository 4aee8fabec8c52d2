"""What tells migrations that a server is live: a lock that it holds in shared mode, of the number of its release.

The lock belongs to a transaction that stays open on a connection of its own, since a pooler lends a session's
connection to others. The transaction has read nothing, so that neither vacuum nor an index that is built concurrently
waits for it. A server that was stopped in its tracks keeps it, and one that has ended does not, however it ended.
"""

import logging
from contextlib import suppress
from typing import Any, Final

import psycopg

from creditd.storage.connections.conninfo import CONNECT_TIMEOUT_SECONDS
from creditd.storage.connections.session import UnsuitableDatabase
from creditd.storage.connections.turns import Turn, TurnOver
from creditd.storage.database import Database

log = logging.getLogger(__name__)

_ENDLESS: Final = "SET LOCAL idle_in_transaction_session_timeout = 0"

_ENDLESS_SINCE_17: Final = "SET LOCAL transaction_timeout = 0"

WITH_TRANSACTION_TIMEOUT: Final = 170_000
"""The version of PostgreSQL that first had it."""

_HOLD: Final = "SELECT pg_try_advisory_xact_lock_shared({}, {})"

CLOSE_SECONDS: Final = 1.0
"""For the lock to be given back; a database that does not answer finds out by the connection that ends."""

_STILL_THERE: Final = "SELECT"
"""As little as can be asked: whatever it read would stay locked."""


class Presence:
    """The lock of one process, on one database. For one thread at a time."""

    def __init__(self, database: Database, release: str) -> None:
        """Show that a server is there whose newest migration is ``release``, once ``show`` is called."""
        self._database = database
        self._release = release
        self._connection: psycopg.Connection[Any] | None = None
        self._is_refused = False

    def is_shown(self) -> bool | None:
        """Take the lock, or see that it is still held, before what fits is read. It is kept until ``close``. Blocks.

        False if a migration is under way that takes away what this release uses, which is logged once; None if the
        database does not answer.
        """
        try:
            self.show()
        except UnsuitableDatabase as error:
            if not self._is_refused:
                log.warning("the database cannot be used: %s", error)
            self._is_refused = True
            return False
        except (psycopg.Error, TurnOver):
            return None
        self._is_refused = False
        return True

    def show(self) -> None:
        """Do the same. Raises UnsuitableDatabase, psycopg.Error and TurnOver, and leaves no connection then."""
        try:
            if self._connection is None:
                self._connection = self._database.log_in()
                self._take(self._connection)
            else:
                with self._database.watched(self._connection):
                    self._connection.execute(_STILL_THERE, prepare=False)
        except (psycopg.Error, TurnOver):
            self._let_go()
            raise

    def _take(self, connection: "psycopg.Connection[Any]") -> None:
        connection.autocommit = False
        # However long it took to connect: a look that is over would throw away what the next one finds.
        with self._database.watched(connection, Turn(CONNECT_TIMEOUT_SECONDS)):
            connection.execute(_ENDLESS, prepare=False)
            if connection.info.server_version >= WITH_TRANSACTION_TIMEOUT:
                connection.execute(_ENDLESS_SINCE_17, prepare=False)
            hold = _HOLD.format(self._database.schema.lock_class, int(self._release))
            if connection.execute(hold.encode(), prepare=False).fetchone() != (True,):
                raise UnsuitableDatabase(
                    f"a migration is under way that takes away what servers of schema {self._release}, as this one is, "
                    "use: run a newer release",
                    is_lasting=False,
                )

    def close(self) -> None:
        """Give the lock back; nothing is to be done at the database any more. A migration may begin at once."""
        if self._connection is not None:
            with (
                suppress(psycopg.Error, TurnOver),
                self._database.watched(self._connection, Turn(CLOSE_SECONDS)),
            ):
                self._connection.rollback()
        self._let_go()

    def _let_go(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            with suppress(psycopg.Error):
                connection.close()
