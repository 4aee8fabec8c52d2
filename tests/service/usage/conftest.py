"""A database of the test's own, and a desk at it."""

from collections.abc import Iterator

import pytest

from tests.support.databases import migrated_database
from tests.support.desk import Desk, desk_at


@pytest.fixture
def desk() -> Iterator[Desk]:
    """Provide a desk at a database that is empty."""
    with migrated_database() as url, desk_at(url) as desk:
        yield desk
