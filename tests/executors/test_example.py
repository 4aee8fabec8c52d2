"""The example in Python keeps what every executor promises."""

import asyncio
import sys
from pathlib import Path

import pytest

from tests.support.executor_promises import keeps_its_promises


@pytest.mark.requirement("G2")
def test_it_keeps_its_promises(tmp_path: Path) -> None:
    command = (sys.executable, "-m", "creditd.development.fakes.executor")
    asyncio.run(keeps_its_promises(command, tmp_path))
