"""What a refused save means."""

from enum import Enum

from sqlalchemy.exc import DBAPIError


class SaveFailure(Enum):
    """Why a batch was not saved."""

    MOVED = "a wallet or an account has moved since it was loaded"
    KNOWN_REQUEST = "a request id of the batch is known"
    DISCONNECTED = "the connection was lost, and whether it was saved is not known"
    OTHER = "the database refused it"


_SERIALIZATION = {"40001", "40P01", "55P03"}
"""Serialization failure, deadlock, lock not available: others were at the same rows."""


def classify(error: DBAPIError) -> SaveFailure:
    """Tell from the driver's error why a save failed."""
    original = error.orig
    code = getattr(original, "sqlstate", None)
    diagnostics = getattr(original, "diag", None)
    constraint = getattr(diagnostics, "constraint_name", None)
    column = (getattr(diagnostics, "table_name", None), getattr(diagnostics, "column_name", None))
    if code == "23505" and constraint == "entries_request":
        return SaveFailure.KNOWN_REQUEST
    if code == "23505" and constraint in {"entries_pkey", "accounts_pkey"}:
        return SaveFailure.MOVED
    if code == "23502" and column == ("entries", "version"):
        return SaveFailure.MOVED
    if code in _SERIALIZATION:
        return SaveFailure.MOVED
    # SQLSTATE classes 08 (connection) and 57P0x (shutdown); without a code the socket itself failed.
    if code is None or code.startswith(("08", "57P")) or error.connection_invalidated:
        return SaveFailure.DISCONNECTED
    return SaveFailure.OTHER
