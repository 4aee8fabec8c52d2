"""Databases with something to be sealed."""

from collections.abc import Iterator

import pytest

from tests.support.databases import migrated_database
from tests.support.desk import Desk, desk_at
from tests.support.sealing import desk_at_copy, fill


@pytest.fixture(scope="module")
def template() -> Iterator[str]:
    """Provide a database with entries and audit events of three accounts, nothing of which is sealed."""
    with migrated_database() as url:
        with desk_at(url) as desk:
            fill(desk)
        yield url


@pytest.fixture
def desk(template: str) -> Iterator[Desk]:
    """Provide a desk at a copy of it, which a test may spoil."""
    with desk_at_copy(template) as desk:
        yield desk
