"""What the benchmark says: a table as it goes, the targets at the end, and all of it as JSON."""

import json
import os
import platform
import sys
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from tests.bench.calibrate import Calibration
from tests.bench.plan import TARGETS, Plan, Target
from tests.bench.rounds import Round

_BUSY = 0.5
HEADING = (
    "Rates are operations a second: a Reserve, a Reserve with its Confirm, or one reserve of a batch. p50 and p99 are\n"
    "of the whole call. Processor time is in µs for one operation, user and system. naive/s is pgbench's transaction\n"
    "with as many clients, the mean of the runs right before and after.\n\n"
    "accounts  callers  mode                  rate/s   p50 ms   p99 ms  server  PostgreSQL  generator"
    "   naive/s  naive p50   ratio"
)


def row(measured: Round) -> str:
    """One line of the table under `HEADING`, with what was refused if anything was."""
    outcome = measured.outcome
    line = (
        f"{measured.spread:8}  {measured.callers:7}  {measured.mode:16}  {outcome.rate:10,.0f}"
        f"  {outcome.p50_ms:7.2f}  {outcome.p99_ms:7.2f}  {measured.server_us:6.0f}  {measured.postgres_us:10.0f}"
        f"  {measured.generator_us:9.1f}  {measured.naive.rate:8,.0f}  {measured.naive.p50_ms:9.2f}"
        f"  {measured.ratio:5.2f}x"
    )
    if outcome.refusals:
        line += f"\n          refused, by grpc-status: {outcome.refusals}"
    if outcome.unanswered:
        line += f"\n          unanswered: {outcome.unanswered}"
    return line


def warning(load: float) -> str:
    """What to say of a load average from before the benchmark began; nothing if the machine was free."""
    if load < _BUSY:
        return ""
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
    """Operations acknowledged to callers and the rows that the ledger has for them: equal, if none was lost."""

    acknowledged: int
    rows: int
    unanswered: int

    @property
    def sound(self) -> bool:
        """True if every acknowledged operation is there once; a call never answered may or may not be there."""
        return 0 <= self.rows - self.acknowledged <= self.unanswered

    def line(self) -> str:
        """The comparison in words."""
        verdict = "none lost" if self.sound else "THEY DIFFER"
        return f"Acknowledged {self.acknowledged:,}, rows in the ledger {self.rows:,}: {verdict}."


def verdicts(rounds: Sequence[Round]) -> list[dict[str, Any]]:
    """For each target of design section 9 that was measured, what was reached."""
    by_key = {(measured.mode, measured.spread, measured.callers): measured for measured in rounds}
    found = ((target, by_key.get((target.mode, target.spread, target.callers))) for target in TARGETS)
    return [_verdict(target, measured) for target, measured in found if measured is not None]


def _verdict(target: Target, measured: Round) -> dict[str, Any]:
    reached = measured.latency_ratio if target.by_latency else measured.ratio
    met = reached <= target.ratio if target.by_latency else reached >= target.ratio
    return asdict(target) | {"reached": reached, "met": met}


def verdict_line(verdict: dict[str, Any]) -> str:
    """One target in words."""
    what = "p50 at most" if verdict["by_latency"] else "rate at least"
    return (
        f"{'met   ' if verdict['met'] else 'MISSED'}  {verdict['mode']}, {verdict['spread']}, "
        f"{verdict['callers']} callers: {what} {verdict['ratio']:g}x naive, reached {verdict['reached']:.2f}x"
    )


def write_json(
    path: Path, load: float, plan: Plan, calibration: Calibration, rounds: Sequence[Round], ledger: Ledger
) -> None:
    """Writes everything that was measured, with what it was measured on."""
    path.write_text(
        json.dumps(
            {
                "machine": {
                    "cores": os.cpu_count(),
                    "system": platform.platform(),
                    "python": sys.version,
                    "load": load,
                },
                "plan": asdict(plan),
                "calibration": asdict(calibration),
                "rounds": [measured.as_json() for measured in rounds],
                "targets": verdicts(rounds),
                "ledger": asdict(ledger) | {"sound": ledger.sound},
            },
            indent=2,
        )
        + "\n",
    )
