"""The clients of all languages, each by its own tools, keep what is promised: one table of cases for all of them."""

import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Final, NamedTuple

import pytest

from tests.languages.arrangement import Arrangement, arranged

pytestmark = [pytest.mark.languages, pytest.mark.requirement("H4"), pytest.mark.timeout(420)]

ROOT: Final = Path(__file__).parents[2]

MOST_SECONDS: Final = 240
"""Of one language: some 20 to compile, 20 for the cases, or 15 for the blocks and the restarts among them."""

SHOWN_CHARACTERS: Final = 20_000


class Language(NamedTuple):
    """How the tests of one language are run, and what has to be on the machine for that."""

    folder: Path
    commands: tuple[str, ...]
    version: tuple[str, ...]
    test: tuple[str, ...]


LANGUAGES: Final = {
    "python": Language(
        ROOT, (sys.executable,), (sys.executable, "--version"), (sys.executable, "-m", "tests.languages.python_cases")
    ),
    "go": Language(ROOT / "generated/go", ("go",), ("go", "version"), ("go", "test", "-count=1", "./...")),
    "java": Language(
        ROOT / "generated/java",
        ("javac", "mvn"),
        ("javac", "-version"),
        ("mvn", "--batch-mode", "--no-transfer-progress", "test"),
    ),
    "typescript": Language(
        ROOT / "generated/typescript", ("node", "npm"), ("node", "--version"), ("npm", "test", "--silent")
    ),
}


@pytest.fixture(scope="module")
def arrangement(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Arrangement]:
    """Run the servers for all languages."""
    with arranged(tmp_path_factory.mktemp("languages")) as made:
        yield made


def said_by(command: tuple[str, ...], folder: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run a command of a language in its package; return what came of it, with all that it said in ``stdout``."""
    return subprocess.run(
        command,
        cwd=folder,
        env=os.environ | {"PYTHONPATH": os.pathsep.join(filter(None, sys.path))} | environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
        timeout=MOST_SECONDS,
    )


@pytest.mark.parametrize("name", LANGUAGES)
def test_each_language_keeps_what_is_promised(arrangement: Arrangement, name: str) -> None:
    run(arrangement, name, "cases.json")


@pytest.mark.long
@pytest.mark.parametrize("name", LANGUAGES)
def test_no_block_is_lost_or_doubled_when_servers_are_killed(arrangement: Arrangement, name: str) -> None:
    run(arrangement, name, "kills.json")


def run(arrangement: Arrangement, name: str, file: str) -> None:
    """Have a language's runner take the cases of a file; fail unless all have passed, and the ledger is right."""
    language = LANGUAGES[name]
    missing = [command for command in language.commands if shutil.which(command) is None]
    if missing:
        pytest.fail(f"{name} is NOT tested: there is no {' and no '.join(missing)} on this machine", pytrace=False)
    cases = json.loads(Path(__file__).with_name(file).read_text(encoding="utf-8"))
    told, results = arrangement.for_language(name, cases)
    killed = arrangement.server.restarts
    version = said_by(language.version, ROOT).stdout.strip()
    began = time.monotonic()
    ran = said_by(language.test, language.folder, CREDIT_CASES=str(told))
    seconds = time.monotonic() - began
    passed = results.read_text(encoding="utf-8").splitlines()
    killed = arrangement.server.restarts - killed
    print(f"\nlanguages: {name} ({version}): {len(passed)} of {len(cases)} cases in {seconds:.0f} s, {killed} kills")
    assert ran.returncode == 0, ran.stdout[-SHOWN_CHARACTERS:]
    assert passed == [case["name"] for case in cases], ran.stdout[-SHOWN_CHARACTERS:]
    assert arrangement.verified_entries() > len(cases)
