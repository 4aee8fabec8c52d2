"""Pages of reservations. Every statement here touches a number of rows that its parameters bound."""

from collections.abc import Sequence
from typing import NamedTuple

from sqlalchemy import Connection, text

from creditd.domain.instant import Instant
from creditd.domain.reservation import ReservationState
from creditd.storage.arrays import identifiers
from creditd.storage.rows import LISTED_RESERVATION_COLUMNS, ListedReservation, listed_reservation_from, timestamp

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
