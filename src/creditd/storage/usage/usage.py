"""Usage as it is read: the sums of the rollup, and with them what the entries after its positions add.

All of it is read in one snapshot, so that each entry is in the one or in the other.
"""

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Any, Final, NamedTuple

from sqlalchemy import Connection, text

from creditd.domain.usage.usage_periods import Period, RankingSpan, Segment
from creditd.domain.wallet import WalletKey
from creditd.storage.arrays import numbers, texts
from creditd.storage.rows import timestamp
from creditd.storage.usage.usage_contributions import ENTRY_COLUMNS, Dimension, contributions_of, parts_of, ranked_of
from creditd.storage.usage.usage_stretches import Unadded


class UsedWallet(NamedTuple):
    """A wallet of an account: how far its ledger goes, how far its sums do, and what it holds for reservations."""

    credit_type: str
    version: int
    position: int
    reserved: int


_WALLETS: Final = text("""
SELECT w.credit_type, w.version, coalesce(p.summed, 0), w.reserved FROM wallets w
LEFT JOIN LATERAL (
    SELECT summed FROM usage_positions
    WHERE account_id = w.account_id AND credit_type = w.credit_type AND edition = :edition ::integer OFFSET 0
) AS p ON true
WHERE w.account_id = :account_id
  AND (cardinality(:credit_types ::text[]) = 0 OR w.credit_type = ANY (:credit_types ::text[]))
ORDER BY w.credit_type
""")


def wallets_of(connection: Connection, edition: int, account_id: str, credit_types: Sequence[str]) -> list[UsedWallet]:
    """Return the wallets that an account has of some credit types; all of them if none is named."""
    parameters = {"edition": edition, "account_id": account_id, "credit_types": texts(credit_types)}
    return [UsedWallet(*row) for row in connection.execute(_WALLETS, parameters)]


class Sum(NamedTuple):
    """An amount of a measure, in a period; ``point`` is its place, -1 for before and the number of them for after."""

    point: int
    credit_type: str
    measure: int
    source: int
    amount: int


_STARTS: Final = f"""
starts AS (
    SELECT array_agg({timestamp("s.micros")} ORDER BY s.micros) AS times FROM unnest(:starts ::bigint[]) AS s (micros)
)"""

_WITHIN: Final = f"start_time >= {timestamp(':start ::bigint')} AND start_time < {timestamp(':end ::bigint')}"

_OF_ACCOUNT: Final = text(f"""
WITH {_STARTS}
SELECT width_bucket(u.start_time, (SELECT times FROM starts)) - 1, k.credit_type, u.measure, u.source, sum(u.amount)
FROM unnest(:credit_types ::text[]) AS k (credit_type)
CROSS JOIN LATERAL (
    SELECT start_time, measure, source, amount FROM usage_sums
    WHERE account_id = :account_id AND credit_type = k.credit_type AND edition = :edition ::integer AND {_WITHIN}
    OFFSET 0
) AS u
GROUP BY 1, 2, 3, 4
""")


def sums_of_account(
    connection: Connection, edition: int, account_id: str, credit_types: Sequence[str], periods: Sequence[Period]
) -> list[Sum]:
    """Return what the rollup has of an account in periods that follow one another."""
    parameters = {"edition": edition, "account_id": account_id, "credit_types": texts(credit_types)}
    return _sums(connection.execute(_OF_ACCOUNT, parameters | _times(periods)))


_AHEAD: Final = f"""
ahead AS MATERIALIZED (
    SELECT e.* FROM unnest(:wallets ::text[], :types ::text[], :after ::bigint[], :last ::bigint[])
         AS k (account_id, credit_type, after, last)
    CROSS JOIN LATERAL (
        SELECT {ENTRY_COLUMNS} FROM entries
        WHERE account_id = k.account_id AND credit_type = k.credit_type AND version > k.after AND version <= k.last
        OFFSET 0
    ) AS e
), added AS MATERIALIZED (
    {contributions_of("ahead")}
)"""

_TAIL: Final = text(f"""
WITH {_STARTS}, {_AHEAD}
SELECT width_bucket(c.create_time, (SELECT times FROM starts)) - 1, c.credit_type, c.measure, c.source, sum(c.amount)
FROM added AS c GROUP BY 1, 2, 3, 4
""")


def sums_of_tail(connection: Connection, tail: Sequence[Unadded], periods: Sequence[Period]) -> list[Sum]:
    """Return what entries after the rollup's positions add in periods, before them and after them."""
    if not tail:
        return []
    starts = numbers([*(period.start for period in periods), periods[-1].end])
    return _sums(connection.execute(_TAIL, _spans(tail) | {"starts": starts}))


def _spans(tail: Sequence[Unadded]) -> dict[str, str]:
    return {
        "wallets": texts(one.wallet.account_id for one in tail),
        "types": texts(one.wallet.credit_type for one in tail),
        "after": numbers(one.position for one in tail),
        "last": numbers(one.version for one in tail),
    }


def _times(periods: Sequence[Period]) -> dict[str, object]:
    starts = numbers(period.start for period in periods)
    return {"starts": starts, "start": periods[0].start, "end": periods[-1].end}


def _sums(rows: Iterable[Any]) -> list[Sum]:
    return [
        Sum(point, credit_type, measure, source, int(amount)) for point, credit_type, measure, source, amount in rows
    ]


class PartUsage(NamedTuple):
    """What was used by one spender, for one value of the label, or by one account."""

    credit_type: str
    dimension: Dimension
    value: str
    used: int
    covered: int


_PARTS: Final = text(f"""
WITH {_AHEAD}, used AS (
    {parts_of("added", [Dimension.LABEL, Dimension.SPENDER])}
), parts AS (
    SELECT u.credit_type, u.dimension, u.value, sum(u.used) AS used, sum(u.covered) AS covered FROM (
        SELECT k.credit_type, d.dimension, p.value, p.used, p.covered
        FROM unnest(:credit_types ::text[]) AS k (credit_type)
        CROSS JOIN unnest(:dimensions ::smallint[]) AS d (dimension)
        CROSS JOIN LATERAL (
            SELECT value, used, covered FROM usage_parts
            WHERE account_id = :account_id AND credit_type = k.credit_type AND edition = :edition ::integer
              AND dimension = d.dimension AND {_WITHIN} OFFSET 0
        ) AS p
        UNION ALL
        SELECT credit_type, dimension, value, used, covered FROM used
        WHERE create_time >= {timestamp(":start ::bigint")} AND create_time < {timestamp(":end ::bigint")}
    ) AS u GROUP BY 1, 2, 3
), ranked AS (
    SELECT *, row_number() OVER (PARTITION BY credit_type, dimension ORDER BY used + covered DESC, value) AS place
    FROM parts WHERE used <> 0 OR covered <> 0
)
SELECT credit_type, dimension, value, used, covered FROM ranked WHERE place <= :count ORDER BY 1, 2, place
""")


def parts_of_account(
    connection: Connection,
    edition: int,
    label: str,
    wallets: Sequence[Unadded],
    period: Period,
    count: int,
) -> list[PartUsage]:
    """Return for each wallet of an account the spenders, and the values of the label, that used the most."""
    parameters = {
        "edition": edition,
        "label": label,
        "account_id": wallets[0].wallet.account_id,
        "credit_types": texts(one.wallet.credit_type for one in wallets),
        "dimensions": numbers([Dimension.LABEL, Dimension.SPENDER]),
        "count": count,
    }
    tail = [one for one in wallets if one.position < one.version]
    return _parts(connection.execute(_PARTS, parameters | _spans(tail) | period._asdict()))


def _parts(rows: Iterable[Any]) -> list[PartUsage]:
    return [
        PartUsage(credit_type, Dimension(dimension), value, int(used), int(covered))
        for credit_type, dimension, value, used, covered in rows
    ]


_TOTALS: Final = text(f"""
SELECT s.point, k.credit_type, t.measure, t.source, sum(t.amount)
FROM unnest(:points ::integer[], :grains ::smallint[], :starts ::bigint[], :ends ::bigint[])
     AS s (point, grain, first, below)
CROSS JOIN unnest(:credit_types ::text[]) AS k (credit_type)
CROSS JOIN LATERAL (
    SELECT measure, source, amount FROM usage_totals
    WHERE edition = :edition ::integer AND credit_type = k.credit_type AND grain = s.grain
      AND start_time >= {timestamp("s.first")} AND start_time < {timestamp("s.below")} OFFSET 0
) AS t
GROUP BY 1, 2, 3, 4
""")


def sums_of_all(
    connection: Connection, edition: int, credit_types: Sequence[str], segments: Sequence[Segment]
) -> list[Sum]:
    """Return what the rollup has of all accounts together in segments, by the points that these belong to."""
    parameters = {
        "edition": edition,
        "credit_types": texts(credit_types),
        "points": numbers(one.point for one in segments),
        "grains": numbers(one.grain for one in segments),
        "starts": numbers(one.start for one in segments),
        "ends": numbers(one.end for one in segments),
    }
    return _sums(connection.execute(_TOTALS, parameters))


class Ranking(NamedTuple):
    """A day, week or month of UTC in which those are ranked that use the most."""

    span: RankingSpan
    period: Period


_RANKED: Final = f"""
edition = :edition ::integer AND credit_type = k.credit_type AND dimension = k.dimension
AND span = :span ::smallint AND span_time = {timestamp(":start ::bigint")}"""

_TOP: Final = text(f"""
SELECT k.credit_type, k.dimension, r.value, r.used, r.covered
FROM unnest(:credit_types ::text[], :dimensions ::smallint[]) AS k (credit_type, dimension)
CROSS JOIN LATERAL (
    SELECT value, used, covered FROM usage_leaders WHERE {_RANKED} ORDER BY used + covered DESC, value LIMIT :count
) AS r
""")

_OF_VALUES: Final = text(f"""
SELECT k.credit_type, k.dimension, r.value, r.used, r.covered
FROM unnest(:credit_types ::text[], :dimensions ::smallint[], :values ::text[]) AS k (credit_type, dimension, value)
CROSS JOIN LATERAL (SELECT value, used, covered FROM usage_ranks WHERE {_RANKED} AND value = k.value OFFSET 0) AS r
""")

_TAIL_RANKS: Final = text(f"""
WITH {_AHEAD}, used AS (
    {parts_of("added", [Dimension.LABEL])}
)
SELECT credit_type, dimension, value, sum(used), sum(covered) FROM (
    {ranked_of("added", "used")}
) AS r
WHERE create_time >= {timestamp(":start ::bigint")} AND create_time < {timestamp(":end ::bigint")}
GROUP BY 1, 2, 3
""")

RANKED: Final = (Dimension.ACCOUNT, Dimension.LABEL)
"""What is ranked over all accounts."""


def top(
    connection: Connection, edition: int, credit_types: Sequence[str], ranking: Ranking, count: int
) -> list[PartUsage]:
    """Return the first ``count`` by use in the rollup, of accounts and of labels of each credit type.

    There may be fewer than are ranked: ``is_short_of`` tells.
    """
    pairs = [(code, dimension) for code in credit_types for dimension in RANKED]
    return _parts(connection.execute(_TOP, _of(edition, ranking, pairs) | {"count": count}))


_SHORT: Final = text(f"""
SELECT count(*) FROM unnest(:credit_types ::text[], :dimensions ::smallint[]) AS k (credit_type, dimension)
WHERE EXISTS (SELECT 1 FROM usage_floors WHERE {_RANKED})
""")


def is_short_of(
    connection: Connection,
    edition: int,
    credit_types: Sequence[str],
    ranking: Ranking,
    found: Sequence[PartUsage],
    count: int,
) -> bool:
    """Tell whether some have used less than those that ``top`` has found, and belong to the first ``count``."""
    shown = Counter((one.credit_type, one.dimension) for one in found)
    pairs = [pair for code in credit_types for dimension in RANKED if shown[pair := (code, dimension)] < count]
    return bool(pairs) and connection.execute(_SHORT, _of(edition, ranking, pairs)).scalar_one() > 0


def ranks_of(connection: Connection, edition: int, ranking: Ranking, wanted: Sequence[PartUsage]) -> list[PartUsage]:
    """Return what the rollup has of some accounts and labels; those that it has nothing of are left out."""
    pairs = [(one.credit_type, one.dimension) for one in wanted]
    values = {"values": texts(one.value for one in wanted)}
    return _parts(connection.execute(_OF_VALUES, _of(edition, ranking, pairs) | values))


def _of(edition: int, ranking: Ranking, pairs: Sequence[tuple[str, Dimension]]) -> dict[str, object]:
    return {
        "edition": edition,
        "credit_types": texts(code for code, _ in pairs),
        "dimensions": numbers(dimension for _, dimension in pairs),
        "span": int(ranking.span),
        "start": ranking.period.start,
    }


def ranks_of_tail(connection: Connection, label: str, tail: Sequence[Unadded], ranking: Ranking) -> list[PartUsage]:
    """Return what entries after the rollup's positions add to ranks, of accounts and of labels."""
    parameters = {"label": label, **ranking.period._asdict()}
    return _parts(connection.execute(_TAIL_RANKS, parameters | _spans(tail))) if tail else []


def entries_in(tail: Sequence[Unadded]) -> int:
    """Return how many entries there are after the rollup's positions."""
    return sum(one.version - one.position for one in tail)


def unadded(account_id: str, wallets: Iterable[UsedWallet]) -> list[Unadded]:
    """Return the wallets of an account with their keys."""
    return [Unadded(WalletKey(account_id, one.credit_type), one.version, one.position) for one in wallets]
