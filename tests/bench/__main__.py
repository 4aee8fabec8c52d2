"""`make bench`: measures the service with everything on, beside pgbench on the same database."""

import argparse
import os
import sys
from collections.abc import Sequence
from pathlib import Path

from tests.bench import plan, report
from tests.bench.calibrate import calibrate
from tests.bench.figures import summaries
from tests.bench.naive import Yardsticks
from tests.bench.report import Ledger
from tests.bench.rounds import Round, measure_all, seed, subject
from tests.bench.service_process import ledger_repeats, ledger_rows, running_services
from tests.bench.targets import verdicts
from tests.bench.transport import CHOICES


def main() -> int:
    """Runs the plan and says what came of it; 1 if an acknowledged operation was lost, whatever the speed."""
    arguments = _arguments()
    standard = plan.QUICK if arguments.quick else plan.FULL
    chosen = plan.narrowed(standard, arguments.mode, arguments.spread, arguments.callers, arguments.seconds)
    transports = CHOICES if arguments.both else (arguments.transport,)
    load = report.load_average()
    print(report.warning(load), end="", flush=True)
    calibration = calibrate(chosen.calibration_s)
    print(report.calibration_lines(calibration), flush=True)
    rounds: list[Round] = []
    ledger = Ledger(0, 0, 0)
    for run in range(arguments.runs):
        if arguments.runs > 1:
            print(f"\nRun {run + 1} of {arguments.runs}.", flush=True)
        # Now the one first and now the other, as whoever comes second finds the database's files larger.
        ledger += _measure(chosen, transports if run % 2 == 0 else transports[::-1], rounds)
    found = summaries((measured.row, measured.figures()) for measured in rounds)
    reached = verdicts(found)
    if arguments.runs > 1:
        print(report.medians(found, arguments.runs))
    machine = report.Machine(load, report.load_average())
    print("\n".join(("", *(verdict.line() for verdict in reached), ledger.line())))
    print(f"Load average after, the benchmark's own load in it: {machine.load_after:.1f}.")
    report.write_json(
        arguments.json, machine, report.measured_json(chosen, calibration, rounds, found, reached, ledger)
    )
    print(f"Written to {arguments.json}.")
    return 0 if ledger.sound else 1


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.bench", description=__doc__)
    parser.add_argument("--json", type=Path, default=Path("bench-results.json"), help="where to write the results")
    quick = os.environ.get("QUICK", "0") not in {"", "0"}
    parser.add_argument("--quick", action="store_true", default=quick, help="1 and 64 callers, in two minutes")
    parser.add_argument("--runs", type=int, default=1, help="so many times, each on a fresh database, and the medians")
    which = parser.add_mutually_exclusive_group()
    which.add_argument("--transport", choices=CHOICES, help="instead of the one that the service chooses")
    which.add_argument("--both", action="store_true", help="both transports, in turns")
    modes = [mode.name for mode in plan.MODES]
    parser.add_argument("--mode", action="append", choices=modes, help="this mode alone; may be repeated")
    parser.add_argument("--spread", action="append", choices=plan.SPREADS, help="this one alone")
    parser.add_argument("--callers", action="append", type=int, help="so many callers alone; may be repeated")
    parser.add_argument("--seconds", type=float, help="of each round")
    return parser.parse_args()


def _measure(chosen: plan.Plan, transports: Sequence[str | None], rounds: list[Round]) -> Ledger:
    with running_services(transports) as services:
        print(f"Served by {', '.join(service.transport for service in services)}.", flush=True)
        subjects = [subject(service) for service in services]
        yardsticks = Yardsticks(services[0].database_url, subjects[0].meter, chosen.accounts)
        seeded = [seed(service, plan.HOT_ACCOUNT, 1 + chosen.accounts) for service in services]
        rates = ", ".join(f"{each.rate:,.0f}" for each in seeded)
        print(f"{seeded[0].operations:,} accounts filled by AddCredits, {rates} a second.\n")
        print(f"{report.EXPLANATION if not rounds else ''}\n{report.COLUMNS}", flush=True)
        outcomes = list(seeded)
        for measured in measure_all(subjects, yardsticks, chosen):
            print(report.line(measured.row, measured.figures()) + report.troubles(measured.outcome), flush=True)
            rounds.append(measured)
            outcomes.append(measured.outcome)
        urls = [service.database_url for service in services]
        return Ledger(
            acknowledged=sum(outcome.acknowledged for outcome in outcomes),
            rows=sum(map(ledger_rows, urls)),
            in_doubt=sum(outcome.in_doubt for outcome in outcomes),
            repeats=sum(map(ledger_repeats, urls)),
        )


if __name__ == "__main__":
    sys.exit(main())
