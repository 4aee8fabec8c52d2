"""Promo codes as rows. How often one is used is counted by :mod:`creditd.storage.promo.promo_claims`."""

from collections.abc import Sequence
from typing import Any, Final, NamedTuple

from sqlalchemy import Connection, text

from creditd.domain.instant import LAST_SECOND, SECOND, Instant
from creditd.domain.promo.promo_code import MAX_CODES, PromoCode, PromoCodeState, PromoKind, PromoTerms
from creditd.storage.arrays import texts
from creditd.storage.rows import micros, timestamp

_TERMS: Final = (
    f"kind, credit_type, credits, credits_lifetime, percent, most_per_use, currency, minimum_amount, "
    f"first_purchase_only, {micros('start_time')}, {micros('expire_time')}, total_limit, account_limit"
)

_COLUMNS: Final = (
    f"code, display_code, series_id::text, {_TERMS}, used, given, {micros('create_time')}, {micros('end_time')}"
)

_ADD: Final = text(f"""
INSERT INTO promo_codes (code, display_code, series_id, kind, credit_type, credits, credits_lifetime, percent,
                         most_per_use, currency, minimum_amount, first_purchase_only, start_time, expire_time,
                         total_limit, account_limit, used, given, create_time)
SELECT code, display_code, CAST(:series_id AS uuid), CAST(:kind AS smallint), :credit_type, CAST(:credits AS bigint),
       CAST(:credits_lifetime AS bigint), CAST(:percent AS integer), CAST(:most_per_use AS bigint), :currency,
       CAST(:minimum_amount AS bigint), CAST(:first_purchase_only AS boolean),
       {timestamp("CAST(:start_time AS bigint)")}, {timestamp("CAST(:expire_time AS bigint)")},
       CAST(:total_limit AS bigint), CAST(:account_limit AS bigint), 0, 0, {timestamp("CAST(:now AS bigint)")}
FROM unnest(:code ::text[], :display_code ::text[]) AS n (code, display_code)
ON CONFLICT (code) DO NOTHING
""")


def add(connection: Connection, codes: Sequence[PromoCode]) -> int:
    """Store new codes of one series, which have the same terms; return how many there were not yet."""
    first = codes[0]
    parameters = first.terms._asdict() | {
        "kind": int(first.terms.kind),
        "series_id": first.series_id,
        "now": first.create_time,
        "code": texts(one.code for one in codes),
        "display_code": texts(one.display_code for one in codes),
    }
    return connection.execute(_ADD, parameters).rowcount


_FIND: Final = text(f"SELECT {_COLUMNS} FROM promo_codes WHERE code = :code")


def find(connection: Connection, code: str) -> PromoCode | None:
    """Return a code, or None."""
    row = connection.execute(_FIND, {"code": code}).one_or_none()
    return _promo_code(row) if row else None


_END: Final = text(f"""
UPDATE promo_codes SET end_time = coalesce(end_time, {timestamp(":now ::bigint")}) WHERE code = :code
RETURNING {_COLUMNS}
""")


def end(connection: Connection, code: str, now: Instant) -> PromoCode | None:
    """End a code, unless it was ended before; return it, or None if there is none."""
    row = connection.execute(_END, {"code": code, "now": now}).one_or_none()
    return _promo_code(row) if row else None


_OF_SERIES: Final = text(
    f"SELECT display_code FROM promo_codes WHERE series_id = CAST(:series_id AS uuid) ORDER BY code LIMIT {MAX_CODES}"
)


def codes_of_series(connection: Connection, series_id: str) -> list[str]:
    """Return the codes that one call has made, as they are shown."""
    return list(connection.execute(_OF_SERIES, {"series_id": series_id}).scalars())


class PromoFilter(NamedTuple):
    """Which codes; what is empty or None lets all pass."""

    code: str = ""
    series_id: str = ""
    kind: PromoKind | None = None
    state: PromoCodeState | None = None


class PromoPlace(NamedTuple):
    """Where a code stands among all, newest first."""

    create_time: Instant
    code: str


class PromoLook(NamedTuple):
    """Codes found, newest first, and the place that the look has come to if it ended there; None if it saw all."""

    codes: list[PromoCode]
    end: PromoPlace | None


AFTER_ALL: Final = PromoPlace(Instant(LAST_SECOND * SECOND), "~")
"""No code has a tilde, which is greater than all that they have."""

_STATE: Final = f"""
CASE WHEN end_time IS NOT NULL THEN 5 WHEN expire_time <= {timestamp(":now ::bigint")} THEN 4
     WHEN used >= total_limit THEN 3 WHEN start_time > {timestamp(":now ::bigint")} THEN 1 ELSE 2 END
"""


def _page(looked_at: str, order: str) -> str:
    return f"""
SELECT {_COLUMNS} FROM (SELECT * FROM promo_codes WHERE {looked_at} ORDER BY {order} LIMIT :rows) AS looked
WHERE (:kind = 0 OR kind = :kind) AND (:state = 0 OR :state = {_STATE})
ORDER BY {order} LIMIT :count
"""


def _last(looked_at: str, order: str) -> str:
    return f"""
SELECT (array_agg({micros("create_time")}))[:rows], (array_agg(code))[:rows]
FROM (SELECT create_time, code FROM promo_codes WHERE {looked_at} ORDER BY {order} LIMIT :rows) AS looked
HAVING count(*) = :rows
"""


_OF_ALL: Final = (
    f"(create_time, code) < ({timestamp(':create_time ::bigint')}, :code)",
    "create_time DESC, code DESC",
)

_OF_ONE_SERIES: Final = "series_id = CAST(:series_id AS uuid) AND code < :code", "code DESC"

_PAGE, _PAGE_OF_SERIES = text(_page(*_OF_ALL)), text(_page(*_OF_ONE_SERIES))

_LAST, _LAST_OF_SERIES = text(_last(*_OF_ALL)), text(_last(*_OF_ONE_SERIES))


def page(
    connection: Connection, wanted: PromoFilter, before: PromoPlace, now: Instant, *, count: int, rows: int
) -> PromoLook:
    """Return up to ``count`` codes older than a place, newest first, among the ``rows`` that an index finds first.

    Those of a series are of one time, and stand in the order of their codes. ``wanted.code`` is for ``find``.
    """
    if wanted.series_id:
        statement, last = _PAGE_OF_SERIES, _LAST_OF_SERIES
        looked_at = {"series_id": wanted.series_id, "code": before.code, "rows": rows}
    else:
        statement, last = _PAGE, _LAST
        looked_at = before._asdict() | {"rows": rows}
    asked = looked_at | {"kind": int(wanted.kind or 0), "state": int(wanted.state or 0), "now": now, "count": count}
    found = [_promo_code(row) for row in connection.execute(statement, asked)]
    if len(found) == count:
        return PromoLook(found, None)
    end_place = connection.execute(last, looked_at).one_or_none()
    return PromoLook(found, PromoPlace(*end_place) if end_place else None)


def _promo_code(row: Any) -> PromoCode:
    code, display_code, series_id, kind, *terms = row[:16]
    return PromoCode(code, display_code, series_id, PromoTerms(PromoKind(kind), *terms), *row[16:])
