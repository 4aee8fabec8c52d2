"""Pages of reservations. Every statement here touches a number of rows that its parameters bound."""

from collections.abc import Collection, Sequence
from typing import Any, NamedTuple

from sqlalchemy import Connection, text

from creditd.domain.instant import Instant
from creditd.domain.reservation import Reservation, ReservationKey, ReservationState
from creditd.domain.weight import HEAVY_SLICES
from creditd.storage.arrays import identifiers, texts
from creditd.storage.layout import KeyedStatement
from creditd.storage.rows import (
    LISTED_RESERVATION_COLUMNS,
    RESERVATION_COLUMNS,
    Light,
    ListedReservation,
    listed_reservation_from,
    reservation_from,
    timestamp,
)

OLDEST = "00000000-0000-0000-0000-000000000000"
NEWEST = "ffffffff-ffff-ffff-ffff-ffffffffffff"

_RANGE = """
account_id = :account_id AND reservation_id >= :from_id ::uuid AND reservation_id < :before ::uuid
"""

_OLDEST_OF = text(f"""
SELECT reservation_id FROM reservations WHERE {_RANGE} ORDER BY reservation_id DESC OFFSET :rows - 1 LIMIT 1
""")

# The rows are chosen before their columns are read, of which some are large.
_PAGE = text(f"""
SELECT {LISTED_RESERVATION_COLUMNS} FROM (
    SELECT * FROM reservations
    WHERE {_RANGE} AND (:credit_type = '' OR credit_type = :credit_type)
      AND (:state = 0 OR :state = CASE
           WHEN state = {ReservationState.PENDING:d} AND expire_time <= {timestamp(":now ::bigint")}
           THEN {ReservationState.EXPIRED:d} ELSE state END)
    ORDER BY reservation_id DESC LIMIT :count
) AS r ORDER BY r.reservation_id DESC
""")


def _pending(condition: str) -> str:
    return f"""
SELECT reservation_id FROM reservations
WHERE account_id = :account_id AND state = {ReservationState.PENDING:d} {condition}
  AND expire_time > {timestamp(":now ::bigint")}
LIMIT :rows
"""


_PENDING = text(_pending(""))

_PENDING_OF_TYPE = text(_pending("AND credit_type = :credit_type"))

_BY_ID = text(f"""
SELECT {LISTED_RESERVATION_COLUMNS} FROM unnest(:reservation_id ::uuid[]) AS k (reservation_id)
CROSS JOIN LATERAL (
    SELECT * FROM reservations WHERE account_id = :account_id AND reservation_id = k.reservation_id OFFSET 0
) AS r
""")


class ReservationFilter(NamedTuple):
    """Which reservations of an account; an empty credit type or no state lets all pass."""

    account_id: str
    credit_type: str
    state: ReservationState | None


class Look(NamedTuple):
    """What a look at reservations found, newest first; beyond ``end``, an id, it did not look, None for the end."""

    reservations: list[ListedReservation]
    end: str | None


def page(
    connection: Connection, wanted: ReservationFilter, before: str, now: Instant, *, count: int, rows: int
) -> Look:
    """Return the newest ``count`` reservations that pass the filter and are older than the one with the id ``before``.

    What the filter looks at is their state at ``now``, whether or not a sweep has written it down. No more than
    ``rows`` are looked at, so that there may be fewer, or none, although there are more.
    """
    before = before or NEWEST
    if wanted.state == ReservationState.PENDING:
        pending = _pending_ids(connection, wanted, now, rows + 1)
        if len(pending) <= rows:
            chosen = sorted((each for each in pending if each < before), reverse=True)[:count]
            return Look(_by_id(connection, wanted.account_id, chosen), None)
    end = _oldest_to_look_at(connection, wanted, before, rows)
    parameters = {
        "account_id": wanted.account_id,
        "credit_type": wanted.credit_type,
        "state": int(wanted.state or 0),
        "from_id": end or OLDEST,
        "before": before,
        "now": now,
        "count": count,
    }
    return Look([listed_reservation_from(row) for row in connection.execute(_PAGE, parameters)], end)


def _oldest_to_look_at(connection: Connection, wanted: ReservationFilter, before: str, rows: int) -> str | None:
    if not wanted.credit_type and wanted.state is None:
        return None
    parameters = {"account_id": wanted.account_id, "from_id": OLDEST, "before": before, "rows": rows}
    oldest = connection.execute(_OLDEST_OF, parameters).scalar_one_or_none()
    return None if oldest is None else str(oldest)


def _pending_ids(connection: Connection, wanted: ReservationFilter, now: Instant, rows: int) -> list[str]:
    parameters = {"account_id": wanted.account_id, "credit_type": wanted.credit_type, "now": now, "rows": rows}
    statement = _PENDING_OF_TYPE if wanted.credit_type else _PENDING
    return [str(found) for (found,) in connection.execute(statement, parameters)]


def _by_id(connection: Connection, account_id: str, ids: Sequence[str]) -> list[ListedReservation]:
    rows = connection.execute(_BY_ID, {"account_id": account_id, "reservation_id": identifiers(ids)})
    found = [listed_reservation_from(row) for row in rows]
    return sorted(found, key=lambda listed: listed.reservation.reservation_id, reverse=True)


_RESERVATIONS = KeyedStatement(f"""
SELECT {RESERVATION_COLUMNS}
FROM unnest(:account_id ::text[], :credit_type ::text[], :reservation_id ::uuid[])
     AS k (account_id, credit_type, reservation_id)
CROSS JOIN LATERAL (
    SELECT account_id, credit_type, reservation_id, state, amount, captured, refunded, unlimited,
           CASE WHEN jsonb_array_length(slices) <= :most_slices ::integer THEN slices END AS slices,
           expire_time, create_time, update_time, description, metadata, spender_id, counted
    FROM reservations
    WHERE account_id = k.account_id AND credit_type = k.credit_type AND reservation_id = k.reservation_id OFFSET 0
) AS r
""")

_ALL = 2**31 - 1


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
    def parameters(some: Collection[ReservationKey]) -> dict[str, Any]:
        return {
            "account_id": texts(key.account_id for key in some),
            "credit_type": texts(key.credit_type for key in some),
            "reservation_id": identifiers(key.reservation_id for key in some),
            "most_slices": most_slices,
        }

    light = Light[ReservationKey, Reservation]({}, set())
    for row in _RESERVATIONS.rows(connection, keys, parameters):
        key = ReservationKey(row.account_id, row.credit_type, str(row.reservation_id))
        if row.slices is None:
            light.heavy.add(key)
        else:
            light.found[key] = reservation_from(row)
    return light
