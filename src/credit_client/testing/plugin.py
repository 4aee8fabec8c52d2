"""The plugin of pytest: a server for the session, and account names for each test."""

import secrets
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from credit_client.testing.server import LocalServer, NotStarted, local_server

NAMESPACE_BYTES = 6
"""Of what tells a test's accounts from those of all others."""


@pytest.fixture(scope="session")
def credit_server(pytestconfig: pytest.Config, tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalServer]:
    """Run a real credit service on this machine, for all tests of the session.

    What makes the next start faster stays in pytest's cache.
    """
    cache: pytest.Cache | None = getattr(pytestconfig, "cache", None)
    folder = Path(cache.mkdir("credit-server")) if cache else tmp_path_factory.mktemp("credit-server")
    try:
        with local_server(folder) as server:
            yield server
    except NotStarted as error:
        pytest.fail(f"the credit service did not start: {error}", pytrace=False)


@pytest.fixture
def credit_accounts() -> Callable[[str], str]:
    """Return what gives a name an account of the test's own: the same each time it is asked within the test."""
    namespace = secrets.token_hex(NAMESPACE_BYTES)
    return lambda name: f"{name}-{namespace}"
