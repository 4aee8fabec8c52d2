"""Usage by plain SQL over the ledger: what the service's answers are held against, written without its tables."""

from collections.abc import Mapping
from typing import Any, Final

import psycopg

FIELDS: Final = {
    "spent": "CASE WHEN kind IN (7, 9) THEN sliced ELSE 0 END",
    "refunded": "CASE WHEN kind = 8 AND reservation_state = 2 THEN sliced ELSE 0 END",
    "used": "CASE WHEN kind IN (7, 9) THEN sliced WHEN kind = 8 AND reservation_state = 2 THEN -sliced ELSE 0 END",
    "covered": "CASE WHEN kind IN (7, 9) THEN amount - sliced "
    "WHEN kind = 8 AND reservation_state = 2 THEN sliced - amount ELSE 0 END",
    "granted": "CASE WHEN kind = 1 THEN amount ELSE 0 END",
    "purchased": "CASE WHEN kind = 2 THEN amount ELSE 0 END",
    "promotional": "CASE WHEN kind = 3 THEN amount ELSE 0 END",
    "added": "CASE WHEN kind = 4 THEN amount ELSE 0 END",
    "removed": "CASE WHEN kind = 5 THEN amount ELSE 0 END",
    "expired": "CASE WHEN kind = 12 THEN amount ELSE 0 END",
    "clawed_back": "CASE WHEN kind = 13 THEN amount - debt_delta ELSE 0 END",
    "restored": "CASE WHEN kind = 14 THEN amount ELSE 0 END",
    "debt_incurred": "CASE WHEN kind = 13 THEN debt_delta ELSE 0 END",
    "debt_paid": "CASE WHEN kind NOT IN (13, 15) THEN -debt_delta ELSE 0 END",
    "debt_written_off": "CASE WHEN kind = 15 THEN amount ELSE 0 END",
}
"""The fields of UsageFigures, each as SQL over a row of the ledger with the sum of its slices."""

_ROWS: Final = """
(SELECT e.*, (SELECT coalesce(sum((s ->> 'amount')::numeric), 0) FROM jsonb_array_elements(slices) AS s) AS sliced,
        (SELECT metadata ->> 'model' FROM reservations r
         WHERE r.account_id = e.account_id AND r.reservation_id = e.reservation_id) AS model
 FROM entries AS e) AS e"""

Figures = Mapping[str, int]

EVER: Final = (0, 2**62)
"""All microseconds of Unix time."""


def _columns() -> str:
    return ", ".join(f"sum({sql})::bigint AS {name}" for name, sql in FIELDS.items())


def _rows(url: str, query: str, *values: object) -> list[dict[str, Any]]:
    with psycopg.connect(url, row_factory=psycopg.rows.dict_row) as connection:
        return connection.execute(query.encode(), values).fetchall()


def figures_by_day(url: str, credit_type: str, zone: str, account_id: str | None = None) -> dict[str, dict[str, int]]:
    """Return by day of a zone's clock the figures that are not 0, of an account or of all."""
    query = (
        f"SELECT to_char(create_time AT TIME ZONE %s, 'YYYY-MM-DD') AS day, {_columns()} FROM {_ROWS} "  # noqa: S608
        "WHERE credit_type = %s AND (%s::text IS NULL OR account_id = %s) GROUP BY 1"
    )
    rows = _rows(url, query, zone, credit_type, account_id, account_id)
    return {row.pop("day"): {name: value for name, value in row.items() if value} for row in rows}


def used_by(
    url: str, credit_type: str, column: str, account_id: str | None = None, micros: tuple[int, int] = EVER
) -> dict[str, tuple[int, int]]:
    """Return what was used of credits and under a plan, by account (``account_id``), ``model`` or ``spender_id``.

    Only from one microsecond of Unix time on, and before another one.
    """
    query = (
        f"SELECT {column} AS value, {_columns()} FROM {_ROWS} "  # noqa: S608
        f"WHERE credit_type = %s AND (%s::text IS NULL OR account_id = %s) AND {column} <> '' "
        "AND extract(epoch FROM create_time) * 1000000 >= %s AND extract(epoch FROM create_time) * 1000000 < %s "
        "GROUP BY 1"
    )
    rows = _rows(url, query, credit_type, account_id, account_id, *micros)
    found = {row["value"]: (row["used"], row["covered"]) for row in rows}
    return {value: pair for value, pair in found.items() if any(pair)}


def balance_of_all(url: str, credit_type: str) -> tuple[int, int, int]:
    """Return what all wallets hold: available, reserved and debt."""
    query = (
        "SELECT coalesce(sum(available), 0)::bigint, coalesce(sum(reserved), 0)::bigint, "
        "coalesce(sum(debt), 0)::bigint FROM wallets WHERE credit_type = %s"
    )
    with psycopg.connect(url) as connection:
        row = connection.execute(query, (credit_type,)).fetchone()
    assert row is not None
    return row
