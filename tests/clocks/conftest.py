"""What the tests of clocks share: one service whose machine is kept on time, on a database of theirs."""

import re
from collections.abc import Iterator

import pytest

from tests.clocks.skewed_servers import SETTINGS
from tests.support.customer import Customer
from tests.support.service import RunningService, running_service


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningService]:
    """Run a service that does not sweep: what is written down, the skewed servers have written."""
    with running_service(tmp_path_factory.mktemp("service"), sweep_interval_seconds=3_600.0, **SETTINGS) as running:
        yield running


@pytest.fixture
def customer(service: RunningService, request: pytest.FixtureRequest) -> Customer:
    """Return a customer of the service."""
    app = service.as_caller("app", "SERVICE", scope="credits.spend credits.read")
    account_id = re.sub(r"[^A-Za-z0-9-]", "-", request.node.name)
    return Customer(service, app, service.as_caller("staff", "ADMIN"), account_id)
