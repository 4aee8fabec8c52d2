"""Runs the load generator as a process of its own and takes its outcomes."""

import subprocess
import sys
from collections.abc import Iterator

from tests.bench.job import Job, Outcome


def generate(job: Job) -> Outcome:
    """Does one job and returns when its last call is answered; what the generator complains of goes to stderr."""
    *_, outcome = generate_windows(job)
    return outcome


def generate_windows(job: Job) -> Iterator[Outcome]:
    """Does one job and gives the outcome of each window as it ends."""
    command = [sys.executable, "-m", "tests.bench.generator"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.write(job.to_json())
        process.stdin.close()
        try:
            for line in process.stdout:
                yield Outcome.from_json(line)
        except BaseException:
            process.kill()
            raise
    if process.returncode != 0:
        raise RuntimeError(f"the load generator ended with {process.returncode}")
