"""Reservations by name, and what known request ids did."""

from collections.abc import Collection
from typing import NamedTuple

from sqlalchemy import Connection, text

from creditd.domain.entry import Entry
from creditd.domain.reservation import Reservation, ReservationKey
from creditd.storage.arrays import identifiers, texts
from creditd.storage.rows import ENTRY_COLUMNS, RESERVATION_COLUMNS, entry_from, reservation_from

_RESERVATIONS = text(f"""
SELECT {RESERVATION_COLUMNS}
FROM unnest(:account_id ::text[], :credit_type ::text[], :reservation_id ::uuid[])
     AS k (account_id, credit_type, reservation_id)
CROSS JOIN LATERAL (
    SELECT * FROM reservations
    WHERE account_id = k.account_id AND credit_type = k.credit_type AND reservation_id = k.reservation_id OFFSET 0
) AS r
""")


def load_reservations(connection: Connection, keys: Collection[ReservationKey]) -> dict[ReservationKey, Reservation]:
    """Load the reservations that exist."""
    parameters = {
        "account_id": texts(key.account_id for key in keys),
        "credit_type": texts(key.credit_type for key in keys),
        "reservation_id": identifiers(key.reservation_id for key in keys),
    }
    found = (reservation_from(row) for row in connection.execute(_RESERVATIONS, parameters))
    return {ReservationKey(r.account_id, r.credit_type, r.reservation_id): r for r in found}


class RequestKey(NamedTuple):
    """Which request: request ids are the account's."""

    account_id: str
    request_id: str


_REQUESTS = text(f"""
SELECT {ENTRY_COLUMNS}
FROM unnest(:account_id ::text[], :request_id ::text[]) AS k (account_id, request_id)
CROSS JOIN LATERAL (
    SELECT * FROM entries WHERE account_id = k.account_id AND request_id = k.request_id ORDER BY ordinal OFFSET 0
) AS e
""")


def load_requests(connection: Connection, keys: Collection[RequestKey]) -> dict[RequestKey, list[Entry]]:
    """Load what known request ids did: their entries, by ordinal."""
    parameters = {
        "account_id": texts(key.account_id for key in keys),
        "request_id": texts(key.request_id for key in keys),
    }
    known: dict[RequestKey, list[Entry]] = {}
    for row in connection.execute(_REQUESTS, parameters):
        entry = entry_from(row)
        known.setdefault(RequestKey(entry.account_id, entry.request_id or ""), []).append(entry)
    return known
