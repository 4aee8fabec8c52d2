"""A service on each transport, for what has to be the same on both."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.customer import Customer
from tests.support.service import RunningService, running_service


@pytest.fixture(scope="module", params=["queue", "aio"])
def service(tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest) -> Iterator[RunningService]:
    """Run a service on one transport, and then on the other."""
    with running_service(tmp_path_factory.mktemp("transport"), transport=request.param) as running:
        yield running


@pytest.fixture(scope="module")
def queue_service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningService]:
    """Run a service on the completion queue."""
    folder: Path = tmp_path_factory.mktemp("queue")
    with running_service(folder, transport="queue") as running:
        yield running


@pytest.fixture
def customer(queue_service: RunningService, account: str) -> Customer:
    """Return a customer, of the completion queue, that nobody has seen yet."""
    app, staff = queue_service.as_caller("app", "ADMIN"), queue_service.as_caller("staff", "ADMIN")
    return Customer(queue_service, app, staff, account)
