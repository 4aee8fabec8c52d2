"""A ledger in either way of being driven, and a gate before what waits for the database in both."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from threading import Event
from typing import Any

import pytest

from creditd.ledger.ledger import Ledger
from tests.support.polling import PollingThread


@contextmanager
def driven(ledger: Ledger, *, is_polled: bool) -> Iterator[Ledger]:
    """Keep a ledger until the block ends, on a thread of its own or on one that polls; that one stops first."""
    polling = PollingThread(ledger.attach) if is_polled else None
    try:
        yield ledger
    finally:
        if polling:
            polling.stop()
        ledger.close(5)
    assert polling is None or polling.error is None


class Gate:
    """Holds a ledger's writer up until it is opened."""

    def __init__(self, ledger: Ledger, patch: pytest.MonkeyPatch) -> None:
        """Stand before whatever of the writer waits for the database."""
        self.reached, self.opened = Event(), Event()
        for name in ("write", "write_cold", "save"):
            patch.setattr(ledger._writer, name, self._held_up(getattr(ledger._writer, name)))

    def _held_up(self, function: Callable[..., Any]) -> Callable[..., Any]:
        def held_up(*arguments: Any) -> Any:
            self.reached.set()
            self.opened.wait(10)
            return function(*arguments)

        return held_up
