"""Extends the holds of blocks that block, however long each of them takes: one thread for all that wait."""

import time
from collections.abc import Callable
from threading import Condition, Thread

from credit_client.hold import Hold

NEVER = float("inf")


class Extender:
    """Has each hold extended when it is time; the thread is made with the first one."""

    def __init__(self, extend: Callable[[Hold], bool]) -> None:
        """Extend by a function that calls the service, raises nothing, and returns whether the hold lives on."""
        self._extend = extend
        self._due: dict[Hold, float] = {}
        self._next = NEVER
        self._changed = Condition()
        self._thread: Thread | None = None
        self._is_closed = False

    def watch(self, hold: Hold) -> None:
        """Extend a hold from its last answer on, again and again."""
        due = time.monotonic() + hold.extends_after_seconds
        with self._changed:
            # It may have ended while it was being extended.
            if self._is_closed or not hold.is_to_be_extended:
                return
            if self._thread is None or not self._thread.is_alive():
                thread = Thread(target=self._run, name="credit holds", daemon=True)
                # There may be none to be had now, and one the next time.
                thread.start()
                self._thread = thread
            self._due[hold] = due
            if due < self._next:
                self._changed.notify()

    def forget(self, hold: Hold) -> None:
        """Extend a hold no more, because its block has ended."""
        hold.finish()
        with self._changed:
            self._due.pop(hold, None)

    def close(self) -> None:
        """Extend nothing more."""
        with self._changed:
            self._is_closed = True
            self._due.clear()
            self._changed.notify()

    def _run(self) -> None:
        while True:
            with self._changed:
                now = time.monotonic()
                # As many as there are threads with a block: few enough to look at each.
                due = [hold for hold, instant in self._due.items() if instant <= now]
                for hold in due:
                    del self._due[hold]
                self._next = min(self._due.values(), default=NEVER)
                if not due:
                    if self._is_closed:
                        return
                    self._changed.wait(None if self._next == NEVER else self._next - now)
            for hold in due:
                self._begin(hold)

    def _begin(self, hold: Hold) -> None:
        """Extend a hold in a thread of its own, so that one that is not answered keeps no other waiting."""
        try:
            Thread(target=self._extend_one, args=(hold,), name="credit hold", daemon=True).start()
        except RuntimeError:
            # So Python says that there is no thread to be had now.
            self.watch(hold)

    def _extend_one(self, hold: Hold) -> None:
        lives_on = self._extend(hold)
        if lives_on:
            self.watch(hold)
