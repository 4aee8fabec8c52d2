"""The limit of open files: a process raises its own as far as it may, and takes connections by what it is."""

import subprocess
import sys

import pytest

LIMITED = """
import resource, sys
from creditd.open_files import raise_open_files
from creditd.server.connections import places

soft, hard = int(sys.argv[1]), int(sys.argv[2])
resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
print(raise_open_files(), *resource.getrlimit(resource.RLIMIT_NOFILE), places())
"""


@pytest.mark.parametrize(
    ("soft", "hard", "places"),
    [(256, 2_048, 2_048 - 160), (1_024, 1_024, 1_024 - 160), (100, 100, 64)],
    ids=["raised", "at its end", "hardly any"],
)
def test_a_process_raises_its_limit_as_far_as_it_may(soft: int, hard: int, places: int) -> None:
    """And takes as many connections as that leaves."""
    ran = subprocess.run(
        (sys.executable, "-c", LIMITED, str(soft), str(hard)), capture_output=True, text=True, check=True
    )
    assert ran.stdout.split() == [str(figure) for figure in (hard, hard, hard, places)]
