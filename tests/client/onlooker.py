"""Who looks on at calls, and remembers what it saw."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from credit_client.failure import Failure


class Onlooker:
    """Remembers which methods were called, and each try that failed and was to be followed by another one."""

    metadata: tuple[tuple[str, str], ...] = ()

    def __init__(self, at_retry: Callable[[], Any] = lambda: None) -> None:
        """Do something at each failure that is to be followed by another try."""
        self.methods: list[str] = []
        self.failures: list[Failure] = []
        self.pauses: list[float] = []
        self._at_retry = at_retry

    @contextmanager
    def observe(self, method: str) -> Iterator["Onlooker"]:
        """Look on at a call."""
        self.methods.append(method.rpartition("/")[2])
        yield self

    def will_retry(self, failure: Failure, seconds: float) -> None:
        """Remember a failure."""
        self.failures.append(failure)
        self.pauses.append(seconds)
        self._at_retry()
