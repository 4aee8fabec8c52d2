"""Natural batching: while one batch is under way, what arrives waits, and all that waits goes as the next one.

No timer: a lone item goes at once, and the busier it is, the larger the batches.
"""

import logging
from collections.abc import Callable, Iterator, Sequence
from queue import Empty, SimpleQueue
from threading import Thread
from typing import Generic, TypeVar

from creditd.ledger.work import Overloaded, ShuttingDown

log = logging.getLogger(__name__)

Item = TypeVar("Item")


class WorkQueue(Generic[Item]):
    """Items in from any thread, batches out on one thread of its own."""

    def __init__(
        self, name: str, process: Callable[[Sequence[Item]], None], *, max_batch: int, max_waiting: int
    ) -> None:
        """Hand batches of up to ``max_batch`` to ``process``; refuse items beyond ``max_waiting`` in the queue."""
        self._process = process
        self._max_batch = max_batch
        self._max_waiting = max_waiting
        self._queue: SimpleQueue[Item | None] = SimpleQueue()
        self._closed = False
        self._thread = Thread(target=self._run, name=name, daemon=True)
        self._thread.start()

    @property
    def waiting(self) -> int:
        """How many items wait now."""
        return self._queue.qsize()

    def submit(self, item: Item) -> None:
        """Queue an item. Raises Overloaded if the queue is full, ShuttingDown once closed."""
        if self._closed:
            raise ShuttingDown
        if self._queue.qsize() >= self._max_waiting:
            raise Overloaded
        self._queue.put(item)

    def close(self, timeout_seconds: float) -> list[Item]:
        """Refuse new items, finish those that wait, and end the thread; return the items that were left undone."""
        self._closed = True
        self._queue.put(None)
        self._thread.join(timeout_seconds)
        return [item for item in self._waiting(self._max_waiting) if item is not None]

    def _run(self) -> None:
        # None ends it; what slipped into the queue behind it, while it was being closed, is finished all the same.
        while not self._closed or not self._queue.empty():
            first = self._queue.get()
            items = [item for item in (first, *self._waiting(self._max_batch - 1)) if item is not None]
            if items:
                self._process_safely(items)

    def _waiting(self, at_most: int) -> Iterator[Item | None]:
        try:
            for _ in range(at_most):
                yield self._queue.get_nowait()
        except Empty:
            return

    def _process_safely(self, items: Sequence[Item]) -> None:
        try:
            self._process(items)
        except Exception:
            # The thread must outlive any defect, or every later call would hang.
            log.exception("a batch failed")
