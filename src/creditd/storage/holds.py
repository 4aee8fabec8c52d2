"""What pending reservations hold of a wallet: the ones that end first, and how much of which grant.

Every statement here touches a number of rows that its parameters bound, however many holds there are.
"""

from collections.abc import Mapping
from typing import NamedTuple

from sqlalchemy import Connection, text

from creditd.domain.grants import Source
from creditd.domain.instant import Instant
from creditd.domain.reservation import ReservationState
from creditd.domain.wallet import WalletKey
from creditd.storage.rows import LISTED_RESERVATION_COLUMNS, ListedReservation, listed_reservation_from, timestamp

_FIRST = f"""
SELECT * FROM reservations
WHERE account_id = :account_id AND credit_type = :credit_type AND state = {ReservationState.PENDING:d}
  AND expire_time > {timestamp(":now ::bigint")}
ORDER BY expire_time LIMIT :count
"""

# The rows are chosen before their columns are read, of which some are large.
_FIRST_HOLDS = text(f"SELECT {LISTED_RESERVATION_COLUMNS} FROM ({_FIRST}) AS r ORDER BY r.expire_time")

_COUNT = text(f"SELECT count(*) FROM ({_FIRST}) AS r")

_HELD = text(f"""
SELECT part ->> 'grant', (part ->> 'source') ::integer, sum((part ->> 'amount') ::bigint) ::bigint
FROM ({_FIRST}) AS r CROSS JOIN LATERAL jsonb_array_elements(r.slices) AS part
GROUP BY 1, 2
""")


class HeldPart(NamedTuple):
    """How much of a grant is held, and where the grant came from."""

    source: Source
    amount: int


class Held(NamedTuple):
    """What is held, by grant, by so many holds; ``is_whole`` says that all holds were looked at."""

    by_grant: Mapping[str, HeldPart]
    holds: int
    is_whole: bool


def first_holds(connection: Connection, key: WalletKey, now: Instant, count: int) -> list[ListedReservation]:
    """Return up to ``count`` holds that have not ended at ``now``, those that end first."""
    rows = connection.execute(_FIRST_HOLDS, key._asdict() | {"now": now, "count": count})
    return [listed_reservation_from(row) for row in rows]


def held(connection: Connection, key: WalletKey, now: Instant, rows: int) -> Held:
    """Add up what the holds of a wallet hold at ``now``: of the ``rows`` that end first, if there are more."""
    asked = key._asdict() | {"now": now}
    holds: int = connection.execute(_COUNT, asked | {"count": rows + 1}).scalar_one()
    found = connection.execute(_HELD, asked | {"count": rows})
    by_grant = {grant_id: HeldPart(Source(source), amount) for grant_id, source, amount in found}
    return Held(by_grant, min(holds, rows), is_whole=holds <= rows)
