"""A copy of the source, a fault in it, and which test notices."""

import compileall
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from py_compile import PycInvalidationMode
from typing import Final

from tests.mutants.fault import Fault
from tests.support.patience import LIMIT_VARIABLE

ROOT: Final = Path(__file__).parents[2]

SECONDS: Final = 120
"""Far more than the tests of one fault take; a fault that makes them hang is caught too."""

PATIENCE_SECONDS: Final = 15
"""Enough for a server to start beside another test, with and without a fault; what never comes takes no longer."""

ALL_SECONDS: Final = 900
"""Far more than the tests of all faults take without any."""

SURVIVED: Final = "NOTHING"


def copy_without_fault(copy: Path) -> Path:
    """Copy the source, its tests, and the protos and documents that some of them read."""
    for part in ("src", "generated", "tests", "docs", "protos"):
        shutil.copytree(ROOT / part, copy / part, ignore=shutil.ignore_patterns("__pycache__"))
    for file in ("pyproject.toml", "README.md"):
        shutil.copy(ROOT / file, copy)
    # Compiled files are told apart by time and size as a rule, which a fault planted and taken out within a second may
    # leave as they were: here by the text.
    compileall.compile_dir(copy / "src", quiet=1, invalidation_mode=PycInvalidationMode.CHECKED_HASH)
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


def pass_without_fault(copy: Path, tests: Sequence[str], workers: int) -> str:
    """Return the first test that fails on a copy without a fault, or SURVIVED; leave the tests in it compiled."""
    return _first_failure(copy, [*tests, "-n", str(workers)], {"PYTHONDONTWRITEBYTECODE": ""}, ALL_SECONDS)


def witness(copy: Path, tests: Sequence[str]) -> str:
    """Return the first test that fails on a copy with a fault, or SURVIVED.

    Tests that take longer than ``SECONDS`` hang, which is a failure too. Raises RuntimeError if they do not run.
    """
    # What is compiled of a fault is of no use to the next one.
    return _first_failure(copy, tests, {"PYTHONDONTWRITEBYTECODE": "1"}, SECONDS)


def _first_failure(copy: Path, arguments: Sequence[str], variables: dict[str, str], seconds: int) -> str:
    plugins = ("-p", "no:cacheprovider", "-p", "tests.mutants.first_failure")
    command = [sys.executable, "-m", "pytest", "-x", "-q", "--tb=no", *plugins, *arguments]
    # The copy's source comes first on the path, before the one that is installed.
    paths = os.pathsep.join(str(copy / part) for part in ("src", "generated/python"))
    environment = os.environ | {"PYTHONPATH": paths, LIMIT_VARIABLE: str(PATIENCE_SECONDS)} | variables
    try:
        done = subprocess.run(
            command, cwd=copy, env=environment, capture_output=True, text=True, timeout=seconds, check=False
        )
    except subprocess.TimeoutExpired:
        return f"hung for {seconds} s"
    if done.returncode == 0:
        return SURVIVED
    # A fixture that fails by the fault, when it is made or ended, has noticed it as well; and a fault may also have the
    # process end in another way than it would, once its failure has been told.
    failures = [line for line in done.stdout.splitlines() if line.startswith(("FAILED tests/", "ERROR tests/"))]
    if not failures:
        raise RuntimeError(f"the tests did not run: {done.stdout[-2000:]}{done.stderr[-2000:]}")
    return failures[0].partition(" tests/")[2].split(" - ")[0]
