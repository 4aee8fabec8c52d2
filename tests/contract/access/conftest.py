"""What the tests of access share: one service, and whoever changes roles there."""

from collections.abc import Iterator

import pytest

from tests.support.office import Office
from tests.support.service import RunningService, running_service


@pytest.fixture(scope="package")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningService]:
    """Run one service for all these tests: each has subjects of its own."""
    with running_service(tmp_path_factory.mktemp("access"), signs_in=True) as running:
        yield running


@pytest.fixture
def office(service: RunningService) -> Office:
    """Return whoever changes access."""
    return Office(service)


@pytest.fixture
def subject(request: pytest.FixtureRequest) -> str:
    """Return a subject of the test's own."""
    return f"{request.node.name[:100]}".translate(str.maketrans("[]/ ,", "-----"))
