"""The rollup of usage as rows: how far it has come, wallet by wallet, and the sums over what it has come past.

A rollup is right for every wallet up to the version that its position says: sums and position are written by one
statement. What is of all accounts follows each entry within seconds. An account's own sums wait for enough entries to
be worth it, and have a position of their own (:mod:`creditd.storage.usage.usage_account_sums`). There may be two
editions at a time, one that is served and one that is built to take its place.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final, NamedTuple

from sqlalchemy import Connection, text

from creditd.domain.instant import Instant
from creditd.domain.usage.usage_periods import Grain, RankingSpan
from creditd.domain.wallet import WalletKey
from creditd.storage.arrays import texts
from creditd.storage.rows import micros, timestamp
from creditd.storage.usage.usage_contributions import Dimension, parts_of, ranked_of
from creditd.storage.usage.usage_leaders import RankingKey
from creditd.storage.usage.usage_stretches import AHEAD, QUARTER, Unadded, spans_of

BUILT, SERVED, RETIRED = 1, 2, 3
"""States of a rollup."""


class UsageRollup(NamedTuple):
    """An edition of the rollup.

    All entries made before ``complete_time`` are in it; None until a pass has seen every wallet. The pass that is under
    way began at ``pass_time``, and has come past the wallet ``after``.
    """

    edition: int
    label: str | None
    after: WalletKey
    pass_time: Instant
    complete_time: Instant | None


_COLUMNS: Final = (
    f"r.edition, r.label, r.after_account, r.after_credit_type, {micros('r.pass_time')}, {micros('r.complete_time')}"
)

_OF_STATE: Final = text(f"SELECT {_COLUMNS} FROM usage_editions r WHERE r.state = :state ::smallint")

# Whoever has the row is the one that adds up; the others leave it to that one.
_TURN: Final = text(f"SELECT {_COLUMNS} FROM usage_editions r WHERE r.state = :state ::smallint FOR UPDATE SKIP LOCKED")


def rollup_of(connection: Connection, state: int) -> UsageRollup | None:
    """Return the rollup in a state, if there is one."""
    return _rollup(connection.execute(_OF_STATE, {"state": state}).one_or_none())


def take_turn(connection: Connection, state: int) -> UsageRollup | None:
    """Return the rollup in a state for the one who goes on with it; None if another does, or there is none."""
    return _rollup(connection.execute(_TURN, {"state": state}).one_or_none())


def _rollup(row: Sequence[Any] | None) -> UsageRollup | None:
    if row is None:
        return None
    edition, label, account_id, credit_type, pass_time, complete_time = row
    return UsageRollup(edition, label, WalletKey(account_id, credit_type), pass_time, complete_time)


_WRITE: Final = text(f"""
UPDATE usage_editions SET label = :label ::text, after_account = :account_id, after_credit_type = :credit_type,
    pass_time = {timestamp(":pass_time ::bigint")}, complete_time = {timestamp(":complete_time ::bigint")}
WHERE edition = :edition ::integer
""")


def write_rollup(connection: Connection, rollup: UsageRollup) -> None:
    """Write how far a rollup has come."""
    parameters = {**rollup._asdict(), **rollup.after._asdict()}
    del parameters["after"]
    connection.execute(_WRITE, parameters)


_BEGIN: Final = text("""
INSERT INTO usage_editions (edition, state, label, after_account, after_credit_type, pass_time, complete_time)
VALUES (:edition ::integer, 1, :label ::text, '', '', timestamptz 'epoch', NULL)
""")

_MOVE: Final = text("UPDATE usage_editions SET state = :state ::smallint WHERE edition = :edition ::integer")


def begin_rollup(connection: Connection, edition: int, label: str) -> None:
    """Begin a rollup that is to take the place of the one that is served. If one is built, it is a conflict of keys."""
    connection.execute(_BEGIN, {"edition": edition, "label": label})


def move_rollup(connection: Connection, edition: int, state: int) -> None:
    """Give a rollup another state."""
    connection.execute(_MOVE, {"edition": edition, "state": state})


POSITIONS: Final = """
SELECT w.account_id, w.credit_type, w.version, coalesce(p.version, 0), coalesce(p.summed, 0)
FROM ({wallets}) AS w
LEFT JOIN LATERAL (
    SELECT version, summed FROM usage_positions
    WHERE account_id = w.account_id AND credit_type = w.credit_type AND edition = :edition ::integer OFFSET 0
) AS p ON true
WHERE {wanted}
ORDER BY w.account_id, w.credit_type
"""
"""How far wallets are added up, and summed: those that ``wallets`` finds with their versions, as far as ``wanted``."""

_AFTER: Final = text(
    POSITIONS.format(
        wallets="""
    SELECT account_id, credit_type, version FROM wallets WHERE (account_id, credit_type) > (:account_id, :credit_type)
    ORDER BY account_id, credit_type LIMIT :count""",
        wanted="true",
    )
)


def wallets_after(connection: Connection, edition: int, wallet: WalletKey, count: int) -> list[Unadded]:
    """Return the next wallets in the order of their keys."""
    return unadded_from(connection.execute(_AFTER, {"edition": edition, **wallet._asdict(), "count": count}))


def unadded_from(rows: Iterable[Any]) -> list[Unadded]:
    """Return wallets as POSITIONS finds them."""
    return [Unadded(WalletKey(account, credit_type), *reached) for account, credit_type, *reached in rows]


_OF_KEYS: Final = text(
    POSITIONS.format(
        wallets="""
    SELECT k.account_id, k.credit_type, p.version FROM unnest(:account_id ::text[], :credit_type ::text[])
         AS k (account_id, credit_type)
    CROSS JOIN LATERAL (
        SELECT version FROM usage_positions
        WHERE account_id = k.account_id AND credit_type = k.credit_type AND edition = :edition ::integer OFFSET 0
    ) AS p""",
        wanted="true",
    )
)


def wallets_of(connection: Connection, edition: int, wallets: Sequence[WalletKey]) -> list[Unadded]:
    """Return how far wallets are added up, and summed; those of which nothing is are left out."""
    return unadded_from(connection.execute(_OF_KEYS, {"edition": edition, **_keys(wallets)}))


def _keys(wallets: Sequence[WalletKey]) -> dict[str, str]:
    return {
        "account_id": texts(wallet.account_id for wallet in wallets),
        "credit_type": texts(wallet.credit_type for wallet in wallets),
    }


_UNITS: Final[Mapping[Grain, str]] = {
    Grain.QUARTER: "q.start_time",
    Grain.HOUR: "date_trunc('hour', q.start_time, 'UTC')",
    Grain.DAY: "date_trunc('day', q.start_time, 'UTC')",
    Grain.EVER: "timestamptz 'epoch'",
}

_SPANS: Final[Mapping[RankingSpan, str]] = {
    RankingSpan.DAY: "d.day_time",
    RankingSpan.WEEK: "date_trunc('week', d.day_time, 'UTC')",
    RankingSpan.MONTH: "date_trunc('month', d.day_time, 'UTC')",
}


def _values(expressions: Mapping[Any, str]) -> str:
    return ", ".join(f"({int(key)}::smallint, {sql})" for key, sql in expressions.items())


# An account's last movement is written once on each day: within it there is nothing to change.
# What is ranked is first added up by day: a round's entries are of one or two. A ranked row has no index but its key,
# so that it changes in place. Those at or above the floor are leaders as well; only what was given back falls below it.
_ADD_UP: Final = text(f"""
WITH {AHEAD}, used AS MATERIALIZED (
    {parts_of("added", [Dimension.LABEL])}
), quarters AS MATERIALIZED (
    SELECT c.credit_type, {QUARTER} AS start_time, c.measure, c.source, sum(c.amount) AS amount
    FROM added AS c GROUP BY 1, 2, 3, 4
), positions AS (
    INSERT INTO usage_positions AS p (account_id, credit_type, edition, version, summed)
    SELECT account_id, credit_type, :edition ::integer, max(version), 0 FROM ahead GROUP BY account_id, credit_type
    ON CONFLICT (account_id, credit_type, edition) DO UPDATE SET version = excluded.version
    RETURNING account_id, credit_type, version
), movements AS (
    INSERT INTO account_movements AS b (account_id, move_day)
    SELECT m.account_id, m.move_day
    FROM (SELECT account_id, date_trunc('day', max(create_time), 'UTC') AS move_day FROM ahead GROUP BY 1) AS m
    LEFT JOIN LATERAL (
        SELECT move_day FROM account_movements WHERE account_id = m.account_id OFFSET 0
    ) AS known ON true
    WHERE known.move_day IS NULL OR known.move_day < m.move_day
    ORDER BY m.account_id
    ON CONFLICT (account_id) DO UPDATE SET move_day = greatest(b.move_day, excluded.move_day)
), totals AS (
    INSERT INTO usage_totals AS b (edition, credit_type, grain, start_time, measure, source, amount)
    SELECT :edition ::integer, q.credit_type, g.grain, g.start_time, q.measure, q.source, sum(q.amount)
    FROM quarters AS q CROSS JOIN LATERAL (VALUES {_values(_UNITS)}) AS g (grain, start_time)
    GROUP BY 2, 3, 4, 5, 6
    ON CONFLICT (edition, credit_type, grain, start_time, measure, source)
    DO UPDATE SET amount = b.amount + excluded.amount
), days AS MATERIALIZED (
    SELECT credit_type, dimension, date_trunc('day', create_time, 'UTC') AS day_time, value,
           sum(used) AS used, sum(covered) AS covered
    FROM ({ranked_of("added", "used")}) AS r GROUP BY 1, 2, 3, 4
), moves AS MATERIALIZED (
    SELECT d.credit_type, d.dimension, s.span, s.span_time, d.value, sum(d.used) AS used, sum(d.covered) AS covered
    FROM days AS d CROSS JOIN LATERAL (VALUES {_values(_SPANS)}) AS s (span, span_time)
    GROUP BY 1, 2, 3, 4, 5
), ranks AS (
    INSERT INTO usage_ranks AS b (edition, credit_type, dimension, span, span_time, value, used, covered)
    SELECT :edition ::integer, m.* FROM moves AS m
    ON CONFLICT (edition, credit_type, dimension, span, span_time, value)
    DO UPDATE SET used = b.used + excluded.used, covered = b.covered + excluded.covered
    RETURNING credit_type, dimension, span, span_time, value, used, covered
), spans AS MATERIALIZED (
    SELECT k.*, f.floor, f.floor_value
    FROM (SELECT DISTINCT credit_type, dimension, span, span_time FROM moves) AS k
    LEFT JOIN LATERAL (
        SELECT floor, floor_value FROM usage_floors
        WHERE edition = :edition ::integer AND credit_type = k.credit_type AND dimension = k.dimension
          AND span = k.span AND span_time = k.span_time OFFSET 0
    ) AS f ON true
), ranked AS MATERIALIZED (
    SELECT r.*, s.floor IS NULL OR (s.floor, r.value) <= (r.used + r.covered, s.floor_value) AS leads
    FROM ranks AS r JOIN spans AS s USING (credit_type, dimension, span, span_time)
), leaders AS (
    INSERT INTO usage_leaders AS b (edition, credit_type, dimension, span, span_time, value, used, covered)
    SELECT :edition ::integer, credit_type, dimension, span, span_time, value, used, covered FROM ranked WHERE leads
    ON CONFLICT (edition, credit_type, dimension, span, span_time, value)
    DO UPDATE SET used = excluded.used, covered = excluded.covered
), fallen AS (
    DELETE FROM usage_leaders WHERE ctid = ANY (ARRAY(
        SELECT l.ctid FROM moves AS m JOIN ranked AS r USING (credit_type, dimension, span, span_time, value)
        CROSS JOIN LATERAL (
            SELECT ctid FROM usage_leaders
            WHERE edition = :edition ::integer AND credit_type = r.credit_type AND dimension = r.dimension
              AND span = r.span AND span_time = r.span_time AND value = r.value OFFSET 0
        ) AS l
        WHERE m.used + m.covered < 0 AND NOT r.leads
    ))
)
SELECT account_id, credit_type, version, NULL, NULL, NULL FROM positions
UNION ALL
SELECT NULL, credit_type, NULL, dimension, span, {micros("span_time")} FROM spans
""")


class AddedUp(NamedTuple):
    """How far a rollup came, by wallet, and in which rankings something changed."""

    reached: dict[WalletKey, int]
    rankings: list[RankingKey]


def add_up(connection: Connection, edition: int, label: str, stretches: Sequence[Unadded], most: int) -> AddedUp:
    """Add the entries of stretches, each from a wallet's position to a version, to a rollup; move its positions on.

    It ends after the entry with which ``most`` entries and slices are reached. The caller has the rollup's turn: nobody
    else moves its positions.
    """
    added = AddedUp({}, [])
    parameters = {**spans_of(stretches), "edition": edition, "label": label, "most": most}
    for account_id, credit_type, version, dimension, span, time in connection.execute(_ADD_UP, parameters):
        if account_id is None:
            added.rankings.append(RankingKey(credit_type, dimension, span, time))
        else:
            added.reached[WalletKey(account_id, credit_type)] = version
    return added


_ESTIMATE: Final = text("SELECT greatest(reltuples, 0)::bigint FROM pg_class WHERE oid = 'entries'::regclass")


def estimated_entries(connection: Connection) -> int:
    """Return about how many entries there are in all ledgers, as PostgreSQL has counted them last."""
    return int(connection.execute(_ESTIMATE).scalar_one())


_GENERATIONS: Final = text("SELECT r.edition FROM usage_editions r WHERE r.state = :state ::smallint ORDER BY 1")


def editions(connection: Connection, state: int) -> list[int]:
    """Return the editions in a state, the oldest first."""
    return list(connection.execute(_GENERATIONS, {"state": state}).scalars())


_LOCK: Final = text("SELECT r.edition, r.state FROM usage_editions r ORDER BY r.edition FOR UPDATE")


def lock_rollups(connection: Connection) -> dict[int, int]:
    """Return the state of each edition, and keep others from going on with any until the transaction ends."""
    return dict(map(tuple, connection.execute(_LOCK)))


_OF_WALLETS: Final = {
    "usage_sums": "DELETE FROM usage_sums",
    "usage_parts": "DELETE FROM usage_parts",
    "usage_positions": "DELETE FROM usage_positions",
}
"""How what a rollup has of wallets is deleted, by table; written out for who looks for what deletes from a table."""

_OF_ALL: Final = {
    "usage_totals": ("DELETE FROM usage_totals", "credit_type, grain, start_time, measure, source"),
    "usage_ranks": ("DELETE FROM usage_ranks", "credit_type, dimension, span, span_time, value"),
    "usage_leaders": ("DELETE FROM usage_leaders", "credit_type, dimension, span, span_time, value"),
    "usage_floors": ("DELETE FROM usage_floors", "credit_type, dimension, span, span_time"),
}
"""The same of all accounts together, with what follows the edition in the key: in its order rows are found by index."""

_DELETE_OF_WALLETS: Final = [
    text(f"""
{delete_from} WHERE ctid = ANY (ARRAY(
    SELECT t.ctid FROM unnest(:account_id ::text[], :credit_type ::text[]) AS k (account_id, credit_type)
    CROSS JOIN LATERAL (
        SELECT ctid FROM {table} AS t
        WHERE t.account_id = k.account_id AND t.credit_type = k.credit_type AND t.edition = :edition ::integer OFFSET 0
    ) AS t
))
""")
    for table, delete_from in _OF_WALLETS.items()
]

_DELETE_OF_ALL: Final = [
    text(f"""
{delete_from} WHERE ctid = ANY (ARRAY(
    SELECT ctid FROM {table} WHERE edition = :edition ::integer ORDER BY edition, {rest} LIMIT :count
))
""")
    for table, (delete_from, rest) in _OF_ALL.items()
]

_FORGET: Final = text("DELETE FROM usage_editions WHERE edition = :edition AND state = :state ::smallint")


def delete_of_wallets(connection: Connection, edition: int, wallets: Sequence[WalletKey]) -> None:
    """Delete what a retired rollup has of some wallets."""
    parameters = {"edition": edition, **_keys(wallets)}
    for statement in _DELETE_OF_WALLETS:
        connection.execute(statement, parameters)


def delete_of_all(connection: Connection, edition: int, count: int) -> int:
    """Delete some of what a retired rollup has of all accounts together; return how many rows."""
    return sum(
        connection.execute(statement, {"edition": edition, "count": count}).rowcount for statement in _DELETE_OF_ALL
    )


def forget_rollup(connection: Connection, edition: int) -> None:
    """Forget a retired rollup of which nothing is left."""
    connection.execute(_FORGET, {"edition": edition, "state": RETIRED})
