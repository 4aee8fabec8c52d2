"""Debian's Chromium, driven by Playwright, before one console and one service for all these tests."""

from collections.abc import Iterator
from importlib.util import find_spec
from typing import TYPE_CHECKING

import pytest

from credit.v1.purchase_pb2 import Purchase
from tests.support.console import Member, Members, RunningConsole, enrolled, running_console
from tests.support.market import STRIPE, Market, open_market
from tests.support.service import RunningService

if TYPE_CHECKING:
    from tests.browser.seated import Chromium

# `make test` has no browser, and Playwright is installed by `make browser-install` alone.
collect_ignore_glob = [] if find_spec("playwright") else ["test_*.py"]


@pytest.fixture(scope="session")
def market(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Market]:
    """Run a service that signs users in and sells, with fake providers; time only ever goes forward."""
    with open_market(tmp_path_factory.mktemp("browser"), signs_in=True, payment_poll_interval_seconds=1.0) as opened:
        yield opened


@pytest.fixture(scope="session")
def bought(market: Market) -> list[Purchase]:
    """Return purchases that nobody has paid: made before any test moves the clock, by which the fakes do not go."""
    return [market.buy(f"acct_browser_{number}", STRIPE) for number in range(4)]


@pytest.fixture(scope="session")
def service(market: Market, bought: list[Purchase]) -> RunningService:
    """Return the service."""
    assert bought
    return market.service


@pytest.fixture(scope="session")
def console(service: RunningService) -> Iterator[RunningConsole]:
    """Run a console before it."""
    with running_console(service) as running:
        yield running


@pytest.fixture(scope="session")
def chromium() -> "Iterator[Chromium]":
    """Run a browser."""
    from tests.browser.seated import running_chromium  # noqa: PLC0415 - it needs Playwright.

    with running_chromium() as running:
        yield running


@pytest.fixture
def members(service: RunningService) -> Members:
    """Return what makes somebody with a password, an authenticator, and roles."""
    service.clock.advance(3_600)
    return lambda *roles: enrolled(service, *roles)


@pytest.fixture(scope="session")
def admin(service: RunningService) -> Member:
    """Return an administrator."""
    return enrolled(service, "ADMIN")
