"""A database, two servers' keepers of runs on it, and an account that has a workflow."""

from collections.abc import Iterator

import pytest

from tests.service.workflows.workshop import Workshop
from tests.support.databases import migrated_database


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    """Keep a database for the tests of one file."""
    with migrated_database() as found:
        yield found


@pytest.fixture
def workshop(url: str) -> Iterator[Workshop]:
    """Return one server's part of the work on runs, with nothing left to do."""
    opened = Workshop(url)
    opened.clear()
    try:
        yield opened
    finally:
        opened.close()


@pytest.fixture
def other(url: str, workshop: Workshop) -> Iterator[Workshop]:
    """Return another server's."""
    del workshop
    opened = Workshop(url)
    try:
        yield opened
    finally:
        opened.close()
