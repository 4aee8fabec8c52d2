"""What the tests of the client share: one service a worker, a customer of each test's own, and the client's styles."""

from collections.abc import Iterator
from types import SimpleNamespace

import pytest

from tests.client.styles import STYLES, Asynchronous, Style
from tests.support.customer import Customer
from tests.support.service import RunningService, running_service
from tests.support.tokens import bearer

DAY_SECONDS = 86_400
HOUR_SECONDS = 3_600

SCOPES = "credits.spend credits.read credits.admin"


@pytest.fixture(scope="session")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningService]:
    """Run one service for all these tests; it exchanges API keys too."""
    with running_service(tmp_path_factory.mktemp("service"), signs_in=True) as running:
        yield running


@pytest.fixture
def customer(service: RunningService, app: SimpleNamespace, staff: SimpleNamespace, account: str) -> Customer:
    """Return a customer with 100 credits."""
    found = Customer(service, app, staff, account)
    found.top_up(100)
    return found


@pytest.fixture
def same_day(service: RunningService) -> None:
    """Have midnight not come within the test, which would begin another day of a limit."""
    left = DAY_SECONDS - service.seconds % DAY_SECONDS
    if left < HOUR_SECONDS:
        service.clock.advance(left + 1)


@pytest.fixture(scope="session")
def token() -> str:
    """Return the token of a service that may spend, read and add credits."""
    return bearer("app", ["SERVICE"], SCOPES).removeprefix("Bearer ")


@pytest.fixture(params=STYLES, ids=lambda style: style.__name__)
def style(request: pytest.FixtureRequest, service: RunningService, token: str) -> Style:
    """Return the client, in each of its styles."""
    found: Style = request.param(service.address, token)
    return found


@pytest.fixture
def asynchronous(service: RunningService, token: str) -> Asynchronous:
    """Return the client of asyncio, for what it alone can be asked."""
    return Asynchronous(service.address, token)
