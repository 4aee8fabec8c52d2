"""What the tests of the command line share."""

import uuid
from collections.abc import Iterator

import pytest

from tests.support.postgres import admin_url, create_database, drop_database


@pytest.fixture
def database() -> Iterator[str]:
    """Return the URL of an empty database of the test's own."""
    name = f"creditd_cli_{uuid.uuid4().hex}"
    yield create_database(admin_url(), name)
    drop_database(admin_url(), name)
