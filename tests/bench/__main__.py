"""`make bench`: measures the service with everything on, beside pgbench on the same database."""

import argparse
import os
import sys
from pathlib import Path

from tests.bench import plan, report
from tests.bench.calibrate import calibrate
from tests.bench.cpu import CpuMeter
from tests.bench.report import Ledger
from tests.bench.rounds import Round, measure_all, seed
from tests.bench.service_process import ledger_rows, running_service


def main() -> int:
    """Runs the plan and says what came of it; 1 if an acknowledged operation was lost, whatever the speed."""
    arguments = _arguments()
    chosen = plan.QUICK if arguments.quick else plan.FULL
    load = os.getloadavg()[0]
    print(report.warning(load), end="", flush=True)
    calibration = calibrate(chosen.calibration_s)
    print(report.calibration_lines(calibration), flush=True)
    rounds, ledger = _measure(chosen)
    print(_verdict(rounds, ledger))
    report.write_json(arguments.json, load, chosen, calibration, rounds, ledger)
    print(f"Written to {arguments.json}.")
    return 0 if ledger.sound else 1


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.bench", description=__doc__)
    parser.add_argument("--json", type=Path, default=Path("bench-results.json"), help="where to write the results")
    quick = os.environ.get("QUICK", "0") not in {"", "0"}
    parser.add_argument("--quick", action="store_true", default=quick, help="1 and 64 callers, in under 90 seconds")
    return parser.parse_args()


def _measure(chosen: plan.Plan) -> tuple[list[Round], Ledger]:
    rounds = []
    with running_service() as service:
        meter = CpuMeter(service.pid, service.database_url)
        seeded = seed(service, plan.HOT_ACCOUNT, 1 + plan.ACCOUNTS)
        print(f"{seeded.operations:,} accounts filled by AddCredits, {seeded.rate:,.0f} a second.\n\n{report.HEADING}")
        for measured in measure_all(service, meter, chosen):
            print(report.row(measured), flush=True)
            rounds.append(measured)
        outcomes = [seeded, *(measured.outcome for measured in rounds)]
        acknowledged = sum(outcome.acknowledged for outcome in outcomes)
        unanswered = sum(outcome.unanswered for outcome in outcomes)
        ledger = Ledger(acknowledged, ledger_rows(service.database_url), unanswered)
    return rounds, ledger


def _verdict(rounds: list[Round], ledger: Ledger) -> str:
    verdicts = (report.verdict_line(verdict) for verdict in report.verdicts(rounds))
    return "\n".join(("", *verdicts, ledger.line()))


if __name__ == "__main__":
    sys.exit(main())
