"""Who used the most, as rows: of each ranking the leaders, in order, and the floor above which there are all of them.

What each account used in a ranking's day, week or month is kept for all (``usage_ranks``), and changes with each of
its entries. To keep all of them in order would cost more than all the rest. So only those at the head are
(``usage_leaders``): all whose place is at or above that of the floor (``usage_floors``), and simply all where there is
no floor. The floor rises where they have become too many. It falls only where those above it have become too few, since
what they used was given back; then they are found anew among all.
"""

from collections.abc import Sequence
from typing import Final, NamedTuple

from sqlalchemy import Connection, text

from creditd.domain.instant import Instant
from creditd.storage.arrays import numbers, texts
from creditd.storage.rows import micros, timestamp

FEWEST, KEPT, MOST = 100, 300, 600
"""Leaders of a ranking: below FEWEST they are found anew, above MOST the KEPT first are left. An answer shows 50; the
more there are, the more entries change their order, and the fewer, the more often they are cut."""


class RankingKey(NamedTuple):
    """A ranking: of a credit type, by a dimension, over the day, week or month of UTC that began at ``time``."""

    credit_type: str
    dimension: int
    span: int
    time: Instant


_KEYS: Final = f"""
(SELECT k.credit_type, k.dimension, k.span, {timestamp("k.time")} AS span_time
 FROM unnest(:credit_types ::text[], :dimensions ::smallint[], :spans ::smallint[], :times ::bigint[])
      AS k (credit_type, dimension, span, time)) AS k"""

_OF_KEY: Final = """
edition = :edition ::integer AND credit_type = k.credit_type AND dimension = k.dimension AND span = k.span
AND span_time = k.span_time"""

# The leader at the last place that is kept, where there are too many.
_CUT: Final = text(f"""
WITH cut AS MATERIALIZED (
    SELECT k.*, l.used + l.covered AS floor, l.value AS floor_value
    FROM {_KEYS}
    CROSS JOIN LATERAL (
        SELECT 1 FROM usage_leaders WHERE {_OF_KEY} ORDER BY used + covered DESC, value OFFSET :most LIMIT 1
    ) AS crowded
    CROSS JOIN LATERAL (
        SELECT used, covered, value FROM usage_leaders WHERE {_OF_KEY}
        ORDER BY used + covered DESC, value OFFSET :kept - 1 LIMIT 1
    ) AS l
), floors AS (
    INSERT INTO usage_floors (edition, credit_type, dimension, span, span_time, floor, floor_value)
    SELECT :edition ::integer, * FROM cut
    ON CONFLICT (edition, credit_type, dimension, span, span_time)
    DO UPDATE SET floor = excluded.floor, floor_value = excluded.floor_value
)
DELETE FROM usage_leaders WHERE ctid = ANY (ARRAY(
    SELECT l.ctid FROM cut AS k
    CROSS JOIN LATERAL (
        SELECT ctid FROM usage_leaders WHERE {_OF_KEY} ORDER BY used + covered DESC, value OFFSET :kept
    ) AS l
))
""")

_THIN: Final = text(f"""
SELECT k.credit_type, k.dimension, k.span, {micros("k.span_time")}
FROM {_KEYS}
CROSS JOIN LATERAL (SELECT 1 FROM usage_floors WHERE {_OF_KEY} OFFSET 0) AS f
CROSS JOIN LATERAL (
    SELECT count(*) AS leaders FROM (SELECT 1 FROM usage_leaders WHERE {_OF_KEY} LIMIT :fewest) AS l
) AS l
WHERE l.leaders < :fewest
""")

_FORGET: Final = [
    text(f"""
DELETE FROM {table} WHERE ctid = ANY (ARRAY(
    SELECT l.ctid FROM {_KEYS} CROSS JOIN LATERAL (SELECT ctid FROM {table} WHERE {_OF_KEY} OFFSET 0) AS l
))
""")
    for table in ("usage_leaders", "usage_floors")
]

_FIND: Final = text(f"""
WITH found AS MATERIALIZED (
    SELECT k.*, r.value, r.used, r.covered, row_number() OVER (
               PARTITION BY k.credit_type, k.dimension, k.span, k.span_time ORDER BY r.used + r.covered DESC, r.value
           ) AS place
    FROM {_KEYS}
    CROSS JOIN LATERAL (
        SELECT value, used, covered FROM usage_ranks WHERE {_OF_KEY} ORDER BY used + covered DESC, value LIMIT :kept
    ) AS r
), floors AS (
    INSERT INTO usage_floors (edition, credit_type, dimension, span, span_time, floor, floor_value)
    SELECT :edition ::integer, credit_type, dimension, span, span_time, used + covered, value FROM found
    WHERE place = :kept
)
INSERT INTO usage_leaders (edition, credit_type, dimension, span, span_time, value, used, covered)
SELECT :edition ::integer, credit_type, dimension, span, span_time, value, used, covered FROM found
""")


def keep_leaders(connection: Connection, edition: int, rankings: Sequence[RankingKey]) -> None:
    """Cut the leaders of rankings in which something has changed where they are too many; find them anew if too few."""
    if not rankings:
        return
    connection.execute(_CUT, _parameters(edition, rankings) | {"most": MOST, "kept": KEPT})
    thin = thin_rankings(connection, edition, rankings)
    if thin:
        find_leaders(connection, edition, thin)


def thin_rankings(connection: Connection, edition: int, rankings: Sequence[RankingKey]) -> list[RankingKey]:
    """Return those that have a floor, and too few leaders above it."""
    rows = connection.execute(_THIN, _parameters(edition, rankings) | {"fewest": FEWEST})
    return [RankingKey(*row) for row in rows]


def find_leaders(connection: Connection, edition: int, rankings: Sequence[RankingKey]) -> None:
    """Find the leaders of rankings anew, among all that are ranked: as many rows as accounts used anything then."""
    parameters = _parameters(edition, rankings)
    for statement in _FORGET:
        connection.execute(statement, parameters)
    connection.execute(_FIND, parameters | {"kept": KEPT})


def _parameters(edition: int, rankings: Sequence[RankingKey]) -> dict[str, object]:
    return {
        "edition": edition,
        "credit_types": texts(one.credit_type for one in rankings),
        "dimensions": numbers(one.dimension for one in rankings),
        "spans": numbers(one.span for one in rankings),
        "times": numbers(one.time for one in rankings),
    }
