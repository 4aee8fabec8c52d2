"""A copy of the source, a fault in it, and which test notices."""

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from tests.mutants.fault import Fault

ROOT: Final = Path(__file__).parents[2]

SECONDS: Final = 120
"""Far more than the tests of one fault take; a fault that makes them hang is caught too."""

ALL_SECONDS: Final = 900
"""Far more than the tests of all faults take, one after the other."""

SURVIVED: Final = "NOTHING"

_SOME_FAILED: Final = 1
"""Pytest's exit code when tests ran and failed; any higher one means that they did not run."""


def copy_without_fault(copy: Path) -> Path:
    """Copy the source, its tests, and the protos and documents that some of them read."""
    for part in ("src", "generated", "tests", "docs", "protos"):
        shutil.copytree(ROOT / part, copy / part, ignore=shutil.ignore_patterns("__pycache__"))
    for file in ("pyproject.toml", "README.md"):
        shutil.copy(ROOT / file, copy)
    return copy


@contextmanager
def plant(fault: Fault, copy: Path) -> Iterator[None]:
    """Keep a fault in a copy until the block ends. Raises ValueError if its text does not stand there once."""
    file = copy / "src" / "creditd" / fault.file
    text = file.read_text(encoding="utf-8")
    if text.count(fault.right) != 1:
        raise ValueError(f"{fault.name}: {fault.file} holds its text {text.count(fault.right)} times")
    file.write_text(text.replace(fault.right, fault.wrong), encoding="utf-8")
    try:
        yield
    finally:
        file.write_text(text, encoding="utf-8")


def witness(copy: Path, tests: Sequence[str], seconds: int = SECONDS) -> str:
    """Return the first test that fails on a copy, or SURVIVED.

    Tests that take longer than ``seconds`` hang, which is a failure too. Raises RuntimeError if they do not run.
    """
    command = [sys.executable, "-m", "pytest", "-x", "-q", "-p", "no:cacheprovider", "--tb=no", *tests]
    # The copy's source comes first on the path, before the one that is installed. Compiled files are told apart by time
    # and size, which a fault planted and taken out within a second may leave as they were.
    paths = os.pathsep.join(str(copy / part) for part in ("src", "generated/python"))
    environment = os.environ | {"PYTHONPATH": paths, "PYTHONDONTWRITEBYTECODE": "1"}
    try:
        done = subprocess.run(
            command, cwd=copy, env=environment, capture_output=True, text=True, timeout=seconds, check=False
        )
    except subprocess.TimeoutExpired:
        return f"hung for {seconds} s"
    if done.returncode == 0:
        return SURVIVED
    failures = [line for line in done.stdout.splitlines() if line.startswith("FAILED")]
    if done.returncode != _SOME_FAILED or not failures:
        raise RuntimeError(f"the tests did not run: {done.stdout[-2000:]}{done.stderr[-2000:]}")
    return failures[0].removeprefix("FAILED tests/").split(" - ")[0]
