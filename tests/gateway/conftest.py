"""One Envoy before one service that sells, for all tests of a worker; and what they show stands at the end."""

from collections.abc import Callable, Iterator
from uuid import uuid4

import httpx
import pytest

from tests.gateway.envoy import ENVIRONMENT, Gateway, Shown, done, running_gateway
from tests.support.market import Market, open_market
from tests.support.patience import eventually
from tests.support.service import RunningService

# `make test` has no Envoy: `make gateway-install` installs it.
collect_ignore_glob = [] if (ENVIRONMENT / "bin" / "envoy").exists() else ["test_*.py"]

SHOWN = "shown"


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Write what tests show."""
    for report in terminalreporter.getreports("passed"):
        for text in [value for name, value in report.user_properties if name == SHOWN]:
            terminalreporter.write_line(str(text))


@pytest.fixture
def shown(record_property: Callable[[str, object], None]) -> Shown:
    """Return what shows a text."""
    return lambda text: record_property(SHOWN, text)


@pytest.fixture(scope="session")
def market(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Market]:
    """Run a service that sells, with fake providers."""
    with open_market(tmp_path_factory.mktemp("market")) as opened:
        yield opened


@pytest.fixture(scope="session")
def service(market: Market) -> RunningService:
    """Return the service."""
    return market.service


@pytest.fixture(scope="session")
def gateway(service: RunningService, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gateway]:
    """Run Envoy before it."""
    with running_gateway(tmp_path_factory.mktemp("gateway"), service.address) as running:
        eventually(lambda: running.health() == 200)
        yield running


@pytest.fixture(scope="session")
def over_http(gateway: Gateway) -> httpx.Client:
    """Return a service that may spend, read, add credits and buy."""
    return gateway.as_caller("app", "SERVICE", scope="credits.spend credits.read credits.admin payments.write")


@pytest.fixture(scope="session")
def boss(gateway: Gateway) -> httpx.Client:
    """Return an administrator."""
    return gateway.as_caller("staff", "ADMIN")


@pytest.fixture
def account() -> str:
    """Return an account of the test's own, whatever the test's parameters hold."""
    return f"over-http-{uuid4().hex}"


@pytest.fixture
def funded(account: str, boss: httpx.Client) -> str:
    """Return an account of the test's own, with 100 chat credits."""
    done(boss, f"accounts/{account}:addCredits", amounts=[{"creditType": "chat", "amount": "100"}], reason="a test")
    return account
