"""What is to be delivered to endpoints, taken over from what is published, claimed and ended.

Of an account the deliveries to an endpoint are made one after the other: the first has a time for its next attempt,
and those after it get theirs once it is through or a dead letter. So an event that cannot be delivered holds up what
follows of its account, and nothing else. Everything here but ``prune`` is done to endpoints that are held, to several
at once (:mod:`creditd.storage.events.event_endpoints`).
"""

from collections.abc import Collection, Mapping, Sequence
from typing import Final, NamedTuple

from sqlalchemy import Connection, text

from creditd.domain.instant import Instant
from creditd.storage.arrays import identifiers, numbers, texts
from creditd.storage.rows import micros, timestamp

# The first event of an account goes at once, unless an earlier one is not through.
_PUT: Final = f"""
INSERT INTO event_deliveries AS d (endpoint_key, position, account, state, attempts, begin_time, next_attempt_time,
                                   problem)
SELECT w.endpoint_key, w.position, w.account, 1, 0, {timestamp(":now ::bigint")},
       CASE WHEN w.ordinal = 1 AND (
           SELECT 1 FROM event_deliveries AS o
           WHERE o.endpoint_key = w.endpoint_key AND o.account = w.account AND o.state = 1 LIMIT 1
       ) IS NULL THEN {timestamp(":now ::bigint")} END, ''
FROM wanted AS w
ON CONFLICT (endpoint_key, position) DO UPDATE SET
    state = 1, attempts = 0, begin_time = excluded.begin_time, next_attempt_time = excluded.next_attempt_time
WHERE d.state = 2
"""

_ORDINAL: Final = "row_number() OVER (PARTITION BY endpoint_key, account ORDER BY position) AS ordinal"

_TAKE_OVER = text(f"""
WITH behind AS MATERIALIZED (
    SELECT e.endpoint_key, greatest(e.position, p.removed_position) AS taken, p.position AS last, e.kinds,
           e.account AS only_account, e.credit_type AS only_type
    FROM event_endpoints AS e CROSS JOIN event_publishing AS p
    WHERE p.name = 'events' AND e.endpoint_key = ANY (CAST(:keys AS uuid[])) AND NOT e.paused
    AND e.position < p.position
), looked AS MATERIALIZED (
    SELECT b.endpoint_key, n.position, n.account,
           (b.kinds = '{{}}' OR n.kind = ANY (b.kinds)) AND (b.only_account = '' OR n.account = b.only_account)
           AND (b.only_type = '' OR n.credit_type = b.only_type) AS is_wanted
    FROM behind AS b CROSS JOIN LATERAL (
        SELECT position, account, kind, credit_type FROM published_events
        WHERE position > b.taken AND position <= b.last ORDER BY position LIMIT CAST(:rows AS bigint)
    ) AS n
), wanted AS (
    SELECT endpoint_key, position, account, {_ORDINAL} FROM looked WHERE is_wanted
), put AS ({_PUT}), come AS (
    SELECT b.endpoint_key, b.last, CASE WHEN count(l.position) < :rows THEN b.last ELSE max(l.position) END AS position
    FROM behind AS b LEFT JOIN looked AS l USING (endpoint_key) GROUP BY b.endpoint_key, b.last
)
UPDATE event_endpoints AS e SET position = c.position FROM come AS c WHERE e.endpoint_key = c.endpoint_key
RETURNING c.position < c.last
""")


def take_over(connection: Connection, keys: Collection[str], now: Instant, rows: int) -> bool:
    """Have the next published events delivered, of those that each endpoint asks for; paused ones take none.

    At most ``rows`` events are looked at for each; return whether there are more. Dead letters among them are to be
    delivered again, and what is on its way stays so.
    """
    found = connection.execute(_TAKE_OVER, {"keys": identifiers(keys), "now": now, "rows": rows})
    return any(has_more for (has_more,) in found)


_ADD = text(f"""
WITH wanted AS (
    SELECT endpoint_key, position, account, {_ORDINAL} FROM (
        SELECT CAST(:endpoint_key AS uuid) AS endpoint_key, position, account FROM published_events
        WHERE position = ANY (CAST(:positions AS bigint[]))
    ) AS e
) {_PUT}
""")


def add(connection: Connection, endpoint_key: str, positions: Collection[int], now: Instant) -> None:
    """Have the events at some positions delivered, whatever the endpoint asks for."""
    connection.execute(_ADD, {"endpoint_key": endpoint_key, "positions": numbers(positions), "now": now})


class Claimed(NamedTuple):
    """A delivery that is to be attempted, the ``attempts``-th time, and since when it is."""

    endpoint_key: str
    position: int
    account_id: str
    attempts: int
    begin_time: Instant


# Rows are named by their places, so that no plan reads the table to join it with what is asked for.
_CLAIM = text(f"""
UPDATE event_deliveries SET attempts = attempts + 1, next_attempt_time = {timestamp(":until ::bigint")}
WHERE ctid = ANY (ARRAY(
    SELECT d.ctid FROM unnest(CAST(:keys AS uuid[]), CAST(:counts AS bigint[])) AS n (endpoint_key, count)
    CROSS JOIN LATERAL (
        SELECT ctid FROM event_deliveries
        WHERE endpoint_key = n.endpoint_key AND next_attempt_time <= {timestamp(":now ::bigint")}
        ORDER BY next_attempt_time LIMIT n.count
    ) AS d
))
RETURNING endpoint_key::text, position, account, attempts, {micros("begin_time")}
""")


def claim(connection: Connection, counts: Mapping[str, int], now: Instant, until: Instant) -> list[Claimed]:
    """Take deliveries that are due, up to so many of each endpoint; whoever dies with them loses them at ``until``."""
    values = {"keys": identifiers(counts), "counts": numbers(counts.values()), "now": now, "until": until}
    return [Claimed._make((*row[:-1], Instant(row[-1]))) for row in connection.execute(_CLAIM, values)]


class Ended(NamedTuple):
    """What became of an attempt: delivered, to be tried again at ``again``, or a dead letter if that is None."""

    claimed: Claimed
    is_delivered: bool
    again: Instant | None
    problem: str


# Who has lost the lease of a delivery ends nothing: another attempts it.
_LEASED: Final = """
ctid = ANY (ARRAY(
    SELECT d.ctid FROM unnest(CAST(:keys AS uuid[]), CAST(:positions AS bigint[]), CAST(:attempts AS integer[]))
                       AS n (endpoint_key, position, attempts)
    CROSS JOIN LATERAL (
        SELECT ctid FROM event_deliveries
        WHERE endpoint_key = n.endpoint_key AND position = n.position AND attempts = n.attempts AND state = 1 OFFSET 0
    ) AS d
))
"""

_DELIVERED = text(f"DELETE FROM event_deliveries WHERE {_LEASED} RETURNING endpoint_key::text, account")

# Of one delivery there may be two outcomes: of whom has lost the lease, and of whom has it.
_FAILED = text(f"""
UPDATE event_deliveries AS d SET (state, next_attempt_time, problem) = (
    SELECT CAST(CASE WHEN n.again IS NULL THEN 2 ELSE 1 END AS smallint), {timestamp("n.again")}, n.problem
    FROM unnest(CAST(:keys AS uuid[]), CAST(:positions AS bigint[]), CAST(:attempts AS integer[]),
                CAST(:again AS bigint[]), CAST(:problems AS text[]))
         AS n (endpoint_key, position, attempts, again, problem)
    WHERE n.endpoint_key = d.endpoint_key AND n.position = d.position AND n.attempts = d.attempts LIMIT 1
)
WHERE {_LEASED} RETURNING endpoint_key::text, account, state = 2
""")


def end(connection: Connection, ended: Sequence[Ended], now: Instant) -> None:
    """Note what became of attempts. After what is through, or a dead letter, the next one of its account follows."""
    delivered = [one for one in ended if one.is_delivered]
    failed = [one for one in ended if not one.is_delivered]
    through: set[tuple[str, str]] = set()
    if delivered:
        through |= {(key, account) for key, account in connection.execute(_DELIVERED, _names(delivered))}
    if failed:
        values = _names(failed) | {
            "again": numbers(one.again for one in failed),
            "problems": texts(one.problem for one in failed),
        }
        through |= {(key, account) for key, account, is_dead in connection.execute(_FAILED, values) if is_dead}
    _follow(connection, through, now)


def _names(ended: Sequence[Ended]) -> dict[str, object]:
    return {
        "keys": identifiers(one.claimed.endpoint_key for one in ended),
        "positions": numbers(one.claimed.position for one in ended),
        "attempts": numbers(one.claimed.attempts for one in ended),
    }


_FOLLOW = text(f"""
UPDATE event_deliveries SET next_attempt_time = {timestamp(":now ::bigint")}
WHERE ctid = ANY (ARRAY(
    SELECT d.ctid FROM unnest(CAST(:keys AS uuid[]), CAST(:accounts AS text[])) AS n (endpoint_key, account)
    CROSS JOIN LATERAL (
        SELECT ctid, next_attempt_time FROM event_deliveries
        WHERE endpoint_key = n.endpoint_key AND account = n.account AND state = 1 ORDER BY position LIMIT 1
    ) AS d WHERE d.next_attempt_time IS NULL
))
""")


def _follow(connection: Connection, through: Collection[tuple[str, str]], now: Instant) -> None:
    if through:
        ordered = sorted(through)
        keys, accounts = identifiers(key for key, _ in ordered), texts(account for _, account in ordered)
        connection.execute(_FOLLOW, {"keys": keys, "accounts": accounts, "now": now})


_OVERDUE = text(f"""
UPDATE event_deliveries SET state = 2, next_attempt_time = NULL,
    problem = CASE WHEN problem = '' THEN 'earlier events were not through' ELSE problem END
WHERE ctid = ANY (ARRAY(
    SELECT d.ctid FROM unnest(CAST(:keys AS uuid[])) AS n (endpoint_key) CROSS JOIN LATERAL (
        SELECT ctid FROM event_deliveries
        WHERE endpoint_key = n.endpoint_key AND state = 1 AND begin_time < {timestamp(":before ::bigint")}
        ORDER BY begin_time, position LIMIT :count
    ) AS d LIMIT :count
))
RETURNING endpoint_key::text, account
""")


def bury(connection: Connection, keys: Collection[str], before: Instant, now: Instant, count: int) -> int:
    """Make dead letters of up to ``count`` deliveries that have waited since before an instant; return how many."""
    values = {"keys": identifiers(keys), "before": before, "count": count}
    buried = [(key, account) for key, account in connection.execute(_OVERDUE, values)]
    _follow(connection, set(buried), now)
    return len(buried)


# Of deleted endpoints all goes, and of the others the dead letters of events that are kept no more. A delivery that is
# still to be made is not removed here: what follows it would wait for ever.
_PRUNE = text("""
DELETE FROM event_deliveries WHERE ctid = ANY (ARRAY(
    SELECT d.ctid FROM event_endpoints AS e CROSS JOIN LATERAL (
        SELECT ctid FROM event_deliveries WHERE endpoint_key = e.endpoint_key ORDER BY position LIMIT :count
    ) AS d WHERE e.delete_time IS NOT NULL LIMIT :count
) || ARRAY(
    SELECT d.ctid FROM event_endpoints AS e CROSS JOIN event_publishing AS p CROSS JOIN LATERAL (
        SELECT ctid FROM event_deliveries
        WHERE endpoint_key = e.endpoint_key AND state = 2 AND position <= p.removed_position
        ORDER BY position LIMIT :count
    ) AS d WHERE p.name = 'events' AND e.delete_time IS NULL LIMIT :count
))
""")


_IN_ORDER = text("SELECT set_config('enable_bitmapscan', 'off', true)")


def prune(connection: Connection, count: int) -> int:
    """Remove deliveries that nobody asks for any more, up to ``count`` of each kind; return how many."""
    # Else all that is left of an endpoint is read for each share of it.
    connection.execute(_IN_ORDER)
    return connection.execute(_PRUNE, {"count": count}).rowcount
