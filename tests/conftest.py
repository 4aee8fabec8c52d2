"""What every test may use: the session's PostgreSQL, and a running service with a clock to move."""

import signal
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import pytest

from tests.support.hearing import OwnThreads
from tests.support.postgres import provide_cluster
from tests.support.service import RunningService, running_service


def pytest_configure(config: pytest.Config) -> None:
    """Start the one PostgreSQL of the session, and take Ctrl-C.

    A shell that starts a run in the background has it ignore Ctrl-C, and so would the servers that tests interrupt.
    """
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)
    provide_cluster(config)


@pytest.fixture(autouse=True)
def own_threads() -> Iterator[OwnThreads]:
    """Tell apart the threads of a test and those that were there before, as of a server that tests share."""
    threads = OwnThreads()
    with threads.watched():
        yield threads


@pytest.fixture
def caplog(caplog: pytest.LogCaptureFixture, own_threads: OwnThreads) -> Iterator[pytest.LogCaptureFixture]:
    """Hear what the test's own threads log, in place of what the whole process does."""
    caplog.handler.addFilter(own_threads.hears)
    yield caplog
    caplog.handler.removeFilter(own_threads.hears)


@pytest.fixture
def process_log(caplog: pytest.LogCaptureFixture, own_threads: OwnThreads) -> pytest.LogCaptureFixture:
    """Hear the whole process: for a line of a shared server's that nobody else has it say."""
    caplog.handler.removeFilter(own_threads.hears)
    return caplog


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
