"""Reservations by name, and what known request ids did."""

from collections.abc import Collection
from typing import Generic, NamedTuple, TypeVar

from sqlalchemy import Connection, text

from creditd.domain.entry import Entry
from creditd.domain.instant import Instant
from creditd.domain.reservation import Reservation, ReservationKey
from creditd.domain.weight import HEAVY_SLICES
from creditd.storage.arrays import identifiers, texts
from creditd.storage.rows import ENTRY_COLUMNS, RESERVATION_COLUMNS, entry_from, micros, reservation_from

_RESERVATIONS = text(f"""
SELECT {RESERVATION_COLUMNS}
FROM unnest(:account_id ::text[], :credit_type ::text[], :reservation_id ::uuid[])
     AS k (account_id, credit_type, reservation_id)
CROSS JOIN LATERAL (
    SELECT account_id, credit_type, reservation_id, state, amount, captured, refunded, unlimited,
           CASE WHEN jsonb_array_length(slices) <= :most_slices ::integer THEN slices END AS slices,
           expire_time, create_time, update_time, description, metadata
    FROM reservations
    WHERE account_id = k.account_id AND credit_type = k.credit_type AND reservation_id = k.reservation_id OFFSET 0
) AS r
""")

_ALL = 2**31 - 1

Named = TypeVar("Named")
Found = TypeVar("Found")


class Light(NamedTuple, Generic[Named, Found]):
    """What was found by its name, and the names of what is too heavy to be loaded together with others."""

    found: dict[Named, Found]
    heavy: set[Named]


def load_reservations(connection: Connection, keys: Collection[ReservationKey]) -> dict[ReservationKey, Reservation]:
    """Load the reservations that exist."""
    return _load_reservations(connection, keys, _ALL).found


def load_light_reservations(
    connection: Connection, keys: Collection[ReservationKey]
) -> Light[ReservationKey, Reservation]:
    """Load the reservations that exist, but for those with many slices."""
    return _load_reservations(connection, keys, HEAVY_SLICES)


def _load_reservations(
    connection: Connection, keys: Collection[ReservationKey], most_slices: int
) -> Light[ReservationKey, Reservation]:
    parameters = {
        "account_id": texts(key.account_id for key in keys),
        "credit_type": texts(key.credit_type for key in keys),
        "reservation_id": identifiers(key.reservation_id for key in keys),
        "most_slices": most_slices,
    }
    light = Light[ReservationKey, Reservation]({}, set())
    for row in connection.execute(_RESERVATIONS, parameters):
        key = ReservationKey(row.account_id, row.credit_type, str(row.reservation_id))
        if row.slices is None:
            light.heavy.add(key)
        else:
            light.found[key] = reservation_from(row)
    return light


class GrantKey(NamedTuple):
    """Which grant."""

    account_id: str
    credit_type: str
    grant_id: str


_GRACES = text(f"""
SELECT k.account_id, k.credit_type, k.grant_id, {micros("g.grace_end")}
FROM unnest(:account_id ::text[], :credit_type ::text[], :grant_id ::uuid[]) AS k (account_id, credit_type, grant_id)
CROSS JOIN LATERAL (
    SELECT * FROM grants
    WHERE account_id = k.account_id AND credit_type = k.credit_type AND grant_id = k.grant_id OFFSET 0
) AS g
WHERE g.grace_end IS NOT NULL
""")


def load_graces(connection: Connection, keys: Collection[GrantKey]) -> dict[GrantKey, Instant]:
    """Return when the graces of those grants end, or ended, that have had one."""
    parameters = {
        "account_id": texts(key.account_id for key in keys),
        "credit_type": texts(key.credit_type for key in keys),
        "grant_id": identifiers(key.grant_id for key in keys),
    }
    rows = connection.execute(_GRACES, parameters)
    return {GrantKey(account_id, credit_type, str(grant_id)): end for account_id, credit_type, grant_id, end in rows}


class RequestKey(NamedTuple):
    """Which request: request ids are the account's."""

    account_id: str
    request_id: str


_REQUESTS = text(f"""
SELECT {ENTRY_COLUMNS}
FROM unnest(:account_id ::text[], :request_id ::text[]) AS k (account_id, request_id)
CROSS JOIN LATERAL (
    SELECT account_id, credit_type, version, kind, amount, available_delta, reserved_delta, debt_delta,
           available_after, reserved_after, debt_after,
           CASE WHEN jsonb_array_length(slices) <= :most_slices ::integer THEN slices END AS slices,
           reservation_id, reservation_state, reservation_captured, reservation_refunded, reservation_expire_time,
           request_id, ordinal, fingerprint, actor, reason, metadata, create_time, graces
    FROM entries WHERE account_id = k.account_id AND request_id = k.request_id ORDER BY ordinal OFFSET 0
) AS e
""")


def load_requests(connection: Connection, keys: Collection[RequestKey]) -> dict[RequestKey, list[Entry]]:
    """Load what known request ids did: their entries, by ordinal."""
    return _load_requests(connection, keys, _ALL).found


def load_light_requests(connection: Connection, keys: Collection[RequestKey]) -> Light[RequestKey, list[Entry]]:
    """Load what known request ids did, but for those that an entry with many slices tells of."""
    return _load_requests(connection, keys, HEAVY_SLICES)


def _load_requests(
    connection: Connection, keys: Collection[RequestKey], most_slices: int
) -> Light[RequestKey, list[Entry]]:
    parameters = {
        "account_id": texts(key.account_id for key in keys),
        "request_id": texts(key.request_id for key in keys),
        "most_slices": most_slices,
    }
    light = Light[RequestKey, list[Entry]]({}, set())
    for row in connection.execute(_REQUESTS, parameters):
        key = RequestKey(row.account_id, row.request_id)
        if row.slices is None:
            light.heavy.add(key)
        else:
            light.found.setdefault(key, []).append(entry_from(row))
    for key in light.heavy:
        light.found.pop(key, None)
    return light
