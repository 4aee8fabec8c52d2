"""A copy of the source, a fault in it, and which test notices."""

import compileall
import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from py_compile import PycInvalidationMode
from typing import Final

import pytest

from tests.mutants.fault import Fault
from tests.support.patience import LIMIT_VARIABLE

ROOT: Final = Path(__file__).parents[2]

SECONDS: Final = 120
"""Far more than the tests of one fault take; a fault that makes them hang is caught too."""

PATIENCE_SECONDS: Final = 15
"""Enough for a server to start beside another test, with and without a fault; what never comes takes no longer."""

ALL_SECONDS: Final = 900
"""Far more than the tests of all faults take without any."""

_FAILURE: Final = re.compile(r"(?:FAILED|ERROR) tests/(.+?)(?: - |$)", re.MULTILINE)

SURVIVED: Final = "NOTHING"

_OPTIONS: Final = ("-q", "--tb=no", "-p", "no:cacheprovider", "-p", "tests.mutants.first_failure")


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
    """Return the first test that fails on a copy without a fault, or SURVIVED; leave the tests in it compiled.

    What fails beside others is run once more by itself, as it will be with a fault: one that passes then is a witness.
    All have the time that tests have elsewhere: only what a fault keeps from coming about is given up sooner.
    """
    code, said = _run_without_fault(copy, [*tests, "-n", str(workers), "--dist", "worksteal"])
    failed = [f"tests/{test}" for test in _FAILURE.findall(said)]
    if code and failed:
        code, said = _run_without_fault(copy, failed)
    return f"hung for {ALL_SECONDS} s" if code is None else _first_failure(code, said)


def _run_without_fault(copy: Path, arguments: Sequence[str]) -> tuple[int | None, str]:
    environment = _environment(copy) | {"PYTHONDONTWRITEBYTECODE": ""}
    del environment[LIMIT_VARIABLE]
    try:
        done = subprocess.run(
            [sys.executable, "-m", "pytest", *_OPTIONS, *arguments],
            cwd=copy,
            env=environment,
            capture_output=True,
            text=True,
            timeout=ALL_SECONDS,
            check=False,
        )
    except subprocess.TimeoutExpired:
        return None, ""
    return done.returncode, done.stdout + done.stderr


class Trials:
    """Runs the tests of one copy, again and again, in forks of a process that has imported what they need."""

    def __init__(self, copy: Path) -> None:
        """Begin with that process; close this at the end."""
        self.copy = copy
        self._nursery = subprocess.Popen(
            [sys.executable, "-m", "tests.mutants.nursery"],
            cwd=copy,
            env=_environment(copy),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def witness(self, tests: Sequence[str]) -> str:
        """Return the first test that fails with the fault that is planted in the copy, or SURVIVED.

        Tests that take longer than ``SECONDS`` hang, which is a failure too. Raises RuntimeError if they do not run.
        """
        # What is compiled of a fault is of no use to the next one.
        wanted = ["-x", *_OPTIONS, *tests], {"PYTHONDONTWRITEBYTECODE": "1"}, SECONDS
        assert self._nursery.stdin
        assert self._nursery.stdout
        print(json.dumps(wanted), file=self._nursery.stdin, flush=True)
        code, said = json.loads(self._nursery.stdout.readline())
        return f"hung for {SECONDS} s" if code is None else _first_failure(code, said)

    def close(self) -> None:
        """End the process."""
        self._nursery.communicate()


def _environment(copy: Path) -> dict[str, str]:
    # The copy's source comes first on the path, before the one that is installed.
    paths = os.pathsep.join(str(copy / part) for part in ("src", "generated/python"))
    return os.environ | {"PYTHONPATH": paths, LIMIT_VARIABLE: str(PATIENCE_SECONDS)}


def _first_failure(code: int, said: str) -> str:
    if code == 0:
        return SURVIVED
    # A fixture that fails by the fault, when it is made or ended, has noticed it as well; and a fault may also have the
    # process end in another way than it would, once its failure has been told.
    failure = _FAILURE.search(said)
    if failure:
        return failure[1]
    if code == pytest.ExitCode.TESTS_FAILED:
        return "a test whose name is lost in what it says"
    raise RuntimeError(f"the tests did not run: {said[-4000:]}")
