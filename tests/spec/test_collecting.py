"""All tests are found on a machine that has none of the programs which only some of them need."""

import subprocess
import sys
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).parents[2]

COLLECT: Final = """
import pathlib, shutil, sys, pytest
shutil.which = lambda *_, **__: None
exists = pathlib.Path.exists
pathlib.Path.exists = lambda path: not path.is_relative_to("/usr") and exists(path)
sys.exit(pytest.main(["--collect-only", "-qq", "-p", "no:cacheprovider", "-m", "databases or long", *sys.argv[1:]]))
"""


def test_nothing_that_is_to_be_installed_is_wanted_before_a_test_runs() -> None:
    """`make lint` and `make test` find all tests, and come before what installs programs."""
    found = subprocess.run(
        [sys.executable, "-c", COLLECT, "tests/databases", "tests/faults"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=110,
        check=False,
    )
    assert found.returncode == 0, found.stdout[-2000:] + found.stderr[-2000:]
