"""What the tests of purchases share: a database a file, and a till on it."""

from collections.abc import Iterator

import pytest

from tests.support.databases import migrated_database
from tests.support.till import Till, till_at


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    """Provide a database with the schema."""
    with migrated_database() as url:
        yield url


@pytest.fixture
def till(url: str) -> Iterator[Till]:
    """Provide a server's way of applying what providers say."""
    with till_at(url) as till:
        yield till
