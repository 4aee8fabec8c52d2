"""The rounds themselves: load on the service, each round between two runs of the naive transaction."""

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import Any

from tests.bench import requests
from tests.bench.cpu import CpuMeter, CpuSeconds
from tests.bench.generator_process import generate
from tests.bench.job import Job, Outcome
from tests.bench.naive import Naive, NaiveOutcome
from tests.bench.plan import ACCOUNTS, MODES, SPREADS, Plan
from tests.bench.service_process import Service

_SEEDING_CALLERS = 64


@dataclass(frozen=True)
class Round:
    """One line of the table: a mode at a number of callers, what it used of the machine, and the yardstick."""

    spread: str
    callers: int
    mode: str
    outcome: Outcome
    cpu: CpuSeconds
    naive: NaiveOutcome

    @property
    def ratio(self) -> float:
        """How many times the naive rate this is."""
        return self.outcome.rate / self.naive.rate

    @property
    def latency_ratio(self) -> float:
        """How many times the naive transaction's median latency this one's is."""
        return self.outcome.p50_ms / self.naive.p50_ms

    @property
    def server_us(self) -> float:
        """The server's processor time for one operation."""
        return self.outcome.per_operation_us(self.cpu.server)

    @property
    def postgres_us(self) -> float:
        """PostgreSQL's processor time for one operation."""
        return self.outcome.per_operation_us(self.cpu.postgres)

    @property
    def generator_us(self) -> float:
        """The load generator's own processor time for one operation."""
        return self.outcome.per_operation_us(self.outcome.generator_cpu_s)

    def as_json(self) -> dict[str, Any]:
        """All of it, with what follows from it."""
        derived = ("ratio", "latency_ratio", "server_us", "postgres_us", "generator_us")
        return asdict(self) | {name: getattr(self, name) for name in derived}


def seed(service: Service, first_account: int, accounts: int) -> Outcome:
    """Gives each of these accounts more credits than the benchmark can spend, by as many calls of AddCredits."""
    steps = requests.add_credits()
    job = Job(service.port, service.token, steps, _SEEDING_CALLERS, first_account, accounts, each_once=True)
    outcome = generate(job)
    if outcome.acknowledged != accounts:
        raise RuntimeError(f"of {accounts} accounts only {outcome.acknowledged} got credits: {outcome.refusals}")
    return outcome


def measure_all(service: Service, meter: CpuMeter, plan: Plan) -> Iterator[Round]:
    """Runs the whole plan, round by round, on accounts that `seed` has filled: the hot one and the 10,000."""
    naive = Naive(service.database_url, meter, ACCOUNTS)
    for spread, (first_account, accounts) in SPREADS.items():
        for callers in plan.callers:
            before = naive.run(accounts, callers, plan.naive_s)
            for mode, steps in MODES.items():
                times = (plan.warmup_s, plan.round_s)
                job = Job(service.port, service.token, steps, callers, first_account, accounts, *times)
                outcome, cpu = measure(job, meter)
                after = naive.run(accounts, callers, plan.naive_s)
                yield Round(spread, callers, mode, outcome, cpu, before.mean(after))
                before = after


def measure(job: Job, meter: CpuMeter) -> tuple[Outcome, CpuSeconds]:
    """Does one job, and says what the server and PostgreSQL used meanwhile."""
    before = meter.read()
    outcome = generate(job)
    return outcome, meter.read() - before
