"""The example of an executor in Go keeps what every executor promises."""

import asyncio
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.support.executor_promises import keeps_its_promises

pytestmark = [pytest.mark.languages, pytest.mark.requirement("G2"), pytest.mark.timeout(420)]

GO = Path(__file__).parents[2] / "generated" / "go"


def test_it_keeps_its_promises(tmp_path: Path) -> None:
    program = tmp_path / "wordexecutor"
    subprocess.run(
        (shutil.which("go") or "go", "build", "-o", str(program), "./wordexecutor"), cwd=GO, check=True, timeout=300
    )
    asyncio.run(keeps_its_promises((str(program),), tmp_path / "runs"))
