"""A thread that polls, as a server's does: it runs what is posted to it, then ticks, and waits for more."""

from collections.abc import Callable
from queue import Empty, SimpleQueue
from threading import Thread
from typing import Final

from creditd.ledger.queue import Attach

SECONDS: Final = 30.0
"""For the thread to end."""


class PollingThread:
    """Runs what is posted to it until it is stopped."""

    def __init__(self, attach: Attach) -> None:
        """Have what is attached tick."""
        self._posted: SimpleQueue[Callable[[], object] | None] = SimpleQueue()
        self._tick = attach(self.post)
        self.error: BaseException | None = None
        self._thread = Thread(target=self._run, name="polling", daemon=True)
        self._thread.start()

    def post(self, function: Callable[[], object]) -> None:
        """Have a function called on the thread."""
        self._posted.put(function)

    def stop(self) -> None:
        """End the thread once it has run what was posted."""
        self._posted.put(None)
        self._thread.join(SECONDS)
        assert not self._thread.is_alive()

    def _run(self) -> None:
        try:
            while (function := self._posted.get()) is not None:
                function()
                self._drain()
                self._tick()
        except BaseException as error:  # noqa: BLE001 - the test that looks at it decides.
            self.error = error

    def _drain(self) -> None:
        try:
            while (function := self._posted.get_nowait()) is not None:
                function()
        except Empty:
            return
        self._posted.put(None)
