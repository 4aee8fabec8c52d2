"""Other tests of ours, run on a database of another kind."""

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]

WORKERS = "2"


def run_suite(*paths: str, workers: str = WORKERS, **environment: str) -> None:
    """Run tests in a pytest of their own, with these variables of tests.postgres; fail unless all of them pass."""
    inherited = {name: value for name, value in os.environ.items() if not name.startswith(("PYTEST", "CREDITD"))}
    # From the controlling process on: it makes no cluster of its own where one is named.
    done = subprocess.run(
        [sys.executable, "-m", "pytest", *paths, "-n", workers, "-q", "-p", "no:cacheprovider"],
        cwd=ROOT,
        env=inherited | environment,
        check=False,
    )
    assert done.returncode == 0, f"the suite failed on {environment}"
