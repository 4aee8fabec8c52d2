"""`python -m tests.mutants [WORD ...]` plants each fault in a copy of the source and runs the tests to notice it.

With words, only the faults whose names hold them all. First, the same tests have to pass on a copy without a fault.
"""

import sys
import tempfile
import time
from pathlib import Path

from tests.mutants.fault import Fault
from tests.mutants.faults import FAULTS
from tests.mutants.trial import SURVIVED, copy_without_fault, plant, witness
from tests.postgres import session_cluster

NAME_WIDTH = max(len(fault.name) for fault in FAULTS)


def main(words: list[str]) -> int:
    """Plant the faults whose names hold all words; return 0 if every one was caught."""
    wanted = [fault for fault in FAULTS if all(word in fault.name for word in words)]
    survivors = 0
    with tempfile.TemporaryDirectory(prefix="creditd-mutants-") as folder, session_cluster(Path(folder)):
        line("mutant", "seconds", "caught by")
        copy = copy_without_fault(Path(folder, "copy"))
        started = time.monotonic()
        found = witness(copy, sorted({test for fault in wanted for test in fault.tests}))
        if found != SURVIVED:
            raise SystemExit(f"without any fault, {found} fails already")
        line("(none)", f"{time.monotonic() - started:.1f}", "nothing: the tests pass")
        for fault in wanted:
            survivors += not is_caught(fault, copy)
    print(f"{len(wanted) - survivors} passed, {survivors} failed")
    return min(survivors, 1)


def is_caught(fault: Fault, copy: Path) -> bool:
    """Plant a fault, print what becomes of it, and take it out again."""
    started = time.monotonic()
    with plant(fault, copy):
        found = witness(copy, fault.tests)
    line(fault.name, f"{time.monotonic() - started:.1f}", found)
    return found != SURVIVED


def line(name: str, seconds: str, found: str) -> None:
    """Print a line of the table."""
    print(f"{name:{NAME_WIDTH}}  {seconds:>7}  {found}", flush=True)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
