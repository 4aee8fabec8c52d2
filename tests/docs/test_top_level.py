"""The top level holds what everybody looks for there, and nothing else; what it says of versions is so."""

import subprocess
import tomllib
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).parents[2]

FOLDERS: Final = {"docs", "generated", "protos", "src", "tests", "tools"}

FILES: Final = {
    "CHANGELOG.md",
    "CONTRIBUTING.md",
    "Dockerfile",
    "LICENSE",
    "Makefile",
    "README.md",
    "SECURITY.md",
    "pyproject.toml",
}


def tracked() -> set[str]:
    """Return what git has at the top level, but for locks and what begins with a dot."""
    listed = subprocess.run(
        ["/usr/bin/git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout.splitlines()
    return {name.partition("/")[0] for name in listed if not name.startswith(".") and not name.endswith(".lock")}


def test_the_top_level_holds_what_is_looked_for_there_and_nothing_else() -> None:
    assert tracked() == FOLDERS | FILES


def test_the_version_has_its_changes() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    changes = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    assert f"\n## {project['version']} " in changes


def test_the_licence_is_the_one_that_is_stated() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert project["license"] == "Apache-2.0"
    assert "Apache License\n                           Version 2.0" in (ROOT / "LICENSE").read_text(encoding="utf-8")
