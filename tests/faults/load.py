"""Many callers at once, each with one story after another, until they are told to stop."""

import random
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import pairwise
from threading import Event, Thread

from tests.faults.client import Client
from tests.faults.mix import Mix
from tests.faults.operations import Fate, Operation

CALLERS = 24
"""As many as keep a server of two cores in full batches."""

TIMEOUT_SECONDS = 5.0
SETTLE_SECONDS = 30.0
RECOVERY_SECONDS = 60.0
PAUSE_SECONDS = 0.05

Patience = Callable[[Operation], float]
"""How many seconds a caller waits for the answer to its next try."""


def patient(_: Operation) -> float:
    """Wait long enough for whatever recovers at all."""
    return TIMEOUT_SECONDS


class Load:
    """All operations of a battery, and the callers that make them.

    A caller whose call was not answered repeats it with the same request id until it is, while the others go on.
    """

    def __init__(self, client: Client, mix: Mix, patience: Patience = patient) -> None:
        """Prepare; ``run`` starts it."""
        self.operations: list[Operation] = []
        self.client = client
        self._mix = mix
        self._patience = patience
        self._stopping = Event()
        self._answered_at: list[float] = []
        self._began = self._ended = 0.0

    @contextmanager
    def run(self, callers: int = CALLERS) -> Iterator[None]:
        """Keep the callers busy until the block ends, then have every call answered that still is not."""
        threads = [Thread(target=self._call_on_and_on, name=f"caller-{n}", daemon=True) for n in range(callers)]
        self._began = time.monotonic()
        for thread in threads:
            thread.start()
        try:
            yield
        finally:
            self._ended = time.monotonic()
            self._stopping.set()
            for thread in threads:
                thread.join(RECOVERY_SECONDS)
        self._settle()

    def perform(self, operation: Operation) -> Operation:
        """Send an operation until it is answered or the callers stop."""
        self.operations.append(operation)
        while True:
            self.client.send(operation, self._patience(operation))
            if operation.is_done:
                self._answered_at.append(operation.answered_at)
            if operation.fate is not Fate.UNKNOWN or self._stopping.is_set():
                return operation
            time.sleep(random.uniform(0, 2 * PAUSE_SECONDS))

    def _call_on_and_on(self) -> None:
        while not self._stopping.is_set():
            self._mix.story(self.perform)

    def _settle(self) -> None:
        deadline = time.monotonic() + SETTLE_SECONDS
        while (waiting := self.unresolved()) and time.monotonic() < deadline:
            for operation in waiting:
                self.client.send(operation, TIMEOUT_SECONDS)

    def await_more(self, count: int) -> None:
        """Wait until so many more operations were acknowledged."""
        wanted = len(self._answered_at) + count
        deadline = time.monotonic() + RECOVERY_SECONDS
        while len(self._answered_at) < wanted:
            if time.monotonic() > deadline:
                raise TimeoutError(f"no recovery; failures {self.client.failures}, surprises {self.client.surprises}")
            time.sleep(0.01)

    def unresolved(self) -> list[Operation]:
        """Return what is still not answered."""
        return [operation for operation in self.operations if operation.fate is Fate.UNKNOWN]

    def repeated(self) -> int:
        """Count what was answered, but not at the first try."""
        return sum(o.tries > 1 and o.fate is not Fate.UNKNOWN for o in self.operations)

    def longest_gap_seconds(self) -> float:
        """Return the longest time without any acknowledgement while the callers were at it."""
        times = sorted(at for at in self._answered_at if at < self._ended)
        return max(later - earlier for earlier, later in pairwise([self._began, *times, self._ended]))
