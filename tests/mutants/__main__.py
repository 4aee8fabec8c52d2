"""`python -m tests.mutants [WORD ...]` plants faults in a copy of the source and runs the tests that have to notice.

With words, only the faults whose names hold them all.
"""

import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from tests.mutants.faults import FAULTS, Fault
from tests.postgres import session_cluster

ROOT = Path(__file__).parents[2]

SECONDS = 120
"""Far more than the chosen tests take; a fault that makes them hang is caught too."""


def main(words: list[str]) -> int:
    """Plant the faults whose names hold all words; return 0 if every one was caught."""
    wanted = [fault for fault in FAULTS if all(word in fault.name for word in words)]
    survivors = 0
    with tempfile.TemporaryDirectory(prefix="creditd-mutants-") as folder, session_cluster(Path(folder)):
        for fault in wanted:
            started = time.monotonic()
            witness = caught_by(fault, Path(folder, "copy"))
            survivors += witness is None
            seconds = time.monotonic() - started
            print(f"{'caught ' if witness else 'MISSED '} {seconds:5.1f} s  {fault.name}", flush=True)
            print(f"                 {fault.file}: {witness or 'no test noticed'}", flush=True)
    print(f"{len(wanted) - survivors} passed, {survivors} failed")
    return min(survivors, 1)


def caught_by(fault: Fault, copy: Path) -> str | None:
    """Return the first test that fails with a fault planted, or None if none does."""
    plant(fault, copy)
    command = [sys.executable, "-m", "pytest", "-x", "-q", "-p", "no:cacheprovider", "--tb=no", *fault.tests]
    # The copy's source comes first on the path, before the one that is installed.
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(str(copy / part) for part in ("src", "generated/python"))}
    try:
        done = subprocess.run(
            command, cwd=copy, env=environment, capture_output=True, text=True, timeout=SECONDS, check=False
        )
    except subprocess.TimeoutExpired:
        return f"hung for {SECONDS} s"
    finally:
        shutil.rmtree(copy)
    failures = [line for line in done.stdout.splitlines() if line.startswith(("FAILED", "ERROR"))]
    if done.returncode == 0:
        return None
    if not failures:
        raise RuntimeError(f"the tests did not run: {done.stdout[-2000:]}{done.stderr[-2000:]}")
    return failures[0].split(" - ")[0]


def plant(fault: Fault, copy: Path) -> None:
    """Copy the source and its tests, and plant a fault. Raises ValueError if its text does not stand there once."""
    for part in ("src", "generated", "tests"):
        shutil.copytree(ROOT / part, copy / part, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "pyproject.toml", copy)
    file = copy / "src" / "creditd" / fault.file
    text = file.read_text(encoding="utf-8")
    if text.count(fault.right) != 1:
        raise ValueError(f"{fault.name}: {fault.file} holds its text {text.count(fault.right)} times")
    file.write_text(text.replace(fault.right, fault.wrong), encoding="utf-8")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
