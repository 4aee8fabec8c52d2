"""`python -m tests.mutants [--shares N] [WORD ...]` plants faults in a copy of the source and sees that tests notice.

With words, only the faults whose names hold them all. With shares, one N-th of them: which one goes by the commit, so
that N landings or so try them all. First, the same tests have to pass on a copy without a fault.

Each fault costs a pytest of its own, which is kept small: the one test that is its witness, from compiled files, in a
fork of a process that has imported the libraries.
"""

import argparse
import shutil
import subprocess
import sys
import tempfile
import time
import zlib
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing
from pathlib import Path
from queue import SimpleQueue

from tests.mutants.fault import Fault
from tests.mutants.faults import FAULTS
from tests.mutants.trial import SURVIVED, Trials, copy_without_fault, pass_without_fault, plant
from tests.support.postgres import session_cluster

WORKERS = 2
"""Faults tried at once, each in a copy of its own: for a machine of two cores."""

NAME_WIDTH = max(len(fault.name) for fault in FAULTS)


def main(arguments: list[str]) -> int:
    """Plant the faults that are asked for; return 0 if every one was caught."""
    parser = argparse.ArgumentParser(prog="python -m tests.mutants")
    parser.add_argument("--shares", type=int, default=1, metavar="N", help="try one N-th of the faults")
    parser.add_argument("words", nargs="*", metavar="WORD", help="try those whose names hold all words")
    asked = parser.parse_args(arguments)
    named = [fault for fault in FAULTS if all(word in fault.name for word in asked.words)]
    wanted = share_of(named, asked.shares, commit()) if asked.shares > 1 else named
    with tempfile.TemporaryDirectory(prefix="creditd-mutants-") as folder, session_cluster(Path(folder)):
        line("mutant", "seconds", "caught by")
        first = copy_without_fault(Path(folder, "copy-0"))
        started = time.monotonic()
        found = pass_without_fault(first, sorted({test for fault in wanted for test in fault.selection}), WORKERS)
        if found != SURVIVED:
            raise SystemExit(f"without any fault, {found} fails already")
        line("(none)", f"{time.monotonic() - started:.1f}", "nothing: the tests pass")
        # With all that the first run has compiled.
        others = [shutil.copytree(first, Path(folder, f"copy-{number}")) for number in range(1, WORKERS)]
        with ExitStack() as stack:
            trials = [stack.enter_context(closing(Trials(copy))) for copy in (first, *others)]
            survivors = try_all(wanted, trials).count(False)
    print(f"{len(wanted) - survivors} passed, {survivors} failed")
    return min(survivors, 1)


def commit() -> str:
    """Return the hash of the commit that is checked out."""
    git = shutil.which("git") or "git"
    return subprocess.run([git, "rev-parse", "HEAD"], check=True, capture_output=True, text=True).stdout.strip()


def share_of(faults: Sequence[Fault], shares: int, commit: str) -> list[Fault]:
    """Return the share whose turn it is at a commit. A fault is always in the same one, whatever others there are."""
    turn = int(commit, 16) % shares
    return [fault for fault in faults if zlib.crc32(fault.name.encode()) % shares == turn]


def try_all(faults: Sequence[Fault], copies: Sequence[Trials]) -> list[bool]:
    """Try each fault in one copy or another, as many at once as there are; return which were caught."""
    free: SimpleQueue[Trials] = SimpleQueue()
    for trials in copies:
        free.put(trials)

    def try_one(fault: Fault) -> bool:
        trials = free.get()
        try:
            return is_caught(fault, trials)
        finally:
            free.put(trials)

    with ThreadPoolExecutor(len(copies)) as pool:
        return list(pool.map(try_one, faults))


def is_caught(fault: Fault, trials: Trials) -> bool:
    """Plant a fault, print what becomes of it, and take it out again."""
    started = time.monotonic()
    with plant(fault, trials.copy):
        found = trials.witness(fault.selection)
    line(fault.name, f"{time.monotonic() - started:.1f}", found)
    return found != SURVIVED


def line(name: str, seconds: str, found: str) -> None:
    """Print a line of the table."""
    print(f"{name:{NAME_WIDTH}}  {seconds:>7}  {found}", flush=True)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
