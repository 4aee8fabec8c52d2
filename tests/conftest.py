"""What every test may use: the session's PostgreSQL, and a running service with a clock to move."""

from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import pytest

from tests.support.postgres import provide_cluster
from tests.support.service import RunningService, running_service


def pytest_configure(config: pytest.Config) -> None:
    """Start the one PostgreSQL of the session."""
    provide_cluster(config)


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningService]:
    """Run a service for the tests of one file; each test takes accounts of its own."""
    folder: Path = tmp_path_factory.mktemp("service")
    with running_service(folder) as running:
        yield running


@pytest.fixture(scope="module")
def app(service: RunningService) -> SimpleNamespace:
    """Return the stubs of a service that may spend, read and add credits."""
    return service.as_caller("app", "SERVICE", scope="credits.spend credits.read credits.admin")


@pytest.fixture(scope="module")
def staff(service: RunningService) -> SimpleNamespace:
    """Return the stubs of an administrator."""
    return service.as_caller("staff", "ADMIN")


@pytest.fixture
def account(request: pytest.FixtureRequest) -> str:
    """Return an account of the test's own."""
    return f"{request.node.name[:100]}".translate(str.maketrans("[]/ ,", "-----"))
