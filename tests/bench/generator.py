"""The load generator: a process of its own that reads a job from its input and writes outcomes to its output."""

import sys
from collections.abc import Iterable

from tests.bench.closed_loop import ClosedLoop
from tests.bench.job import Job, Outcome
from tests.bench.open_loop import OpenLoop


def outcomes(job: Job) -> Iterable[Outcome]:
    """Does the job, in an open loop if it states a rate; gives an outcome at the end of each window."""
    return OpenLoop(job).run() if job.rate else (ClosedLoop(job).run(),)


def main() -> None:
    """Runs the one job that is on standard input."""
    for outcome in outcomes(Job.from_json(sys.stdin.read())):
        print(outcome.to_json(), flush=True)


if __name__ == "__main__":
    main()
