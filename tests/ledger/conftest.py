"""What the ledger's tests share: a database a file, two desks as two servers have them, and a look into the books."""

from collections.abc import Iterator

import pytest

from creditd.storage.database import Database, DatabaseSettings
from tests.support.databases import migrated_database
from tests.support.desk import Desk, desk_at
from tests.support.ledger_books import Books


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    """Provide a database with the schema."""
    with migrated_database() as url:
        yield url


@pytest.fixture(params=[False, True], ids=["threaded", "polled"])
def is_polled(request: pytest.FixtureRequest) -> bool:
    """Say which way the writers are driven: by a thread of their own, or tick by tick by one that polls."""
    is_polled: bool = request.param
    return is_polled


@pytest.fixture
def desk(url: str, *, is_polled: bool) -> Iterator[Desk]:
    """Provide the writer of a server."""
    with desk_at(url, is_polled=is_polled) as desk:
        yield desk


@pytest.fixture
def other(url: str, *, is_polled: bool) -> Iterator[Desk]:
    """Provide the writer of another server on the same database."""
    with desk_at(url, is_polled=is_polled) as desk:
        yield desk


@pytest.fixture
def books(url: str) -> Iterator[Books]:
    """Provide a look into what was committed."""
    database = Database(DatabaseSettings(url, pool_size=1))
    yield Books(database)
    database.close()
