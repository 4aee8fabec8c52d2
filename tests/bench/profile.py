"""`make profile`: what a Reserve costs, step by step, in processor time.

The steps between wire and ledger and back are measured one by one, in one process (:mod:`tests.bench.steps`). What the
whole call takes is measured on a running server; the difference is the wire: the transport, its threads and wake-ups,
and the garbage collector. Medians, so that what others do on the machine falls out of the steps; the whole is a mean.
"""

import argparse
import os
import platform
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.bench import requests
from tests.bench.job import Job
from tests.bench.plan import ACCOUNTS, BATCHED
from tests.bench.rounds import subject
from tests.bench.service_process import fresh_database, serving
from tests.bench.steps import STEPS, Watch, way
from tests.bench.transport import CHOICES

CALLERS = 64

_WARM_UP_S = 0.5
_WARM_UP_ROUNDS = 3


@dataclass(frozen=True)
class Budget:
    """What one operation costs, in microseconds of processor time: its steps, the server in all, and PostgreSQL."""

    title: str
    steps: Mapping[str, float]
    server: float
    postgres: float

    @property
    def rest(self) -> float:
        """What the server needs beside the steps."""
        return self.server - sum(self.steps.values())

    def column(self) -> list[float]:
        """The figures, in the order of the table's lines."""
        steps = [self.steps.get(step, 0.0) for step in STEPS]
        return [*steps, sum(steps), self.rest, self.server, self.postgres]


LINES = {
    **STEPS,
    "**all steps**": "",
    "the rest": "the transport, threads and wake-ups, collection of garbage",
    "**server**": "in all, per operation",
    "**PostgreSQL**": "in all, per operation",
}
"""The lines of the table, and what each is."""


def main() -> int:
    """Measures, prints the table, and writes it to a file if one is named."""
    arguments = _arguments()
    rounds, seconds = (20, 1.0) if arguments.quick else (200, 6.0)
    told = report(measure(arguments.accounts, rounds, seconds, arguments.transport))
    print(told)
    if arguments.markdown:
        arguments.markdown.write_text(told, encoding="utf-8")
    return 0


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.bench.profile", description=__doc__)
    parser.add_argument("--accounts", type=int, default=ACCOUNTS, help="how many accounts the calls are spread over")
    parser.add_argument("--transport", choices=CHOICES, help="instead of the one that the service chooses")
    parser.add_argument("--markdown", type=Path, help="where to write the table, for docs/performance.md")
    quick = os.environ.get("QUICK", "0") not in {"", "0"}
    parser.add_argument("--quick", action="store_true", default=quick, help="few rounds, in under 30 seconds")
    return parser.parse_args()


def measure(accounts: int, rounds: int, seconds: float, transport: str | None = None) -> list[Budget]:
    """A Reserve among many and alone, and one of a BatchReserve, over so many accounts."""
    with fresh_database() as database_url:
        steps = _steps(database_url, accounts, rounds)
        whole = _whole(database_url, accounts, seconds, transport)
    return [Budget(title, found, *whole[title]) for title, found in steps.items()]


def _titles() -> tuple[str, str, str]:
    return f"{CALLERS} callers", "one caller", f"one of a {BATCHED}"


def _steps(database_url: str, accounts: int, rounds: int) -> dict[str, Mapping[str, float]]:
    """Each kind takes its turn, so that what else the machine does falls on all of them."""
    many, alone, batched = watches = Watch(), Watch(), Watch(time.thread_time_ns)
    with way(database_url, accounts) as found:
        for warm_up in range(_WARM_UP_ROUNDS + rounds):
            if warm_up == _WARM_UP_ROUNDS:
                for watch in watches:
                    watch.laps.clear()
            found.reserve(many, CALLERS)
            found.reserve(alone, 1)
            found.batch_reserve(batched)
    return {title: watch.medians() for title, watch in zip(_titles(), watches, strict=True)}


def _whole(database_url: str, accounts: int, seconds: float, transport: str | None) -> dict[str, tuple[float, float]]:
    """The processor time of the server and of PostgreSQL for one operation, as a running server has it."""
    found = {}
    with serving(database_url, transport) as service:
        measured = subject(service)
        kinds = (requests.reserve(), CALLERS), (requests.reserve(), 1), (requests.batch_reserve(), CALLERS)
        for title, (operations, callers) in zip(_titles(), kinds, strict=True):
            job = Job(service.port, service.token, operations, callers, 0, accounts, _WARM_UP_S, seconds)
            outcome, used = measured.measure(job)
            cpu = used.cpu
            found[title] = outcome.per_operation_us(cpu.server), outcome.per_operation_us(cpu.postgres)
    return found


def report(budgets: Sequence[Budget]) -> str:
    """The table in Markdown, with what it was measured on."""
    titles = [budget.title for budget in budgets]
    python, load = platform.python_version(), os.getloadavg()[2]
    lines = [
        f"Commit {_commit()}, Python {python}, {os.cpu_count()} cores, load average {load:.1f}; µs an operation.",
        "",
        f"| step | {' | '.join(titles)} | what it is |",
        f"| --- |{' ---: |' * len(titles)} --- |",
    ]
    columns = [budget.column() for budget in budgets]
    for (name, meaning), figures in zip(LINES.items(), zip(*columns, strict=True), strict=True):
        lines.append(f"| {name} | {' | '.join(f'{figure:.1f}' for figure in figures)} | {meaning} |")
    return "\n".join(lines) + "\n"


def _commit() -> str:
    command = ("git", "describe", "--always", "--dirty")
    return subprocess.run(command, capture_output=True, text=True, check=False).stdout.strip() or "unknown"


if __name__ == "__main__":
    sys.exit(main())
