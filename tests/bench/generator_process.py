"""Runs the load generator as a process of its own and takes its outcome."""

import subprocess
import sys

from tests.bench.job import Job, Outcome

_LONGEST_S = 700


def generate(job: Job) -> Outcome:
    """Does one job and returns when its last call is answered; what the generator complains of goes to stderr."""
    process = subprocess.run(
        [sys.executable, "-m", "tests.bench.generator"],
        input=job.to_json(),
        stdout=subprocess.PIPE,
        text=True,
        check=True,
        timeout=_LONGEST_S,
    )
    return Outcome.from_json(process.stdout)
