"""The rounds themselves: load on the service, each round between two runs of its yardstick."""

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from itertools import groupby
from typing import Any

from tests.bench import requests
from tests.bench.cpu import CpuMeter, CpuSeconds
from tests.bench.figures import Figures, Row
from tests.bench.generator_process import generate
from tests.bench.job import Job, Outcome
from tests.bench.naive import Yardsticks
from tests.bench.pgbench import PgbenchOutcome
from tests.bench.plan import Mode, Plan
from tests.bench.service_process import Service
from tests.bench.switches import switched, switches

_SEEDING_CALLERS = 64


@dataclass(frozen=True)
class Used:
    """What a round used of the machine beside the generator: processor time, and the server's context switches."""

    cpu: CpuSeconds
    switches: int


@dataclass(frozen=True)
class Round:
    """One round: what it is about, what came of it, what it used of the machine, and the yardstick."""

    row: Row
    outcome: Outcome
    used: Used
    yardstick: PgbenchOutcome

    def figures(self) -> Figures:
        """What the table tells of it."""
        outcome, cpu, yardstick = self.outcome, self.used.cpu, self.yardstick
        server_us, postgres_us, generator_us = (
            outcome.per_operation_us(seconds) for seconds in (cpu.server, cpu.postgres, outcome.generator_cpu_s)
        )
        return Figures(
            rate=outcome.rate,
            p50_ms=outcome.p50_ms,
            p99_ms=outcome.p99_ms,
            server_us=server_us,
            postgres_us=postgres_us,
            generator_us=generator_us,
            machine_us=server_us + postgres_us + generator_us,
            switches=self.used.switches / max(outcome.operations, 1),
            yardstick_rate=yardstick.rate,
            yardstick_p50_ms=yardstick.p50_ms,
            ratio=outcome.rate / yardstick.rate,
            latency_ratio=outcome.p50_ms / yardstick.p50_ms,
        )

    def as_json(self) -> dict[str, Any]:
        """All of it, with what follows from it."""
        return asdict(self) | {"row": self.row._asdict(), "figures": self.figures()._asdict()}


@dataclass(frozen=True)
class Subject:
    """A service under test, and what meters it."""

    service: Service
    meter: CpuMeter

    def measure(self, job: Job) -> tuple[Outcome, Used]:
        """Does one job, and says what the server and PostgreSQL used meanwhile."""
        before, switches_before = self.meter.read(), switches(self.service.pid)
        outcome = generate(job)
        used = Used(self.meter.read() - before, switched(switches_before, switches(self.service.pid)))
        return outcome, used


def subject(service: Service) -> Subject:
    """The service with a meter of its own."""
    return Subject(service, CpuMeter(service.pid, service.database_url))


def seed(service: Service, first_account: int, accounts: int) -> Outcome:
    """Gives each of these accounts more credits than the benchmark can spend, by as many calls of AddCredits."""
    operations = requests.add_credits()
    job = Job(service.port, service.token, operations, _SEEDING_CALLERS, first_account, accounts, each_once=True)
    outcome = generate(job)
    if outcome.acknowledged != accounts:
        raise RuntimeError(f"of {accounts} accounts only {outcome.acknowledged} got credits: {outcome.refusals}")
    return outcome


def measure_all(subjects: Sequence[Subject], yardsticks: Yardsticks, plan: Plan) -> Iterator[Round]:
    """Runs the whole plan, round by round, on accounts that `seed` has filled: the hot one and the 10,000.

    Several services take turns in each round, so that what else the machine does falls on all of them.
    """
    for spread in plan.spreads:
        accounts = plan.numbers(spread)
        for callers in plan.callers:
            for yardstick, modes in groupby(plan.chosen(callers), key=lambda mode: mode.yardstick):
                before = yardsticks.run(yardstick, accounts, callers, plan.yardstick_s)
                for mode in modes:
                    for each in subjects:
                        row = Row(spread, callers, each.service.transport, mode.name)
                        outcome, used = each.measure(_job(each.service, mode, callers, accounts, plan))
                        after = yardsticks.run(yardstick, accounts, callers, plan.yardstick_s)
                        yield Round(row, outcome, used, before.mean(after))
                        before = after


def _job(service: Service, mode: Mode, callers: int, accounts: tuple[int, int], plan: Plan) -> Job:
    return Job(service.port, service.token, mode.operations, callers, *accounts, plan.warmup_s, plan.round_s)
