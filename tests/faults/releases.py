"""An older release, taken from the history of this repository, which runs with the packages that are installed."""

import os
import shutil
import subprocess
import sys
import tarfile
from collections.abc import Sequence
from io import BytesIO
from pathlib import Path
from typing import Final

import pytest

ROOT: Final = Path(__file__).parents[2]

BEFORE_UPGRADES: Final = "b260ff1c"
"""The last release that knew nothing of how releases meet: its newest migration is 0040."""

PARTS: Final = ("src", "generated")

GIT_SECONDS: Final = 60.0
MIGRATE_SECONDS: Final = 120.0


def old_release(folder: Path, commit: str = BEFORE_UPGRADES) -> Sequence[Path]:
    """Put the code of a commit in a folder, and return what PYTHONPATH has to begin with.

    Fails the test if the commit is not there.
    """
    git = shutil.which("git") or "git"
    done = subprocess.run(
        [git, "-C", str(ROOT), "archive", commit, *PARTS], capture_output=True, check=False, timeout=GIT_SECONDS
    )
    if done.returncode != 0:
        pytest.fail(
            f"the old release {commit} is not in this clone, which is shallow or no clone at all: run git fetch "
            f"--unshallow ({done.stderr.decode(errors='replace').strip()})",
            pytrace=False,
        )
    with tarfile.open(fileobj=BytesIO(done.stdout)) as archive:
        archive.extractall(folder, filter="data")
    return [_root_of(folder / part) for part in PARTS]


def _root_of(part: Path) -> Path:
    """Return the folder that packages are in: generated code is in one of its language."""
    return part / "python" if (part / "python").is_dir() else part


def migrate_by(path: Sequence[Path], database_url: str) -> str:
    """Run ``creditd migrate`` of a release, of this one if ``path`` is empty, and return what it says."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("CREDITD_")}
    environment["PYTHONPATH"] = os.pathsep.join([*map(str, path), *filter(None, sys.path)])
    environment["CREDITD_DATABASE_URL"] = database_url
    done = subprocess.run(
        [sys.executable, "-m", "creditd.cli", "migrate"],
        env=environment,
        cwd=path[0] if path else ROOT,
        capture_output=True,
        text=True,
        check=False,
        timeout=MIGRATE_SECONDS,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()
