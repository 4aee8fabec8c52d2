"""Pages of reservations."""

from typing import NamedTuple

from sqlalchemy import Connection, text

from creditd.domain.instant import Instant
from creditd.domain.reservation import Reservation, ReservationState
from creditd.storage.rows import RESERVATION_COLUMNS, reservation_from, timestamp

_PAGE = text(f"""
SELECT {RESERVATION_COLUMNS} FROM reservations r
WHERE r.account_id = :account_id AND (:before = '' OR r.reservation_id < nullif(:before, '')::uuid)
  AND (:credit_type = '' OR r.credit_type = :credit_type)
  AND (:state = 0 OR :state = CASE
       WHEN r.state = {ReservationState.PENDING:d} AND r.expire_time <= {timestamp(":now ::bigint")}
       THEN {ReservationState.EXPIRED:d} ELSE r.state END)
ORDER BY r.reservation_id DESC LIMIT :count
""")


class ReservationFilter(NamedTuple):
    """Which reservations of an account; an empty credit type or no state lets all pass."""

    account_id: str
    credit_type: str
    state: ReservationState | None


def page(connection: Connection, wanted: ReservationFilter, before: str, now: Instant, count: int) -> list[Reservation]:
    """Return the newest ``count`` reservations older than the one with the id ``before``, newest first.

    What the filter looks at is their state at ``now``, whether or not a sweep has written it down.
    """
    parameters = {
        "account_id": wanted.account_id,
        "credit_type": wanted.credit_type,
        "state": int(wanted.state or 0),
        "before": before,
        "now": now,
        "count": count,
    }
    return [reservation_from(row) for row in connection.execute(_PAGE, parameters)]
