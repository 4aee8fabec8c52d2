"""What a refused save means."""

from enum import Enum

import psycopg
from sqlalchemy import exc
from sqlalchemy.exc import DBAPIError


class SaveFailure(Enum):
    """Why a batch was not saved."""

    MOVED = "a wallet or an account has moved since it was loaded"
    KNOWN_REQUEST = "a request id of the batch is known"
    UNAVAILABLE = "the database cannot be written to now; if the connection was lost, it may have been saved"
    OTHER = "the database refused it"


_SERIALIZATION = {"40001", "40P01", "55P03"}
"""Serialization failure, deadlock, lock not available: others were at the same rows."""


_OUT_OF_REACH = ("08", "53", "57P", "25006")
"""Classes of SQLSTATE: connection, resources (disk, connections), shutdown; and a standby, which only reads."""


def classify(error: Exception) -> SaveFailure:  # noqa: PLR0911 - a table, written as one.
    """Tell from an error of SQLAlchemy's or the driver's why a save failed."""
    original = error.orig if isinstance(error, DBAPIError) else error
    if not isinstance(original, psycopg.Error):
        # A pool that could make no connection in time has none of the driver's errors to show.
        return SaveFailure.UNAVAILABLE if isinstance(error, exc.TimeoutError) else SaveFailure.OTHER
    code, constraint = original.sqlstate, original.diag.constraint_name
    if code == "23505" and constraint == "entries_request":
        return SaveFailure.KNOWN_REQUEST
    if code == "23505" and constraint in {"entries_pkey", "accounts_pkey"}:
        return SaveFailure.MOVED
    if code == "23502" and (original.diag.table_name, original.diag.column_name) == ("entries", "version"):
        return SaveFailure.MOVED
    if code in _SERIALIZATION:
        return SaveFailure.MOVED
    # An operational error without a code is the socket's.
    if (code is None and isinstance(original, psycopg.OperationalError)) or (code or "").startswith(_OUT_OF_REACH):
        return SaveFailure.UNAVAILABLE
    return SaveFailure.OTHER
