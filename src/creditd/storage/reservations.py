"""Pages of reservations."""

from typing import NamedTuple

from sqlalchemy import Connection, text

from creditd.domain.reservation import Reservation, ReservationState
from creditd.storage.rows import RESERVATION_COLUMNS, reservation_from

_PAGE = text(f"""
SELECT {RESERVATION_COLUMNS} FROM reservations r
WHERE r.account_id = :account_id AND (:before = '' OR r.reservation_id < nullif(:before, '')::uuid)
  AND (:credit_type = '' OR r.credit_type = :credit_type) AND (:state = 0 OR r.state = :state)
ORDER BY r.reservation_id DESC LIMIT :count
""")


class ReservationFilter(NamedTuple):
    """Which reservations of an account; an empty credit type or no state lets all pass."""

    account_id: str
    credit_type: str
    state: ReservationState | None


def page(connection: Connection, wanted: ReservationFilter, before: str, count: int) -> list[Reservation]:
    """Return the newest ``count`` reservations older than the one with the id ``before``, newest first."""
    parameters = {
        "account_id": wanted.account_id,
        "credit_type": wanted.credit_type,
        "state": int(wanted.state or 0),
        "before": before,
        "count": count,
    }
    return [reservation_from(row) for row in connection.execute(_PAGE, parameters)]
