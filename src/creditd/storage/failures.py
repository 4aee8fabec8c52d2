"""What a refused save means."""

import logging
import re
from collections.abc import Iterator
from contextlib import contextmanager
from enum import Enum
from typing import Final

import psycopg
from sqlalchemy import exc
from sqlalchemy.exc import DBAPIError

from creditd.storage.connections.session import UnsuitableDatabase
from creditd.storage.connections.turns import TurnOver

log = logging.getLogger(__name__)


class SaveFailure(Enum):
    """Why a batch was not saved."""

    MOVED = "a wallet or an account has moved since it was loaded"
    LOCKED = "a row or a key that it needs was held by others for too long; nothing was saved"
    KNOWN_REQUEST = "a request id of the batch is known"
    UNAVAILABLE = "the database cannot be written to now; if the connection was lost, it may have been saved"
    TOO_SLOW = "it took longer than it may, or nobody waited for it any more; nothing was saved"
    OTHER = "the database refused it"


_SERIALIZATION = {"40001", "40P01"}
"""Serialization failure, deadlock: others were at the same rows."""

_LOCK_NOT_AVAILABLE = "55P03"


_OUT_OF_REACH = ("08", "53", "57P", "25006", "25P03")
"""Classes of SQLSTATE: connection, resources (disk, connections), shutdown; a standby, which only reads; and a
connection that was taken away from a server that had stopped within a transaction."""

_OTHER_SCHEMA = {"42P01", "42703", "3F000"}
"""No such table, column or schema: the database was never migrated, or was changed under a server that runs."""

_FORBIDDEN = "42501"
"""Whoever reads is not allowed to. Of a write it says nothing by itself: what only grows refuses so, too."""

_LACKS_PRIVILEGE = "aclcheck_error"
"""What PostgreSQL refuses by who has been granted what; triggers refuse elsewhere in it."""

_CANCELLED = "57014"
"""PostgreSQL's time limit for a statement, or a cancellation from this side."""

_LIMITS = {_CANCELLED, _LOCK_NOT_AVAILABLE}
"""PostgreSQL's limits of time: for a statement, and for its wait for a lock."""


_OF_THE_CONNECTION = (psycopg.OperationalError, psycopg.InterfaceError, psycopg.InternalError)


def tells_of_unfitness(error: Exception) -> bool:
    """Tell whether an error of a look at the database is its own answer that it cannot be used as it is."""
    original = error.orig if isinstance(error, DBAPIError) else error
    code = original.sqlstate if isinstance(original, psycopg.Error) else None
    return isinstance(original, UnsuitableDatabase) or code == _FORBIDDEN or code in _OTHER_SCHEMA


class TookTooLong(Exception):
    """The database was given longer than it may have, by its own limits or from this side."""


@contextmanager
def time_limit_told() -> Iterator[None]:
    """Raise TookTooLong for what of a block ran into a limit of time; its transaction is undone. Other errors stay."""
    try:
        yield
    except TurnOver as error:
        raise TookTooLong from error
    except DBAPIError as error:
        if isinstance(error.orig, psycopg.Error) and error.orig.sqlstate in _LIMITS:
            raise TookTooLong from error
        raise


def classify(error: Exception) -> SaveFailure:  # noqa: PLR0911 - a table, written as one.
    """Tell from an error of SQLAlchemy's or the driver's why a save failed."""
    original = error.orig if isinstance(error, DBAPIError) else error
    if isinstance(original, TurnOver):
        return SaveFailure.TOO_SLOW
    if not isinstance(original, psycopg.Error):
        # A pool that could make no connection in time has none of the driver's errors to show.
        return SaveFailure.UNAVAILABLE if isinstance(error, exc.TimeoutError) else SaveFailure.OTHER
    code, constraint = _code_and_constraint(original)
    if code == "23505" and constraint == "entries_request":
        return SaveFailure.KNOWN_REQUEST
    if code == "23505" and constraint in {"entries_pkey", "accounts_pkey"}:
        return SaveFailure.MOVED
    if code in _SERIALIZATION:
        return SaveFailure.MOVED
    # Who waited for a connection in vain would do so again, with everyone else behind him.
    if code == _CANCELLED or isinstance(original, psycopg.errors.ConnectionTimeout):
        return SaveFailure.TOO_SLOW
    if code == _LOCK_NOT_AVAILABLE:
        return SaveFailure.LOCKED
    if _met_another_database(original):
        return SaveFailure.UNAVAILABLE
    # Without a code an operational error is the socket's. An internal one is the driver's, of answers that fit no
    # question: a pooler that was cut off left them on the connection.
    if (code is None and isinstance(original, _OF_THE_CONNECTION)) or (code or "").startswith(_OUT_OF_REACH):
        return SaveFailure.UNAVAILABLE
    return SaveFailure.OTHER


_RELAYED: Final = "XX000"
"""Of what Citus has heard from another server of the cluster, whatever it was."""

_RELAYED_CODES: Final = (
    (re.compile('duplicate key value violates unique constraint "(?P<constraint>[^"]+)"'), "23505"),
    (re.compile("deadlock detected|distributed deadlock"), "40P01"),
    (re.compile("could not serialize access"), "40001"),
    (re.compile("due to lock timeout"), _LOCK_NOT_AVAILABLE),
    (re.compile("due to statement timeout"), _CANCELLED),
    (re.compile("connection to the remote node|could not connect|server closed the connection|terminat"), "08006"),
)
"""What PostgreSQL says in words, and the code that it says with it; a shard's worker says both, Citus the words."""

_REMOTE: Final = "remote node"
"""In the words of Citus for a server of the cluster that the coordinator does not reach."""

_SHARD_NUMBER: Final = re.compile(r"_\d+$")
"""What the name of a shard's constraint has at its end, beyond the table's own."""


def is_of_one_server(error: Exception) -> bool:
    """Tell whether an error is that of one server of a cluster, to whose coordinator all connections are as before."""
    original = error.orig if isinstance(error, DBAPIError) else error
    return isinstance(original, psycopg.Error) and _REMOTE in (original.diag.message_primary or "")


def _code_and_constraint(error: psycopg.Error) -> tuple[str | None, str | None]:
    """Return an error's code and constraint; of one that Citus relays, those that the words stand for."""
    code, constraint = error.sqlstate, error.diag.constraint_name
    if code == _RELAYED:
        words = error.diag.message_primary or ""
        found = next(
            ((match, each) for each_words, each in _RELAYED_CODES if (match := each_words.search(words))), None
        )
        if found:
            code = found[1]
            constraint = found[0].groupdict().get("constraint") or constraint
    return code, _SHARD_NUMBER.sub("", constraint) if constraint else None


def _met_another_database(error: psycopg.Error) -> bool:
    """Tell whether a statement failed since the database is not, or not any more, what it was found to be."""
    if error.sqlstate in _OTHER_SCHEMA:
        log.warning("the database's schema is not this version's: %s", error.diag.message_primary)
        return True
    # The next look at the database tells of it, in one line for all of them.
    return error.sqlstate == _FORBIDDEN and error.diag.source_function == _LACKS_PRIVILEGE
