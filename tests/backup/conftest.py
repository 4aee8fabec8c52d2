"""A server whose log is archived, for the tests of whole backups: some seconds to make, and once for all of them."""

import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from creditd.storage.schema import migrate
from tests.backup.archived_server import ArchivedServer, accounts_seeded

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def archived() -> Iterator[ArchivedServer]:
    """Run PostgreSQL with a ledger in it, and archive its log."""
    # PostgreSQL's account has to pass it.
    with tempfile.TemporaryDirectory(prefix="creditd-backups-") as folder:
        place = Path(folder)
        place.chmod(0o755)
        with ArchivedServer(place).running() as server:
            migrate(server.url)
            seed = [sys.executable, "-m", "tests.bench.seed", server.url, f"--accounts={accounts_seeded()}"]
            subprocess.run(seed, cwd=ROOT, env=server.creditd.environment(), check=True)
            yield server
