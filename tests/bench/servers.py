"""`make bench-servers`: one, two and four servers on one database, with the same number of callers in all.

Rounds of one, two and four servers take turns, so that what else the machine does falls on all of them. The figure that
counts is the ratio to one server's rate, beside the ratio where no server meets another. ``cpu us`` is the processor
time of one operation, of all processes together: it tells the same on a machine that others use.
"""

import argparse
import os
import re
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from creditd.development.postgres import embedded_postgres
from creditd.storage.schema import migrate
from tests.bench import requests
from tests.bench.cpu import CpuMeter
from tests.bench.generator_process import generate
from tests.bench.job import Job, Outcome
from tests.bench.report import Ledger
from tests.bench.rounds import seed
from tests.bench.service_process import SETTINGS, Service, ledger_repeats, ledger_rows, serving
from tests.bench.transport import CHOICES, metrics_of

CALLERS = 64
"""Over all servers."""

SERVERS = (1, 2, 4)
APART = "100 apart"
"""Where each server has its share of the accounts, so that none meets another: what is lost there is lost to the
machine, which runs all servers, PostgreSQL and the callers, and no way to share accounts brings more."""

SPREADS = {"1 hot": (0, 1), "100": (1, 100), APART: (101, 100)}
"""The number of the first account, and how many there are; every server's callers use all of them but for APART."""

TARGETS = {2: 0.9, 4: 0.8}
"""Of one server's rate, by the number of servers."""

COUNTS = ("works", "batches", "conflicts", "copies", "stale_copies", "shared", "locked")

_COUNT = re.compile(r"^creditd_ledger_(\w+)_total (\S+)$", re.MULTILINE)


@dataclass
class Total:
    """What came of all rounds of one kind."""

    rates: list[float] = field(default_factory=list)
    counts: Counter[str] = field(default_factory=Counter)
    refusals: Counter[str] = field(default_factory=Counter)
    acknowledged: int = 0
    in_doubt: int = 0
    log_bytes: int = 0
    cpu_seconds: float = 0.0
    operations: int = 0

    @property
    def rate(self) -> float:
        """The mean rate of a second."""
        return sum(self.rates) / len(self.rates)


def main() -> int:
    """Measures and prints; 1 if a row of the ledger was lost or is there twice, whatever the speed."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench.servers", description=__doc__)
    quick = os.environ.get("QUICK", "0") not in {"", "0"}
    parser.add_argument("--quick", action="store_true", default=quick, help="one turn instead of three")
    parser.add_argument("--transport", choices=CHOICES, help="instead of the one that the service chooses")
    arguments = parser.parse_args()
    totals = {(spread, count): Total() for spread in SPREADS for count in SERVERS}
    with database_with_log() as (database_url, log), ExitStack() as stack:
        servers = [stack.enter_context(serving(database_url, arguments.transport)) for _ in range(max(SERVERS))]
        transports = [server.transport for server in servers]
        print(f"Served by {', '.join(transports)}.", flush=True)
        acknowledged = seed(servers[0], 0, sum(SPREADS[APART])).acknowledged
        for _ in range(1 if arguments.quick else 3):
            for (spread, count), total in totals.items():
                measure(servers[:count], _jobs(servers[:count], spread), log, total)
        ledger = Ledger(
            acknowledged=acknowledged + sum(total.acknowledged for total in totals.values()),
            rows=ledger_rows(database_url),
            in_doubt=sum(total.in_doubt for total in totals.values()),
            repeats=ledger_repeats(database_url),
        )
    _report(totals, transports)
    print(f"\n{ledger.line()}")
    return 0 if ledger.sound else 1


@contextmanager
def database_with_log() -> Iterator[tuple[str, Path]]:
    """A fresh database with the service's tables, and the file that its PostgreSQL logs to."""
    with tempfile.TemporaryDirectory(prefix="creditd-bench-") as folder:
        data = Path(folder, "data")
        with embedded_postgres(data, settings=SETTINGS) as database_url:
            migrate(database_url)
            yield database_url, data / "postgres.log"


def _jobs(servers: Sequence[Service], spread: str) -> list[Job]:
    first_account, accounts = SPREADS[spread]
    share, step = (accounts // len(servers),) * 2 if spread == APART else (accounts, 0)
    return [
        Job(s.port, s.token, requests.reserve(), CALLERS // len(servers), first_account + n * step, share, 0.7, 2.0)
        for n, s in enumerate(servers)
    ]


def measure(servers: Sequence[Service], jobs: Sequence[Job], log: Path, total: Total) -> None:
    """Do all jobs at once, and add what came of them, and what it has cost these servers, to a total."""
    meters = [CpuMeter(server.pid, server.database_url) for server in servers]
    before, size, used = _counts(servers), log.stat().st_size, _cpu(meters)
    with ThreadPoolExecutor(len(jobs)) as pool:
        outcomes: list[Outcome] = list(pool.map(generate, jobs))
    total.rates.append(sum(outcome.rate for outcome in outcomes))
    total.counts.update(_counts(servers) - before)
    total.log_bytes += log.stat().st_size - size
    total.cpu_seconds += _cpu(meters) - used + sum(outcome.generator_cpu_s for outcome in outcomes)
    total.operations += sum(outcome.operations for outcome in outcomes)
    for outcome in outcomes:
        total.acknowledged += outcome.acknowledged
        total.in_doubt += outcome.in_doubt
        total.refusals.update(outcome.refusals)


def _counts(servers: Sequence[Service]) -> Counter[str]:
    found: Counter[str] = Counter()
    for server in servers:
        for name, value in _COUNT.findall(metrics_of(server.metrics_port)):
            if name in COUNTS:
                found[name] += int(float(value))
    return found


def _cpu(meters: Sequence[CpuMeter]) -> float:
    """Return the processor time that all servers and their one PostgreSQL have used."""
    read = [meter.read() for meter in meters]
    return sum(used.server for used in read) + read[0].postgres


HEADINGS = (
    f"{'ops/s':>7} {'of one':>7} {'cpu us':>6} {'batch':>6} {'conflicts':>9} {'stale':>6} {'shared':>7} {'apart':>6} "
    f"{'log bytes':>9}  refusals"
)
"""Of what `figures` returns."""


def _report(totals: dict[tuple[str, int], Total], transports: Sequence[str]) -> None:
    print(f"{'accounts':>9} {'servers':>7} {'served by':>9} {'target':>7} {HEADINGS}")
    for (spread, count), total in totals.items():
        served_by = "+".join(sorted(set(transports[:count])))
        of_one = figures(total, totals[spread, 1].rate)
        print(f"{spread:>9} {count:>7} {served_by:>9} {TARGETS.get(count, 1):>6.1f}x {of_one}")


def figures(total: Total, rate_of_one: float) -> str:
    """A line of what came of a kind of rounds, beside the rate that one server has."""
    counts = total.counts
    return (
        f"{total.rate:>7,.0f} {total.rate / rate_of_one:>6.2f}x "
        f"{total.cpu_seconds / max(1, total.operations) * 1e6:>6.0f} "
        f"{counts['works'] / max(1, counts['batches']):>6.1f} "
        f"{counts['conflicts'] / max(1, counts['batches']):>9.1%} "
        f"{counts['stale_copies'] / max(1, counts['copies']):>6.1%} "
        f"{counts['shared'] / max(1, counts['works']):>7.1%} {counts['locked']:>6} {total.log_bytes:>9,}  "
        f"{dict(total.refusals) or 'none'}"
    )


if __name__ == "__main__":
    sys.exit(main())
