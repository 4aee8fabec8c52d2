"""One service with identity and one console for all these tests, and people of each test's own."""

from collections.abc import Iterator

import pytest

from tests.support.console import Browser, Member, Members, RunningConsole, enrolled, running_console
from tests.support.service import RunningService, running_service


@pytest.fixture(scope="session")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningService]:
    """Run a service that signs users in; time only ever goes forward."""
    with running_service(tmp_path_factory.mktemp("console"), signs_in=True) as running:
        yield running


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


@pytest.fixture
def signed_in(browser: Browser, admin: Member) -> Browser:
    """Return a browser in which the administrator has signed in."""
    browser.signs_in(admin)
    return browser
