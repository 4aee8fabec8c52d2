"""Reserves that arrive at a fixed rate, in an open loop: what callers wait for while the service has time to spare."""

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from typing import Any, NamedTuple

from tests.bench import requests
from tests.bench.figures import Row, Summary
from tests.bench.job import Job, Outcome
from tests.bench.naive import Yardstick, Yardsticks
from tests.bench.pgbench import PgbenchOutcome
from tests.bench.plan import RESERVE, Plan
from tests.bench.rounds import Subject, Used

CALLERS = 64
"""Over as many connections as so many callers would have; pgbench has so many clients."""

EXPLANATION = """\
Reserves begin at random instants, so many a second on average, whatever became of those before. Latencies count from
these instants; so do pgbench's, whose naive transactions arrive alike (--rate). late is how late the generator sent
99 % of the calls at most: what it adds itself. Processor time is in µs for one Reserve.
"""

COLUMNS = (
    "accounts  asked/s  served by    rate/s   p50 ms   p99 ms  p99.9 ms  late ms  server  PostgreSQL  generator"
    "  machine  pgbench/s      p50      p99    p99.9"
)


class RateFigures(NamedTuple):
    """What a row of the table tells."""

    rate: float
    p50_ms: float
    p99_ms: float
    p999_ms: float
    late_p99_ms: float
    server_us: float
    postgres_us: float
    generator_us: float
    machine_us: float
    naive_rate: float
    naive_p50_ms: float
    naive_p99_ms: float
    naive_p999_ms: float


@dataclass(frozen=True)
class RateRound:
    """One round at a rate, which its row has in the place of callers, and the naive transaction at the same rate."""

    row: Row
    outcome: Outcome
    used: Used
    naive: PgbenchOutcome

    def figures(self) -> RateFigures:
        """What the table tells of it."""
        outcome, cpu, naive = self.outcome, self.used.cpu, self.naive
        seconds = (cpu.server, cpu.postgres, outcome.generator_cpu_s)
        server_us, postgres_us, generator_us = map(outcome.per_operation_us, seconds)
        return RateFigures(
            outcome.rate,
            outcome.p50_ms,
            outcome.p99_ms,
            outcome.p999_ms,
            outcome.late_p99_ms,
            server_us,
            postgres_us,
            generator_us,
            server_us + postgres_us + generator_us,
            naive.rate,
            naive.p50_ms,
            naive.p99_ms,
            naive.p999_ms,
        )

    def as_json(self) -> dict[str, Any]:
        """All of it, with what follows from it."""
        return asdict(self) | {"row": self.row._asdict(), "figures": self.figures()._asdict()}


def measure_at_rates(subjects: Sequence[Subject], yardsticks: Yardsticks, plan: Plan) -> Iterator[RateRound]:
    """Runs each rate of the plan on each spread, the services in turns after the naive transaction."""
    for spread in plan.spreads:
        accounts = plan.numbers(spread)
        for rate in plan.rates:
            naive = yardsticks.run(Yardstick.NAIVE, accounts, CALLERS, plan.at_rate_s, rate)
            for each in subjects:
                service = each.service
                times = (plan.warmup_s, plan.at_rate_s)
                job = Job(service.port, service.token, requests.reserve(), CALLERS, *accounts, *times, rate=rate)
                outcome, used = each.measure(job)
                yield RateRound(Row(spread, rate, service.transport, RESERVE), outcome, used, naive)


def line(row: Row, figures: RateFigures) -> str:
    """One line of the table under `COLUMNS`."""
    return (
        f"{row.spread:8}  {row.callers:7}  {row.served_by:9}  {figures.rate:8,.0f}  {figures.p50_ms:7.2f}"
        f"  {figures.p99_ms:7.2f}  {figures.p999_ms:8.2f}  {figures.late_p99_ms:7.2f}  {figures.server_us:6.0f}"
        f"  {figures.postgres_us:10.0f}  {figures.generator_us:9.1f}  {figures.machine_us:7.0f}"
        f"  {figures.naive_rate:9,.0f}  {figures.naive_p50_ms:7.2f}  {figures.naive_p99_ms:7.2f}"
        f"  {figures.naive_p999_ms:7.2f}"
    )


def span(found: Summary[RateFigures]) -> str:
    """From least to most, what the runs of one row differed by."""
    least, most = found.least, found.most
    return (
        f"p50 {least.p50_ms:.2f} to {most.p50_ms:.2f}, p99 {least.p99_ms:.2f} to {most.p99_ms:.2f}, "
        f"p99.9 {least.p999_ms:.2f} to {most.p999_ms:.2f}, machine {least.machine_us:.0f} to {most.machine_us:.0f}"
    )
