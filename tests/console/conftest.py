"""One service with identity and one console for all these tests, and people of each test's own."""

from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any, Final
from uuid import uuid4

import pytest

from credit.v1.purchase_pb2 import Purchase
from tests.support.console import Browser, Member, Members, RunningConsole, enrolled, give, running_console
from tests.support.event_shop import KEY
from tests.support.market import STRIPE, Market, open_market
from tests.support.service import RunningService

FRESH_SECONDS: Final = 600.0
"""For which a session is shared: before its access token is renewed, which would end the copies of its cookie."""


@pytest.fixture(scope="session")
def market(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Market]:
    """Run a service that signs users in and sells, with fake providers; time only ever goes forward."""
    settings: dict[str, Any] = {
        "payment_poll_interval_seconds": 1.0,
        "event_key_encryption_key": KEY,
        "support_credit_limits": {"chat": 100},
    }
    with open_market(tmp_path_factory.mktemp("console"), signs_in=True, **settings) as opened:
        yield opened


@pytest.fixture(scope="session")
def bought(market: Market) -> list[Purchase]:
    """Return purchases that nobody has paid: made before any test moves the clock, by which the fakes do not go."""
    return [market.buy(f"acct_{uuid4().hex[:12]}", STRIPE) for _ in range(3)]


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


@pytest.fixture
def browser(console: RunningConsole) -> Iterator[Browser]:
    """Give a browser."""
    with console.browser() as browser:
        yield browser


@pytest.fixture
def members(service: RunningService) -> Members:
    """Return what makes somebody with a password, an authenticator, and roles."""
    # So that the tries of one test are not counted with another's.
    service.clock.advance(3_600)
    return lambda *roles: enrolled(service, *roles)


@pytest.fixture(scope="session")
def admin(service: RunningService) -> Member:
    """Return an administrator, who is the same in all tests: each password costs a hash, and each role a while."""
    return enrolled(service, "ADMIN")


@pytest.fixture(scope="session")
def kept() -> dict[str, Any]:
    """Return where the cookies of the last sign-in are kept: each sign-in costs two hashes of a password."""
    return {}


@pytest.fixture
def signed_in(browser: Browser, admin: Member, kept: dict[str, Any]) -> Browser:
    """Return a browser in which the administrator has signed in, by this test or by one a few minutes ago."""
    now = browser.console.service.seconds
    if not kept or now > kept["time"] + FRESH_SECONDS:
        browser.signs_in(admin)
        kept |= {"time": now, "cookies": list(browser.http.cookies.jar)}
    else:
        for cookie in kept["cookies"]:
            browser.http.cookies.jar.set_cookie(cookie)
        browser.get("/accounts")
    return browser


@pytest.fixture
def staff(service: RunningService) -> SimpleNamespace:
    """Return the stubs of an administrator by its token."""
    return service.as_caller("boss", "ADMIN")


@pytest.fixture
def account(service: RunningService) -> str:
    """Return an account with 1,500 chat and 12.50 THB, given by staff."""
    account_id = f"acct_{uuid4().hex[:12]}"
    give(service, account_id, "Ticket 1", chat=1_500, THB=1_250)
    return account_id
