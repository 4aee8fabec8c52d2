"""What `.ci/run` does about a test that fails: little of it is tried again, by itself, and has to pass each time."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.retrial.__main__ import MOST_TESTS, ROUNDS

ROOT = Path(__file__).resolve().parents[2]

FAILS_IN = """
import pathlib

def fails_in(name, *runs):
    file = pathlib.Path(__file__).with_suffix("." + name)
    file.write_text("x" + (file.read_text() if file.exists() else ""))
    assert len(file.read_text()) not in runs

"""
"""For tests that fail in some of their own runs, counted from 1."""


def retry(folder: Path, tests: str, root: Path | None = None) -> subprocess.CompletedProcess[str]:
    """Run these tests as `.ci/run` would."""
    Path(folder, "test_some.py").write_text(FAILS_IN + tests)
    return subprocess.run(
        [sys.executable, "-m", "tests.retrial", str(folder)],
        cwd=ROOT,
        env=os.environ | {"PYTEST_ADDOPTS": f"--rootdir={root or folder}"},
        capture_output=True,
        text=True,
        check=False,
    )


def test_what_fails_once_is_tried_alone_and_told(tmp_path: Path) -> None:
    """Nothing else is run again."""
    done = retry(tmp_path, "def test_a(): fails_in('a', 1)\n\ndef test_b(): fails_in('b')\n")
    assert done.returncode == 0, done.stdout
    assert "to be mended all the same:\n  " in done.stdout
    assert "test_some.py::test_a" in done.stdout.rpartition("===")[2]
    assert len((tmp_path / "test_some.a").read_text()) == 1 + ROUNDS
    assert len((tmp_path / "test_some.b").read_text()) == 1


@pytest.mark.parametrize("again", [2, ROUNDS + 1])
def test_it_has_to_pass_each_time(tmp_path: Path, again: int) -> None:
    """A fault that comes and goes is no want of processor time."""
    assert retry(tmp_path, f"def test_a(): fails_in('a', 1, {again})\n").returncode == 1
    assert len((tmp_path / "test_some.a").read_text()) == again


def test_where_many_fail_none_is_tried_again(tmp_path: Path) -> None:
    """It is the change, or the machine."""
    tests = "".join(f"def test_{n}(): fails_in('{n}', 1)\n\n" for n in range(MOST_TESTS + 1))
    assert retry(tmp_path, tests).returncode == 1
    assert all(len((tmp_path / f"test_some.{n}").read_text()) == 1 for n in range(MOST_TESTS + 1))


def test_what_passes_is_run_once(tmp_path: Path) -> None:
    """And nothing is said about it."""
    done = retry(tmp_path, "def test_a(): fails_in('a')\n")
    assert done.returncode == 0
    assert "===" not in done.stdout.rpartition("passed")[2].strip("= \n")
    assert len((tmp_path / "test_some.a").read_text()) == 1


def test_a_file_that_does_not_load_is_no_test_that_fails(tmp_path: Path) -> None:
    """Nothing makes it pass."""
    assert retry(tmp_path, "import no_such_module\n").returncode != 0


def test_a_failure_about_money_is_final(tmp_path: Path) -> None:
    """Whatever it would say another time."""
    folder = tmp_path / "tests" / "ledger"
    folder.mkdir(parents=True)
    assert retry(folder, "def test_a(): fails_in('a', 1)\n", tmp_path).returncode == 1
    assert len((folder / "test_some.a").read_text()) == 1
