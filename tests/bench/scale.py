"""`make bench-scale`: whether the service slows down as accounts and ledger rows grow.

Two servers run side by side, each on a database of its own: one with 10,000 accounts that have a row or so each, one
with 100,000 accounts and ten million rows. Rounds go to them in turn, forth and back, since a machine's speed drifts by
more than what is to be found out.
"""

import argparse
import os
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import fmean

import psycopg

from tests.bench import requests, rounds
from tests.bench.generator_process import generate
from tests.bench.job import Job, Operation
from tests.bench.paging import measure_pages
from tests.bench.plan import ACCOUNTS as FEW_ACCOUNTS
from tests.bench.report import troubles
from tests.bench.rounds import Subject, subject
from tests.bench.seed import ACCOUNTS as MANY_ACCOUNTS
from tests.bench.seed import ENTRIES_PER_ACCOUNT, seed
from tests.bench.service_process import fresh_database, serving
from tests.bench.transport import CHOICES

_QUICK_ACCOUNTS = 20_000
_CALLERS = (1, 64)
_WARMUP_S = 0.5
_DEEP_ACCOUNT = 1
_DEEPENING_S = 3.0
_MODES = {"GetBalance": requests.get_balance(), "Reserve": requests.reserve()}


@dataclass(frozen=True)
class Spread:
    """Accounts, numbered from 1 on, to draw from on one of the servers."""

    label: str
    subject: Subject
    accounts: int


def main() -> None:
    """Seeds, measures and prints."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench.scale", description=__doc__)
    quick = os.environ.get("QUICK", "0") not in {"", "0"}
    parser.add_argument("--quick", action="store_true", default=quick, help="fewer accounts and shorter rounds")
    parser.add_argument("--transport", choices=CHOICES, help="instead of the one that the service chooses")
    arguments = parser.parse_args()
    many, round_s = (_QUICK_ACCOUNTS, 2.0) if arguments.quick else (MANY_ACCOUNTS, 5.0)
    with fresh_database() as small_url, fresh_database() as large_url:
        print(f"Seeding {many * ENTRIES_PER_ACCOUNT:,} entries of {many:,} accounts ...", flush=True)
        seed(large_url, many)
        transport = arguments.transport
        with serving(small_url, transport) as small, serving(large_url, transport) as large:
            print(f"Served by {small.transport}, {large.transport}.", flush=True)
            # Each account is used once, on both: what is compared is the size of what they have, not who has looked at
            # an account before.
            for service, accounts in ((small, FEW_ACCOUNTS), (large, many)):
                first = rounds.seed(service, 1, accounts)
                print(f"Used for the first time: {accounts:,} accounts at {first.rate:,.0f} a second.", flush=True)
            for url in (small_url, large_url):
                _checkpoint(url)
            spreads = (
                Spread(f"small: {FEW_ACCOUNTS:,} accounts", subject(small), FEW_ACCOUNTS),
                Spread(f"large: {FEW_ACCOUNTS:,} of {many:,}", subject(large), FEW_ACCOUNTS),
                Spread(f"large: {many:,} accounts", subject(large), many),
            )
            _compare(spreads, round_s)
            _page(spreads[:2])


def _checkpoint(database_url: str) -> None:
    # Both begin right after one, so that both write whole pages to the log at their first touch.
    with psycopg.connect(database_url, autocommit=True) as connection:
        connection.execute("CHECKPOINT")


def _compare(spreads: Sequence[Spread], round_s: float) -> None:
    print(
        "\nmode        callers  database                        rate/s   p50 ms   p99 ms  server us  PostgreSQL us"
        "  of the small one's rate"
    )
    for mode, operations in _MODES.items():
        for callers in _CALLERS:
            turns = (*spreads, *reversed(spreads))
            found = [(spread, _measure(spread, operations, callers, round_s)) for spread in turns]
            base = 0.0
            for spread in spreads:
                runs = [figures for turn, figures in found if turn is spread]
                rate, p50, p99, server, postgres = map(fmean, zip(*runs, strict=True))
                base = base or rate
                figures = f"{rate:8,.0f}  {p50:7.2f}  {p99:7.2f}  {server:9.0f}  {postgres:13.0f}  {rate / base:7.2f}x"
                print(f"{mode:10}  {callers:7}  {spread.label:28}  {figures}", flush=True)


def _measure(spread: Spread, operations: tuple[Operation, ...], callers: int, round_s: float) -> tuple[float, ...]:
    """Return rate, p50 and p99 in ms, and the processor time of server and PostgreSQL in µs of one operation."""
    service = spread.subject.service
    job = Job(service.port, service.token, operations, callers, 1, spread.accounts, _WARMUP_S, round_s)
    outcome, used = spread.subject.measure(job)
    if said := troubles(outcome):
        print(said.lstrip("\n"))
    per_operation = map(outcome.per_operation_us, (used.cpu.server, used.cpu.postgres))
    return outcome.rate, outcome.p50_ms, outcome.p99_ms, *per_operation


def _page(spreads: Sequence[Spread]) -> None:
    print("\nListTransactions, 100 a page   entries  first page p50, p99 ms  last page p50, p99 ms")
    for spread in spreads:
        service = spread.subject.service
        generate(Job(service.port, service.token, requests.batch_reserve(), 1, _DEEP_ACCOUNT, 1, 0.0, _DEEPENING_S))
        pages = measure_pages(service, _DEEP_ACCOUNT)
        figures = [latencies.quantile_ms(share) for latencies in (pages.first, pages.last) for share in (0.5, 0.99)]
        print(f"{spread.label:29}  {pages.entries:8,}" + "".join(f"  {figure:9.2f}" for figure in figures), flush=True)


if __name__ == "__main__":
    main()
