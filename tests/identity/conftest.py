"""One server with identity for all these tests, and a person of each test's own."""

import re
from collections.abc import Iterator

import psycopg
import pytest

from tests.support.person import Person
from tests.support.service import RunningService, running_service


@pytest.fixture(scope="session")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningService]:
    """Run a service that signs users in; time only ever goes forward."""
    with running_service(tmp_path_factory.mktemp("identity"), signs_in=True) as running:
        yield running


@pytest.fixture
def person(service: RunningService, request: pytest.FixtureRequest) -> Person:
    """Return somebody who is registered."""
    # So that the tries of one test are not counted with another's.
    service.clock.advance(3_600)
    somebody = Person(service, f"{re.sub('[^a-z0-9_]', '-', request.node.name[:60])}@example.org")
    somebody.register()
    return somebody


@pytest.fixture
def rows(service: RunningService) -> Iterator[psycopg.Connection]:
    """Return a connection to identity's database, as its owner."""
    with psycopg.connect(service.config.identity_database_url, autocommit=True) as connection:
        yield connection
