"""What may look on at calls, as the traces of OpenTelemetry do."""

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Protocol

from credit_client.failure import Failure

Metadata = tuple[tuple[str, str], ...]


class ObservedCall(Protocol):
    """One call, with all its tries."""

    @property
    def metadata(self) -> Metadata:
        """What goes with each try."""

    def will_retry(self, failure: Failure, seconds: float) -> None:
        """Hear that a try has failed, and that there will be another one in so many seconds."""


class Observer(Protocol):
    """Looks on at calls."""

    def observe(self, method: str) -> AbstractContextManager[ObservedCall]:
        """Look on at a call of a method, by its full name, until the block ends, or fails with the call's error."""


class Nobody:
    """Looks on at nothing."""

    metadata: Metadata = ()

    def will_retry(self, failure: Failure, seconds: float) -> None:
        """Do nothing."""

    @contextmanager
    def observe(self, method: str) -> Iterator[ObservedCall]:
        """Do nothing."""
        del method
        yield self
