"""`make bench`: measures the service with everything on, beside pgbench on the same database."""

import argparse
import os
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import Any

from tests.bench import at_rate, plan, report
from tests.bench.at_rate import RateRound, measure_at_rates
from tests.bench.calibrate import calibrate
from tests.bench.figures import summaries
from tests.bench.job import Outcome
from tests.bench.naive import Yardsticks
from tests.bench.peers import Pgledger, measure_peers, sql_files
from tests.bench.report import Ledger
from tests.bench.rounds import Round, Subject, measure_all, seed, subject
from tests.bench.service_process import Service, ledger_repeats, ledger_rows, running_services
from tests.bench.targets import verdicts
from tests.bench.transport import CHOICES


@dataclass(frozen=True)
class Bench:
    """A run: what is measured, by which transports, None for the default, and how often."""

    plan: plan.Plan
    transports: Sequence[str | None]
    runs: int

    def measure(self, one_run: Callable[[Sequence[Subject], Yardsticks], Iterable[Outcome]]) -> Ledger:
        """Does so many runs, each on fresh databases, and says what of all that was acknowledged is in the ledger."""
        ledger = Ledger(0, 0, 0)
        for run in range(self.runs):
            if self.runs > 1:
                print(f"\nRun {run + 1} of {self.runs}.", flush=True)
            # Now the one first and now the other, as whoever comes second finds the database's files larger.
            transports = self.transports if run % 2 == 0 else self.transports[::-1]
            with running_services(transports) as services:
                print(f"Served by {', '.join(service.transport for service in services)}.", flush=True)
                subjects = [subject(service) for service in services]
                outcomes = [seed(service, plan.HOT_ACCOUNT, 1 + self.plan.accounts) for service in services]
                rates = ", ".join(f"{outcome.rate:,.0f}" for outcome in outcomes)
                print(f"{outcomes[0].operations:,} accounts filled by AddCredits, {rates} a second.\n", flush=True)
                yardsticks = Yardsticks(services[0].database_url, subjects[0].meter, self.plan.accounts)
                outcomes += one_run(subjects, yardsticks)
                ledger += _ledger(services, outcomes)
        return ledger


class ClosedRounds:
    """As many operations under way as there are callers: how fast it goes."""

    def __init__(self, chosen: plan.Plan, pgledger_files: list[Path] | None) -> None:
        """Measures pgledger too if there are files of it."""
        self._plan = chosen
        self._pgledger_files = pgledger_files
        self.rounds: list[Round] = []

    def run(self, subjects: Sequence[Subject], yardsticks: Yardsticks) -> Iterable[Outcome]:
        """Measures and prints one run, and gives the outcomes."""
        print(f"{report.EXPLANATION if not self.rounds else ''}\n{report.COLUMNS}", flush=True)
        for measured in chain(measure_all(subjects, yardsticks, self._plan), self._peers(subjects[0], yardsticks)):
            print(report.line(measured.row, measured.figures()) + report.troubles(measured.outcome), flush=True)
            self.rounds.append(measured)
            yield measured.outcome

    def _peers(self, beside: Subject, yardsticks: Yardsticks) -> Iterator[Round]:
        if self._pgledger_files is not None:
            url, accounts = beside.service.database_url, self._plan.accounts
            yield from measure_peers(
                Pgledger(url, beside.meter, accounts, self._pgledger_files), yardsticks, self._plan
            )

    def conclude(self, runs: int) -> dict[str, Any]:
        """Prints medians and targets; returns what JSON has of them."""
        found = summaries((measured.row, measured.figures()) for measured in self.rounds)
        if runs > 1:
            print(report.medians(report.COLUMNS, found, report.line, report.span))
        reached = verdicts(found)
        print("\n" + "\n".join(verdict.line() for verdict in reached))
        return report.rounds_json(self.rounds, found) | {"targets": [verdict.as_json() for verdict in reached]}


class OpenRounds:
    """A fixed rate of operations: how long callers wait."""

    def __init__(self, chosen: plan.Plan) -> None:
        self._plan = chosen
        self.rounds: list[RateRound] = []

    def run(self, subjects: Sequence[Subject], yardsticks: Yardsticks) -> Iterable[Outcome]:
        """Measures and prints one run, and gives the outcomes."""
        print(f"{at_rate.EXPLANATION if not self.rounds else ''}\n{at_rate.COLUMNS}", flush=True)
        for measured in measure_at_rates(subjects, yardsticks, self._plan):
            print(at_rate.line(measured.row, measured.figures()) + report.troubles(measured.outcome), flush=True)
            self.rounds.append(measured)
            yield measured.outcome

    def conclude(self, runs: int) -> dict[str, Any]:
        """Prints medians; returns what JSON has of them."""
        found = summaries((measured.row, measured.figures()) for measured in self.rounds)
        if runs > 1:
            print(report.medians(at_rate.COLUMNS, found, at_rate.line, at_rate.span))
        return report.rounds_json(self.rounds, found)


def main() -> int:
    """Runs the plan and says what came of it; 1 if an acknowledged operation was lost, whatever the speed."""
    arguments = _arguments()
    standard = plan.QUICK if arguments.quick else plan.FULL
    chosen = plan.narrowed(standard, arguments.mode, arguments.spread, arguments.callers, arguments.seconds)
    pgledger_files = sql_files() if arguments.peers else None
    load = report.load_average()
    print(report.warning(load), end="", flush=True)
    calibration = calibrate(chosen.calibration_s)
    print(report.calibration_lines(calibration), flush=True)
    rounds = OpenRounds(chosen) if arguments.open else ClosedRounds(chosen, pgledger_files)
    bench = Bench(chosen, CHOICES if arguments.both else (arguments.transport,), arguments.runs)
    ledger = bench.measure(rounds.run)
    measured = rounds.conclude(arguments.runs)
    machine = report.Machine(load, report.load_average())
    print(f"\n{ledger.line()}\nLoad average after, the benchmark's own load in it: {machine.load_after:.1f}.")
    report.write_json(arguments.json, machine, chosen, calibration, ledger, measured)
    print(f"Written to {arguments.json}.")
    return 0 if ledger.sound else 1


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.bench", description=__doc__)
    parser.add_argument("--json", type=Path, default=Path("bench-results.json"), help="where to write the results")
    quick = os.environ.get("QUICK", "0") not in {"", "0"}
    parser.add_argument("--quick", action="store_true", default=quick, help="1 and 64 callers, in two minutes")
    parser.add_argument("--open", action="store_true", help="at fixed rates, in an open loop, instead")
    parser.add_argument("--peers", action="store_true", help="pgledger too, whose SQL PGLEDGER_SQL names")
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


def _ledger(services: Sequence[Service], outcomes: Sequence[Outcome]) -> Ledger:
    urls = [service.database_url for service in services]
    return Ledger(
        acknowledged=sum(outcome.acknowledged for outcome in outcomes),
        rows=sum(map(ledger_rows, urls)),
        in_doubt=sum(outcome.in_doubt for outcome in outcomes),
        repeats=sum(map(ledger_repeats, urls)),
    )


if __name__ == "__main__":
    sys.exit(main())
