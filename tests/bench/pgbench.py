"""Runs pgbench on scripts of ours, and says how fast it was and what it used."""

import re
import resource
import subprocess
import tempfile
from collections.abc import Sequence
from dataclasses import astuple, dataclass
from pathlib import Path
from typing import NamedTuple, Self

from creditd.development.postgres import program
from tests.bench.cpu import CpuMeter
from tests.bench.latency import quantile

_RATE = re.compile(r"^tps = ([0-9.]+) ", re.MULTILINE)
_LONGEST_START_AND_END_S = 60
_LONGEST_S = 30
# pgledger's function, for one, gives up where it meets a deadlock or finds a row changed.
_MOST_TRIES = 10


class Script(NamedTuple):
    """A transaction in pgbench's words, and how often it is run rather than another one."""

    text: str
    weight: int = 1


@dataclass(frozen=True)
class PgbenchOutcome:
    """Transactions a second, how long one took, the processor time of PostgreSQL and of pgbench for it, how many."""

    rate: float
    p50_ms: float
    p99_ms: float
    p999_ms: float
    postgres_us: float
    generator_us: float
    transactions: float

    def mean(self, other: Self) -> Self:
        """Half way between this run and another, for what was measured between the two."""
        mine, others = astuple(self), astuple(other)
        return type(self)(*(sum(pair) / 2 for pair in zip(mine, others, strict=True)))


class Pgbench:
    """pgbench on one database, whose PostgreSQL is metered."""

    def __init__(self, database_url: str, meter: CpuMeter) -> None:
        """Runs on this database."""
        self._url = database_url
        self._meter = meter

    def run(self, scripts: Sequence[Script], clients: int, seconds: float, rate: float = 0.0) -> PgbenchOutcome:
        """Runs the scripts, drawn by weight, for so many whole seconds by so many clients.

        At a `rate` they begin by a schedule of so many a second, and latencies count from it; at 0 one after the other.
        """
        with tempfile.TemporaryDirectory() as folder:
            command = self._command(scripts, Path(folder), clients, max(1, round(seconds)), rate)
            postgres_s, generator_s = self._meter.read().postgres, _children_s()
            longest_s = seconds + _LONGEST_START_AND_END_S
            process = subprocess.run(command, capture_output=True, text=True, check=False, timeout=longest_s)
            postgres_s, generator_s = self._meter.read().postgres - postgres_s, _children_s() - generator_s
            found = _RATE.search(process.stdout)
            rising = _latencies_ms(Path(folder))
        if process.returncode == 0 and not rising and seconds < _LONGEST_S:
            # On a machine that is busy with other things so many clients may not even have connected.
            return self.run(scripts, clients, 2 * max(seconds, 1.0), rate)
        if process.returncode != 0 or found is None:
            raise RuntimeError(f"pgbench failed ({process.returncode}): {process.stdout}{process.stderr}")
        p50_ms, p99_ms, p999_ms = (quantile(rising, share) for share in (0.5, 0.99, 0.999))
        each = 1e6 / max(len(rising), 1)
        return PgbenchOutcome(
            float(found[1]), p50_ms, p99_ms, p999_ms, postgres_s * each, generator_s * each, len(rising)
        )

    def _command(self, scripts: Sequence[Script], folder: Path, clients: int, seconds: int, rate: float) -> list[str]:
        options = f"-n -M prepared -c {clients} -j {min(clients, 2)} -T {seconds} --max-tries {_MOST_TRIES}"
        command = [str(program("pgbench")), *options.split(), "--log", "--log-prefix", str(folder / "log")]
        if rate:
            command += ["--rate", str(rate)]
        for number, script in enumerate(scripts):
            file = folder / f"{number}.sql"
            file.write_text(script.text)
            command += ["-f", f"{file}@{script.weight}"]
        return [*command, self._url]


def _children_s() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def _latencies_ms(folder: Path) -> list[float]:
    lines = (line for log in folder.glob("log.*") for line in log.read_text().splitlines())
    return sorted(int(line.split()[2]) / 1_000 for line in lines if line.split()[2].isdigit())
