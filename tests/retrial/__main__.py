"""`python -m tests.retrial ARGUMENTS` runs pytest, and what little of it fails three times more by itself.

`.ci/run` does so: of ten thousand tests beside each other on a machine that it does not choose, one may fail for want
of processor time. By itself it has all of that, and is to pass three times in a row: a fault that comes and goes has
three more chances to show. What was tried again is said at the end, for somebody to mend. `make test` tries nothing
again.
"""

import json
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Final

MOST_TESTS: Final = 3
"""Failures that are tried again. Where more fail, it is the change, or the machine is not fit to judge it."""

ROUNDS: Final = 3
"""All of which have to pass."""

MONEY: Final = ("tests/domain/", "tests/ledger/", "tests/model/", "tests/faults/")
"""Where each failure counts: credits that are lost or counted twice once in a thousand runs are lost all the same."""

SOME_FAILED: Final = 1
"""What pytest ends with if it ran to its end and tests failed."""


def main(arguments: Sequence[str]) -> int:
    """Run pytest with these arguments; return what it ends with, or 0 if all that failed passed in every round."""
    with tempfile.TemporaryDirectory(prefix="creditd-retrial-") as cache:
        code = run(arguments, cache)
        failures = Path(cache, "v", "cache", "lastfailed")
        if code != SOME_FAILED or not failures.exists():
            return code
        failed = failures.read_text()
        names = sorted(json.loads(failed))
        if len(names) > MOST_TESTS or any(name.startswith(MONEY) for name in names):
            return code
        for _ in range(ROUNDS):
            # A round that passes leaves an empty list.
            failures.write_text(failed)
            code = run([*arguments, "-n", "0", "--last-failed", "--last-failed-no-failures", "none"], cache)
            if code:
                return code
    print(f"=== Failed beside others, and passed {ROUNDS} times alone; to be mended all the same:", *names, sep="\n  ")
    return 0


def run(arguments: Sequence[str], cache: str) -> int:
    """Run pytest with a cache of its own, so that it knows of the failures of this run and of no other."""
    pytest = [sys.executable, "-m", "pytest", *arguments, "-o", f"cache_dir={cache}"]
    return subprocess.run(pytest, check=False).returncode


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
