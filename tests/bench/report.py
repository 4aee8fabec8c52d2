"""What the benchmark says: a table as it goes, medians and targets at the end, and all of it as JSON."""

import json
import os
import platform
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Protocol

from tests.bench.calibrate import Calibration
from tests.bench.figures import F, Figures, Row, Summary
from tests.bench.job import Outcome
from tests.bench.plan import Plan

_BUSY = 0.5
EXPLANATION = """\
Rates are operations a second: a Reserve, a Reserve with its Confirm, one reserve of a batch, a GetBalance, or one call
of the mix (10 GetBalance : 2 Reserve : 2 Confirm). p50 and p99 are of the whole operation. Processor time is in µs for
one operation, user and system, and machine the sum. switches are context switches of the server's threads for one
operation. pgbench/s is the yardstick with as many clients, the mean of the runs right before and after: the naive
transaction; for GetBalance the same look-up; for the mix 10 look-ups to 4 naive transactions.
"""

COLUMNS = (
    "accounts  callers  served by  mode                  rate/s   p50 ms   p99 ms  server  PostgreSQL  generator"
    "  machine  switches  pgbench/s  its p50    ratio"
)


class Measured(Protocol):
    """A round of any kind."""

    def as_json(self) -> dict[str, Any]:
        """All of it, with what follows from it."""


def line(row: Row, figures: Figures) -> str:
    """One line of the table under `COLUMNS`."""
    return (
        f"{row.spread:8}  {row.callers:7}  {row.served_by:9}  {row.mode:16}  {figures.rate:10,.0f}"
        f"  {figures.p50_ms:7.2f}  {figures.p99_ms:7.2f}  {figures.server_us:6.0f}  {figures.postgres_us:10.0f}"
        f"  {figures.generator_us:9.1f}  {figures.machine_us:7.0f}  {figures.switches:8.2f}"
        f"  {figures.yardstick_rate:9,.0f}  {figures.yardstick_p50_ms:7.2f}  {figures.ratio:6.2f}x"
    )


def troubles(outcome: Outcome) -> str:
    """Lines that say what was refused and what was never answered; none, if nothing was."""
    said = ""
    if outcome.refusals:
        said += f"\n          refused, by grpc-status: {outcome.refusals}"
    if outcome.unanswered:
        said += f"\n          unanswered: {outcome.unanswered}"
    return said


def span(found: Summary[Figures]) -> str:
    """From least to most, what the runs of one row differed by."""
    least, most = found.least, found.most
    return (
        f"rate {least.rate:,.0f} to {most.rate:,.0f}, p50 {least.p50_ms:.2f} to {most.p50_ms:.2f}, "
        f"p99 {least.p99_ms:.2f} to {most.p99_ms:.2f}, server {least.server_us:.0f} to {most.server_us:.0f}, "
        f"machine {least.machine_us:.0f} to {most.machine_us:.0f}, "
        f"pgbench {least.yardstick_rate:,.0f} to {most.yardstick_rate:,.0f}, "
        f"ratio {least.ratio:.2f} to {most.ratio:.2f}"
    )


def medians(
    columns: str,
    found: Mapping[Row, Summary[F]],
    line_of: Callable[[Row, F], str],
    span_of: Callable[[Summary[F]], str],
) -> str:
    """The table of the medians of several runs, each with the least and the most."""
    lines = [f"\nMedians of the runs, and from least to most.\n\n{columns}"]
    for row, summary in found.items():
        lines += [line_of(row, summary.median), f"{'':10}{span_of(summary)}"]
    return "\n".join(lines)


def load_average() -> float:
    """How many processes wanted to run in the last minute."""
    return os.getloadavg()[0]


def warning(load: float) -> str:
    """What to say of a load average from before the benchmark began; a warning unless the machine was free."""
    if load < _BUSY:
        return f"Load average before: {load:.1f}.\n"
    return (
        f"WARNING: others keep this machine busy (load average {load:.1f}): the server, pgbench and PostgreSQL share\n"
        "what is left of it in other proportions than by themselves, and the ratios mean little.\n"
    )


def calibration_lines(calibration: Calibration) -> str:
    """How it is known that the generator is not the limit."""
    empty, ceiling = calibration.empty_rpc, calibration.ceiling
    ceiling_us = ceiling.per_operation_us(ceiling.generator_cpu_s)
    empty_us = empty.per_operation_us(empty.generator_cpu_s)
    busy = empty.generator_cpu_s / empty.wall_s
    return (
        f"The load generator by itself reaches {ceiling.rate:,.0f} calls/s at {ceiling_us:.1f} µs each,\n"
        "against a server of prepared bytes, with 256 callers.\n"
        f"An empty grpc.aio server answers {empty.rate:,.0f} calls/s of 64 callers, and keeps the generator busy\n"
        f"for {busy:.0%} of the time: {empty_us:.1f} µs a call, more of it the kernel's the fewer answers come at once."
    )


@dataclass(frozen=True)
class Ledger:
    """Rows acknowledged to callers and the rows that the ledger has: equal, if none was lost or written twice.

    `in_doubt` rows may be there or not, as their callers were not told; `repeats` are there once too often.
    """

    acknowledged: int
    rows: int
    in_doubt: int
    repeats: int = 0

    @property
    def sound(self) -> bool:
        """True if every acknowledged row is there once."""
        return 0 <= self.rows - self.acknowledged <= self.in_doubt and self.repeats == 0

    def line(self) -> str:
        """The comparison in words."""
        verdict = "none lost, none twice" if self.sound else f"THEY DIFFER ({self.repeats} repeated)"
        doubt = f", {self.in_doubt:,} in doubt" if self.in_doubt else ""
        return f"Acknowledged {self.acknowledged:,}{doubt}, rows in the ledger {self.rows:,}: {verdict}."

    def __add__(self, other: "Ledger") -> "Ledger":
        """Both together."""
        return Ledger(
            self.acknowledged + other.acknowledged,
            self.rows + other.rows,
            self.in_doubt + other.in_doubt,
            self.repeats + other.repeats,
        )


@dataclass(frozen=True)
class Machine:
    """What it was measured on, and how busy others kept it before and after."""

    load_before: float
    load_after: float

    def as_json(self) -> dict[str, Any]:
        """It with what it is."""
        return asdict(self) | {"cores": os.cpu_count(), "system": platform.platform(), "python": sys.version}


def rounds_json(rounds: Sequence[Measured], found: Mapping[Row, Summary[F]]) -> dict[str, Any]:
    """All rounds and their medians, as JSON has them."""
    medians_of = [{"row": row._asdict(), "median": _named(summary.median)} for row, summary in found.items()]
    return {"rounds": [measured.as_json() for measured in rounds], "medians": medians_of}


def _named(figures: Any) -> dict[str, float]:
    named: dict[str, float] = figures._asdict()
    return named


def write_json(
    path: Path, machine: Machine, plan: Plan, calibration: Calibration, ledger: Ledger, measured: Mapping[str, Any]
) -> None:
    """Writes everything that was measured, with what it was measured on."""
    about = {"machine": machine.as_json(), "plan": asdict(plan), "calibration": asdict(calibration)}
    verdict = asdict(ledger) | {"sound": ledger.sound}
    path.write_text(json.dumps({**about, **measured, "ledger": verdict}, indent=2) + "\n")
