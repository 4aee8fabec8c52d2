"""The rollup of usage as rows: how far it has come, wallet by wallet, and the sums over what it has come past.

A rollup is right for every wallet up to the version that its position says: sums and position are written by one
statement. There may be two editions at a time, one that is served and one that is built to take its place.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final, NamedTuple

from sqlalchemy import Connection, text

from creditd.domain.instant import Instant
from creditd.domain.usage import Measure
from creditd.domain.usage_periods import Grain, RankingSpan
from creditd.domain.wallet import WalletKey
from creditd.storage.arrays import numbers, texts
from creditd.storage.rows import micros, timestamp
from creditd.storage.usage_contributions import ENTRY_COLUMNS, contributions_of, parts_of, ranked_of

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

_OF_STATE: Final = text(f"SELECT {_COLUMNS} FROM usage_rollups r WHERE r.state = :state ::smallint")

# Whoever has the row is the one that adds up; the others leave it to that one.
_TURN: Final = text(f"SELECT {_COLUMNS} FROM usage_rollups r WHERE r.state = :state ::smallint FOR UPDATE SKIP LOCKED")


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
UPDATE usage_rollups SET label = :label ::text, after_account = :account_id, after_credit_type = :credit_type,
    pass_time = {timestamp(":pass_time ::bigint")}, complete_time = {timestamp(":complete_time ::bigint")}
WHERE edition = :edition ::integer
""")


def write_rollup(connection: Connection, rollup: UsageRollup) -> None:
    """Write how far a rollup has come."""
    parameters = {**rollup._asdict(), **rollup.after._asdict()}
    del parameters["after"]
    connection.execute(_WRITE, parameters)


_BEGIN: Final = text("""
INSERT INTO usage_rollups (edition, state, label, after_account, after_credit_type, pass_time, complete_time)
VALUES (:edition ::integer, 1, :label ::text, '', '', timestamptz 'epoch', NULL)
""")

_MOVE: Final = text("UPDATE usage_rollups SET state = :state ::smallint WHERE edition = :edition ::integer")


def begin_rollup(connection: Connection, edition: int, label: str) -> None:
    """Begin a rollup that is to take the place of the one that is served. If one is built, it is a conflict of keys."""
    connection.execute(_BEGIN, {"edition": edition, "label": label})


def move_rollup(connection: Connection, edition: int, state: int) -> None:
    """Give a rollup another state."""
    connection.execute(_MOVE, {"edition": edition, "state": state})


class Unadded(NamedTuple):
    """A wallet as far as its ledger goes, and as far as it is added up."""

    wallet: WalletKey
    version: int
    position: int


_POSITIONS: Final = """
SELECT w.account_id, w.credit_type, w.version, coalesce(p.version, 0)
FROM ({wallets}) AS w
LEFT JOIN LATERAL (
    SELECT version FROM usage_positions
    WHERE account_id = w.account_id AND credit_type = w.credit_type AND edition = :edition ::integer OFFSET 0
) AS p ON true
WHERE {wanted}
ORDER BY w.account_id, w.credit_type
"""

_AFTER: Final = text(
    _POSITIONS.format(
        wallets="""
    SELECT account_id, credit_type, version FROM wallets WHERE (account_id, credit_type) > (:account_id, :credit_type)
    ORDER BY account_id, credit_type LIMIT :count""",
        wanted="true",
    )
)


def wallets_after(connection: Connection, edition: int, wallet: WalletKey, count: int) -> list[Unadded]:
    """Return the next wallets in the order of their keys."""
    return _unadded(connection.execute(_AFTER, {"edition": edition, **wallet._asdict(), "count": count}))


def _unadded(rows: Iterable[Any]) -> list[Unadded]:
    return [
        Unadded(WalletKey(account, credit_type), version, position) for account, credit_type, version, position in rows
    ]


_BY_INDEX: Final = text("SELECT set_config('enable_seqscan', 'off', true)")


def go_by_indexes(connection: Connection) -> None:
    """Have statements of the transaction find rows by an index if there is one.

    PostgreSQL cannot tell how many entries are new: by statistics of an empty table it would read all of them.
    """
    connection.execute(_BY_INDEX)


_MOVED: Final = text(
    _POSITIONS.format(
        wallets=f"""
    SELECT account_id, credit_type, max(version) AS version FROM entries
    WHERE create_time >= {timestamp(":since ::bigint")} AND create_time < timestamptz 'infinity'
    GROUP BY account_id, credit_type""",
        wanted="w.version > coalesce(p.version, 0)",
    )
)


def wallets_moved_since(connection: Connection, edition: int, since: Instant) -> list[Unadded]:
    """Return the wallets of all accounts that have entries made at an instant or later that are not added up.

    Each is as far as the last of these entries goes. If all that was made before is added up, so is each of them as far
    as its ledger goes.
    """
    return _unadded(connection.execute(_MOVED, {"edition": edition, "since": since}))


_QUARTER: Final = "date_bin('15 minutes', c.create_time, timestamptz 'epoch')"

_UNITS: Final[Mapping[Grain, str]] = {
    Grain.QUARTER: "q.start_time",
    Grain.HOUR: "date_trunc('hour', q.start_time, 'UTC')",
    Grain.DAY: "date_trunc('day', q.start_time, 'UTC')",
    Grain.EVER: "timestamptz 'epoch'",
}

_SPANS: Final[Mapping[RankingSpan, str]] = {
    RankingSpan.DAY: "date_trunc('day', {time}, 'UTC')",
    RankingSpan.WEEK: "date_trunc('week', {time}, 'UTC')",
    RankingSpan.MONTH: "date_trunc('month', {time}, 'UTC')",
}


def _values(expressions: Mapping[Any, str], time: str = "") -> str:
    return ", ".join(f"({int(key)}::smallint, {sql.format(time=time)})" for key, sql in expressions.items())


_ADD_UP: Final = text(f"""
WITH weighed AS (
    SELECT e.*, sum(1 + jsonb_array_length(e.slices)) OVER (ORDER BY k.place, e.version) AS weight
    FROM unnest(:account_id ::text[], :credit_type ::text[], :after ::bigint[], :last ::bigint[])
         WITH ORDINALITY AS k (account_id, credit_type, after, last, place)
    CROSS JOIN LATERAL (
        SELECT {ENTRY_COLUMNS} FROM entries
        WHERE account_id = k.account_id AND credit_type = k.credit_type AND version > k.after AND version <= k.last
        OFFSET 0
    ) AS e
), ahead AS MATERIALIZED (
    SELECT * FROM weighed WHERE weight - 1 - jsonb_array_length(slices) < :most ::bigint
), added AS MATERIALIZED (
    {contributions_of("ahead")}
), used AS MATERIALIZED (
    {parts_of("added")}
), quarters AS MATERIALIZED (
    SELECT c.account_id, c.credit_type, {_QUARTER} AS start_time, c.measure, c.source, sum(c.amount) AS amount
    FROM added AS c GROUP BY 1, 2, 3, 4, 5
), positions AS (
    INSERT INTO usage_positions AS p (account_id, credit_type, edition, version)
    SELECT account_id, credit_type, :edition ::integer, max(version) FROM ahead GROUP BY account_id, credit_type
    ON CONFLICT (account_id, credit_type, edition) DO UPDATE SET version = excluded.version
    RETURNING account_id, credit_type, version
), sums AS (
    INSERT INTO usage_sums AS b (account_id, credit_type, edition, start_time, measure, source, amount)
    SELECT account_id, credit_type, :edition ::integer, start_time, measure, source, amount FROM quarters
    WHERE measure <> {int(Measure.HELD)}
    ON CONFLICT (account_id, credit_type, edition, start_time, measure, source)
    DO UPDATE SET amount = b.amount + excluded.amount
), parts AS (
    INSERT INTO usage_parts AS b (account_id, credit_type, edition, dimension, start_time, value, used, covered)
    SELECT c.account_id, c.credit_type, :edition ::integer, c.dimension, {_QUARTER}, c.value,
           sum(c.used), sum(c.covered)
    FROM used AS c GROUP BY 1, 2, 4, 5, 6
    ON CONFLICT (account_id, credit_type, edition, dimension, start_time, value)
    DO UPDATE SET used = b.used + excluded.used, covered = b.covered + excluded.covered
), totals AS (
    INSERT INTO usage_totals AS b (edition, credit_type, grain, start_time, measure, source, amount)
    SELECT :edition ::integer, q.credit_type, g.grain, g.start_time, q.measure, q.source, sum(q.amount)
    FROM quarters AS q CROSS JOIN LATERAL (VALUES {_values(_UNITS)}) AS g (grain, start_time)
    GROUP BY 2, 3, 4, 5, 6
    ON CONFLICT (edition, credit_type, grain, start_time, measure, source)
    DO UPDATE SET amount = b.amount + excluded.amount
), ranked AS (
    {ranked_of("added", "used")}
), ranks AS (
    INSERT INTO usage_ranks AS b (edition, credit_type, dimension, span, span_time, value, used, covered)
    SELECT :edition ::integer, c.credit_type, c.dimension, s.span, s.span_time, c.value,
           sum(c.used), sum(c.covered)
    FROM ranked AS c CROSS JOIN LATERAL (VALUES {_values(_SPANS, "c.create_time")}) AS s (span, span_time)
    GROUP BY 2, 3, 4, 5, 6
    ON CONFLICT (edition, credit_type, dimension, span, span_time, value)
    DO UPDATE SET used = b.used + excluded.used, covered = b.covered + excluded.covered
)
SELECT account_id, credit_type, version FROM positions
""")


def add_up(
    connection: Connection, edition: int, label: str, stretches: Sequence[Unadded], most: int
) -> dict[WalletKey, int]:
    """Add the entries of stretches, each from a wallet's position to a version, to a rollup; move its positions on.

    It ends after the entry with which ``most`` entries and slices are reached. Return how far it came, by wallet. The
    caller has the rollup's turn: nobody else moves its positions.
    """
    parameters = {
        "account_id": texts(one.wallet.account_id for one in stretches),
        "credit_type": texts(one.wallet.credit_type for one in stretches),
        "after": numbers(one.position for one in stretches),
        "last": numbers(one.version for one in stretches),
    }
    rows = connection.execute(_ADD_UP, {**parameters, "edition": edition, "label": label, "most": most})
    return {WalletKey(account_id, credit_type): version for account_id, credit_type, version in rows}


_ESTIMATE: Final = text("SELECT greatest(reltuples, 0)::bigint FROM pg_class WHERE oid = 'entries'::regclass")


def estimated_entries(connection: Connection) -> int:
    """Return about how many entries there are in all ledgers, as PostgreSQL has counted them last."""
    return int(connection.execute(_ESTIMATE).scalar_one())


_GENERATIONS: Final = text("SELECT r.edition FROM usage_rollups r WHERE r.state = :state ::smallint ORDER BY 1")


def editions(connection: Connection, state: int) -> list[int]:
    """Return the editions in a state, the oldest first."""
    return list(connection.execute(_GENERATIONS, {"state": state}).scalars())


_LOCK: Final = text("SELECT r.edition, r.state FROM usage_rollups r ORDER BY r.edition FOR UPDATE")


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

_FORGET: Final = text("DELETE FROM usage_rollups WHERE edition = :edition AND state = :state ::smallint")


def delete_of_wallets(connection: Connection, edition: int, wallets: Sequence[WalletKey]) -> None:
    """Delete what a retired rollup has of some wallets."""
    parameters = {
        "edition": edition,
        "account_id": texts(wallet.account_id for wallet in wallets),
        "credit_type": texts(wallet.credit_type for wallet in wallets),
    }
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
