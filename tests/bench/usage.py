"""How long usage takes on a long ledger: adding it up, telling it, rebuilding it; and how many rows are touched.

    .venv/bin/python -m tests.bench.usage --accounts 100000 --entries 100

It fills a database of its own in the tests' PostgreSQL with so many entries of each account, over the last 30 days.
"""

import argparse
import asyncio
import sys
import time
from collections.abc import Callable, Sequence
from datetime import UTC
from functools import partial
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from types import SimpleNamespace
from typing import Any, Final

import psycopg

from creditd.domain.usage.usage_periods import Granularity, Period, RankingSpan, points, usual_period, zone_of
from creditd.service.usage.usage_rebuild import UsageRebuild
from tests.support.databases import migrated_database
from tests.support.desk import Desk, desk_at
from tests.support.postgres import session_cluster
from tests.support.usage_rolling import reports_at, roller_at

TIMES: Final = 20
"""How often each read is made; the median and the longest are printed."""

COUNTED_SECONDS: Final = 12.0
"""Until what a session that idles has counted is there to be seen."""

_FILL: Final = """
INSERT INTO credit_types VALUES ('chat', 'Chat', 0, now());
INSERT INTO accounts SELECT 'account-' || n, 1, 1, false, NULL, now(), now() FROM generate_series(1, {accounts}) AS n;
INSERT INTO wallets
SELECT 'account-' || n, 'chat', 0, {entries}, 1000, 0, 0, NULL, 1, now() FROM generate_series(1, {accounts}) AS n;
INSERT INTO reservations
SELECT 'account-' || a, 'chat', md5(a || '-' || v)::uuid, 2, 5, 5, 0, false, '[]', now(), now(), now(), '',
       jsonb_build_object('model', 'model-' || (a + v) % 5), 'spender-' || v % 3, NULL
FROM generate_series(1, {entries} / 2) AS v, generate_series(1, {accounts}) AS a;
INSERT INTO entries (account_id, credit_type, version, kind, amount, available_delta, reserved_delta, debt_delta,
    available_after, reserved_after, debt_after, slices, reservation_id, reservation_state, request_id, ordinal,
    fingerprint, actor, reason, create_time)
SELECT 'account-' || a, 'chat', v, CASE WHEN v = 1 THEN 2 WHEN v % 2 = 1 THEN 7 ELSE 6 END, 5,
       CASE WHEN v % 2 = 0 THEN -5 ELSE 0 END, CASE WHEN v % 2 = 0 THEN 5 WHEN v > 1 THEN -5 ELSE 0 END, 0, 1000, 0, 0,
       '[{{"grant": "01975c5e-0000-7000-8000-000000000003", "source": 3, "amount": 5}}]',
       CASE WHEN v > 1 THEN md5(a || '-' || v / 2)::uuid END, CASE WHEN v > 1 THEN 2 END, a || '-' || v, 0, 1,
       'bench', '', now() - interval '30 days' + (v + random()) * interval '30 days' / ({entries} + 1)
FROM generate_series(1, {entries}) AS v, generate_series(1, {accounts}) AS a;
UPDATE usage_editions SET complete_time = NULL;
VACUUM ANALYZE
"""

_MOVE: Final = """
UPDATE wallets SET version = version + 1;
INSERT INTO entries (account_id, credit_type, version, kind, amount, available_delta, reserved_delta, debt_delta,
    available_after, reserved_after, debt_after, slices, request_id, ordinal, fingerprint, actor, reason, create_time)
SELECT account_id, 'chat', version, 2, 5, 5, 0, 0, 1000, 0, 0,
       '[{"grant": "01975c5e-0000-7000-8000-000000000003", "source": 3, "amount": 5}]',
       account_id || '-' || version, 0, 1, 'bench', '', clock_timestamp()
FROM wallets
"""

_SIZES: Final = """
SELECT relname, pg_total_relation_size(oid) FROM pg_class
WHERE relkind = 'r' AND (relname LIKE 'usage%' OR relname = 'entries') ORDER BY 2 DESC
"""


def fill(url: str, accounts: int, entries: int) -> None:
    """Write the ledger, all accounts' first entries first, as time would have it."""
    with psycopg.connect(url, autocommit=True) as connection:
        for statement in _FILL.format(accounts=accounts, entries=entries).strip().split(";\n"):
            connection.execute(statement.encode())


def timed(name: str, function: Callable[[], object], times: int = TIMES) -> None:
    """Print how long a read takes."""
    took = []
    for _ in range(times):
        start = time.perf_counter()
        function()
        took.append(1_000 * (time.perf_counter() - start))
    print(f"{name:58} median {median(took):7.1f} ms, longest {max(took):7.1f} ms", flush=True)


def measure(desk: Desk, accounts: int, entries: int) -> None:
    """Add up, tell, and rebuild."""
    roller = roller_at(desk)
    start = time.perf_counter()
    rounds = 1
    while roller.roll_up_once():
        rounds += 1
    seconds = time.perf_counter() - start
    print(f"{accounts * entries} entries added up in {seconds:.1f} s, {rounds} rounds", flush=True)
    with psycopg.connect(desk.url, autocommit=True) as connection:
        connection.execute("VACUUM ANALYZE")
        for table, size in connection.execute(_SIZES).fetchall():
            print(f"{table:20} {size / 1_000_000:8.1f} MB with its indexes", flush=True)
    timed("a round with nothing to add", roller.roll_up_once)
    tell(desk)
    with psycopg.connect(desk.url, autocommit=True) as connection:
        for statement in _MOVE.strip().split(";\n"):
            connection.execute(statement.encode())
    start = time.perf_counter()
    rounds = 1
    while roller.roll_up_once():
        rounds += 1
    seconds = time.perf_counter() - start
    print(f"each account moved; {accounts} entries added up in {seconds:.1f} s, {rounds} rounds", flush=True)
    periods = _periods(desk, Granularity.DAY, "UTC")
    timed("analytics by day in UTC, with all of them new", partial(analytics, desk, periods), 5)
    timed("a round with nothing to add, with all of them new", roller.roll_up_once, 5)
    rebuild = UsageRebuild(desk.database, desk.clock, "model")
    start = time.perf_counter()
    rebuild.begin()
    for progress in rebuild.steps():
        if progress.is_deleting:
            break
    print(f"rebuilt and served after {time.perf_counter() - start:.1f} s", flush=True)
    for _ in rebuild.steps():
        pass
    print(f"and the old one deleted after {time.perf_counter() - start:.1f} s", flush=True)


def summary(desk: Desk, periods: list[Period]) -> None:
    """Read an account's usage."""
    asyncio.run(reports_at(desk).summary("account-7", ["chat"], periods))


def analytics(desk: Desk, periods: list[Period]) -> None:
    """Read everybody's usage."""
    asked: Any = SimpleNamespace(subject="bench")
    asyncio.run(reports_at(desk).analytics(asked, ["chat"], periods, RankingSpan.MONTH, 10))


def tell(desk: Desk) -> None:
    """Time the reads, and count the rows that each touches."""
    for granularity in (Granularity.HOUR, Granularity.DAY, Granularity.MONTH):
        for zone in ("UTC", "Asia/Kathmandu"):
            periods = _periods(desk, granularity, zone)
            what = f"by {granularity.name.lower()} in {zone}"
            timed(f"summary {what}", partial(summary, desk, periods))
            timed(f"analytics {what}", partial(analytics, desk, periods))
    periods = _periods(desk, Granularity.DAY, "Asia/Bangkok")
    for name, read in (("summary", summary), ("analytics", analytics)):
        print(f"{name} touches {_rows(desk, partial(read, desk, periods))} rows", flush=True)


def _periods(desk: Desk, granularity: Granularity, zone: str) -> list[Period]:
    named = zone_of(zone) if zone != "UTC" else UTC
    return points(usual_period(desk.clock.now(), granularity, named), granularity, named, 400)


def _rows(desk: Desk, read: Callable[[], object]) -> int:
    """Return how many rows a read takes from tables, by PostgreSQL's own count, which it keeps a little late."""
    before = _taken(desk.url)
    read()
    return _taken(desk.url) - before


def _taken(url: str) -> int:
    time.sleep(COUNTED_SECONDS)
    query = "SELECT sum(seq_tup_read + coalesce(idx_tup_fetch, 0))::bigint FROM pg_stat_user_tables"
    with psycopg.connect(url) as connection:
        row = connection.execute(query).fetchone()
    return int(row[0]) if row else 0


def main(argv: Sequence[str]) -> None:
    """Fill, and measure."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--accounts", type=int, default=10_000)
    parser.add_argument("--entries", type=int, default=100, help="of each account")
    arguments = parser.parse_args(argv)
    with TemporaryDirectory() as folder, session_cluster(Path(folder)), migrated_database() as url:
        start = time.perf_counter()
        fill(url, arguments.accounts, arguments.entries)
        print(f"filled in {time.perf_counter() - start:.0f} s", flush=True)
        with desk_at(url) as desk:
            measure(desk, arguments.accounts, arguments.entries)


if __name__ == "__main__":
    main(sys.argv[1:])
