"""`make bench`: measures the service with everything on, beside pgbench on the same database."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from tests.bench import plan, report
from tests.bench.calibrate import Calibration, calibrate
from tests.bench.cpu import CpuMeter
from tests.bench.report import Ledger
from tests.bench.rounds import Round, measure_all, seed
from tests.bench.service import ledger_rows, running_service


def main() -> int:
    """Runs the plan and says what came of it; 1 if an acknowledged operation was lost, whatever the speed."""
    arguments = argparse.ArgumentParser(prog="python -m tests.bench", description=__doc__)
    arguments.add_argument("--json", type=Path, default=Path("bench-results.json"), help="where to write the results")
    path: Path = arguments.parse_args().json
    chosen = plan.chosen()
    calibration = calibrate(chosen.calibration_s)
    _say(report.calibration_lines(calibration))
    rounds, ledger = _measure(chosen)
    _conclude(path, chosen, calibration, rounds, ledger)
    return 0 if ledger.sound else 1


def _measure(chosen: plan.Plan) -> tuple[list[Round], Ledger]:
    rounds = []
    with running_service() as service:
        meter = CpuMeter(service.pid, service.database_url)
        seeded = seed(service, plan.HOT_ACCOUNT, 1 + plan.ACCOUNTS)
        _say(f"{seeded.operations:,} accounts filled by AddCredits, {seeded.rate:,.0f} a second.\n\n{report.HEADING}")
        for measured in measure_all(service, meter, chosen):
            _say(report.row(measured))
            rounds.append(measured)
        outcomes = [seeded, *(measured.outcome for measured in rounds)]
        acknowledged = sum(outcome.acknowledged for outcome in outcomes)
        unanswered = sum(outcome.unanswered for outcome in outcomes)
        ledger = Ledger(acknowledged, ledger_rows(service.database_url), unanswered)
    return rounds, ledger


def _conclude(path: Path, chosen: plan.Plan, calibration: Calibration, rounds: list[Round], ledger: Ledger) -> None:
    _say("\n" + "\n".join(report.verdict_line(verdict) for verdict in report.verdicts(rounds)))
    _say(ledger.line())
    report.write_json(path, chosen, calibration, rounds, ledger)
    _say(f"Written to {path}.")


def _say(text: str) -> None:
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
