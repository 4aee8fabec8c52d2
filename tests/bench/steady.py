"""`make bench-steady`: whether the service is after ten minutes what it was after one.

Reads, holds that are confirmed and holds that expire arrive in an open loop, at a rate that leaves the machine time to
spare, while the sweep, checkpoints and vacuum do their work. At a fixed rate the rate cannot fall before the latencies
rise; the processor time of a call tells sooner, so that it is watched too.
"""

import argparse
import sys
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Final, NamedTuple

import psutil
import psycopg

from tests.bench import plan, report, requests
from tests.bench.cpu import CpuSeconds
from tests.bench.generator_process import generate, generate_windows
from tests.bench.job import Job, Operation, Outcome
from tests.bench.report import Ledger
from tests.bench.rounds import Subject, seed, subject
from tests.bench.service_process import (
    SETTINGS,
    Service,
    expired_holds,
    fresh_database,
    ledger_repeats,
    ledger_rows,
    serving,
)
from tests.bench.transport import CHOICES
from tests.bench.trend import LEAST_POINTS, trend

MINUTES: Final = 10
MOST_MINUTES: Final = 50
"""The server sends its connections away after an hour, more or less."""

CALLERS: Final = 64
"""Over as many connections as so many callers would have."""

SHARE: Final = 0.5
"""Of what a closed loop reaches: what is left takes the checkpoints, the vacuum, and what else the machine does."""

PROBE_S: Final = 10.0

# Checkpoints as often as PostgreSQL lets them be, and vacuum as soon as there is something to do: some of each in every
# minute, so that no minute differs from another by having none.
BUSY: Final = SETTINGS | {"checkpoint_timeout": "30s", "max_wal_size": "4GB", "autovacuum_naptime": "5s"}

_MEBIBYTE: Final = 1 << 20

_COUNTS = """
SELECT pg_current_wal_insert_lsn() - '0/0'::pg_lsn,
       (SELECT num_timed + num_requested FROM pg_stat_checkpointer),
       (SELECT coalesce(sum(autovacuum_count), 0) FROM pg_stat_user_tables)
"""


class Sample(NamedTuple):
    """What has been used and done so far, and the memory that the server has now."""

    cpu: CpuSeconds
    resident_bytes: int
    wal_bytes: int
    checkpoints: int
    vacuums: int


class Minute(NamedTuple):
    """One minute of the run; processor time is of one call, the write-ahead log of one row that was acknowledged."""

    rate: float
    p50_ms: float
    p99_ms: float
    server_us: float
    postgres_us: float
    resident_mib: float
    wal_bytes: float
    checkpoints: int
    vacuums: int


WATCHED: Final = ("rate", "p99_ms", "server_us", "postgres_us", "resident_mib", "wal_bytes")
"""The figures of a minute that should have no slope."""

COLUMNS: Final = (
    "minute   calls/s   p50 ms   p99 ms  server us  PostgreSQL us  resident MiB  WAL bytes/row  checkpoints  vacuums"
)


def sample(measured: Subject) -> Sample:
    """What the server and PostgreSQL have come to."""
    service = measured.service
    root = psutil.Process(service.pid)
    resident = sum(process.memory_info().rss for process in (root, *root.children(recursive=True)))
    with psycopg.connect(service.database_url) as connection:
        row = connection.execute(_COUNTS).fetchone()
    assert row is not None
    return Sample(measured.meter.read(), resident, *map(int, row))


def minute(before: Sample, after: Sample, outcome: Outcome) -> Minute:
    """What lies between two samples, in which the load had this outcome."""
    cpu = after.cpu - before.cpu
    return Minute(
        rate=outcome.rate,
        p50_ms=outcome.p50_ms,
        p99_ms=outcome.p99_ms,
        server_us=outcome.per_operation_us(cpu.server),
        postgres_us=outcome.per_operation_us(cpu.postgres),
        resident_mib=after.resident_bytes / _MEBIBYTE,
        wal_bytes=(after.wal_bytes - before.wal_bytes) / max(outcome.acknowledged, 1),
        checkpoints=after.checkpoints - before.checkpoints,
        vacuums=after.vacuums - before.vacuums,
    )


def calls_of(operations: Sequence[Operation]) -> float:
    """How many calls an operation of the mix has on average."""
    weights = sum(operation.weight for operation in operations)
    return sum(operation.weight * len(operation.steps) for operation in operations) / weights


def carried_rate(service: Service, probe_s: float) -> tuple[float, Outcome]:
    """Calls a second that the machine carries with time to spare, and the closed loop that tells."""
    operations = requests.mix_with_expiry()
    outcome = generate(Job(service.port, service.token, operations, CALLERS, 1, plan.ACCOUNTS, 1.0, probe_s))
    return SHARE * outcome.rate, outcome


def steady(
    measured: Subject, rate: float, minutes: int, minute_s: float = 60.0, accounts: int = plan.ACCOUNTS
) -> Iterator[tuple[Minute, Outcome]]:
    """Makes so many calls a second for so many minutes, each of them reported as it ends."""
    service, operations = measured.service, requests.mix_with_expiry()
    job = Job(service.port, service.token, operations, CALLERS, 1, accounts, measured_s=minute_s, windows=minutes)
    job = replace(job, rate=rate / calls_of(operations))
    before = sample(measured)
    for outcome in generate_windows(job):
        after = sample(measured)
        yield minute(before, after, outcome), outcome
        before = after


def line(number: int, found: Minute) -> str:
    """One line of the table under `COLUMNS`."""
    return (
        f"{number:6}  {found.rate:8,.0f}  {found.p50_ms:7.2f}  {found.p99_ms:7.2f}  {found.server_us:9.0f}"
        f"  {found.postgres_us:13.0f}  {found.resident_mib:12.1f}  {found.wal_bytes:13,.0f}  {found.checkpoints:11}"
        f"  {found.vacuums:7}"
    )


def slopes(minutes: Sequence[Minute]) -> list[str]:
    """For each watched figure whether it has a slope; without the first minute, in which memory and caches fill."""
    return [_slope(name, [getattr(found, name) for found in minutes[1:]]) for name in WATCHED]


def _slope(name: str, values: Sequence[float]) -> str:
    found = trend(values)
    if found is None:
        return f"{name:12}  too short to tell: it takes {LEAST_POINTS + 1} minutes"
    verdict = "SLOPE" if found.is_slope else "no slope"
    return f"{name:12}  {found.slope:+8.2%} a minute, standard error {found.error:.2%}: {verdict}"


def main() -> int:
    """Measures and prints; 1 if a row of the ledger was lost or is there twice, whatever the speed and its slope."""
    arguments = _arguments()
    print(report.warning(report.load_average()), end="", flush=True)
    with fresh_database(BUSY) as url, serving(url, arguments.transport) as service:
        print(f"Served by {service.transport}.", flush=True)
        seeded = seed(service, 1, plan.ACCOUNTS)
        carried, probed = carried_rate(service, PROBE_S)
        rate = arguments.rate or carried
        print(f"A closed loop of {CALLERS} callers makes {probed.rate:,.0f} calls a second; now it is {rate:,.0f}.\n")
        print(COLUMNS, flush=True)
        minutes, outcomes = [], [seeded, probed]
        for found, outcome in steady(subject(service), rate, arguments.minutes):
            minutes.append(found)
            outcomes.append(outcome)
            print(line(len(minutes), found) + report.troubles(outcome), flush=True)
        ledger = Ledger(
            acknowledged=sum(outcome.acknowledged for outcome in outcomes),
            rows=ledger_rows(url),
            in_doubt=sum(outcome.in_doubt for outcome in outcomes),
            repeats=ledger_repeats(url),
        )
        expired = expired_holds(url)
    print("\n" + "\n".join(slopes(minutes)))
    print(f"\n{ledger.line()}\n{expired:,} holds expired. Load average after: {report.load_average():.1f}.")
    return 0 if ledger.sound else 1


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.bench.steady", description=__doc__)
    parser.add_argument("--minutes", type=int, default=MINUTES, choices=range(1, MOST_MINUTES + 1), metavar="1 to 50")
    parser.add_argument("--rate", type=float, help="calls a second, instead of half of what a closed loop makes")
    parser.add_argument("--transport", choices=CHOICES, help="instead of the one that the service chooses")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
