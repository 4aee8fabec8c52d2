"""The PostgreSQL that the battery kills: not the session's, and as durable as in production."""

import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from creditd.development.postgres import EmbeddedPostgres
from tests.support.ports import free_port


@pytest.fixture(scope="session")
def postgres() -> Iterator[EmbeddedPostgres]:
    """Run PostgreSQL with fsync on; a test that kills it starts it again."""
    with tempfile.TemporaryDirectory(prefix="creditd-faults-") as folder:
        server = EmbeddedPostgres(Path(folder), tcp_port=free_port(), settings={"max_connections": "200"})
        server.start()
        try:
            yield server
        finally:
            server.stop()
