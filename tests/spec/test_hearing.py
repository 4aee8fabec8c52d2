"""A test hears what its own threads log, and nothing of servers that it shares its process with."""

import logging
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from threading import Thread

import pytest

log = logging.getLogger(__name__)

Say = Callable[[str], None]


def in_a_thread(message: str) -> None:
    """Log from a thread that whoever calls this starts."""
    thread = Thread(target=log.error, args=(message,))
    thread.start()
    thread.join()


@pytest.fixture(scope="module")
def neighbour() -> Iterator[Say]:
    """Have a thread that was there before the test log, and one that it starts now."""

    def say(message: str) -> None:
        log.error(message)
        in_a_thread(message)

    with ThreadPoolExecutor(1) as pool:
        pool.submit(int).result()
        yield lambda message: pool.submit(say, message).result()


def test_a_test_hears_itself_and_what_it_starts(neighbour: Say, caplog: pytest.LogCaptureFixture) -> None:
    neighbour("theirs")
    log.error("ours")
    with ThreadPoolExecutor(1) as pool:
        pool.submit(in_a_thread, "started by ours").result()
    neighbour("theirs")
    assert caplog.messages == ["ours", "started by ours"]


def test_a_test_that_wants_to_hears_all(neighbour: Say, process_log: pytest.LogCaptureFixture) -> None:
    neighbour("theirs")
    log.error("ours")
    assert process_log.messages == ["theirs", "theirs", "ours"]
