"""What the tests over the wire share: one service a worker, and a customer of each test's own."""

import re
from collections.abc import Iterator
from types import SimpleNamespace

import pytest

from tests.support.approving import Pair
from tests.support.customer import Customer
from tests.support.service import RunningService, running_service


@pytest.fixture(scope="session")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningService]:
    """Run one service for all these tests: each has accounts of its own, and time only ever goes forward."""
    with running_service(tmp_path_factory.mktemp("service")) as running:
        yield running


@pytest.fixture
def account(request: pytest.FixtureRequest) -> str:
    """Return an account of the test's own."""
    module = request.module.__name__.rpartition("test_")[2]
    return re.sub(r"[^A-Za-z0-9._:@+-]", "-", f"{module}.{request.node.name}")[:120]


@pytest.fixture
def customer(service: RunningService, app: SimpleNamespace, staff: SimpleNamespace, account: str) -> Customer:
    """Return a customer that nobody has seen yet."""
    return Customer(service, app, staff, account)


@pytest.fixture
def pair(customer: Customer) -> Pair:
    """Return two of FINANCE, and a customer with 100 credits."""
    customer.top_up(100)
    service = customer.service
    return Pair(customer, service.as_caller("fin", "FINANCE"), service.as_caller("faye", "FINANCE"))
